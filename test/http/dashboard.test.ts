import { expect, test } from 'vitest';
import { startHttp } from '../support/http.ts';

const page = '<!doctype html><title>steward</title>';
const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

test('who follows a link to nowhere gets the page, which says so, with 404; the API answers problems to everybody', async () => {
	await using http = await startHttp(() => undefined, { page });
	const get = async (path: string, headers: Readonly<Record<string, string>> = browser, method = 'GET') => {
		const answer = await fetch(`${http.url}${path}`, { method, headers });
		return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
	};
	const html = 'text/html; charset=utf-8';
	for (const path of ['/', '/nodes/ship1'])
		expect(await get(path)).toMatchObject({ status: 200, text: page });
	for (const path of ['/nowhere', '/nodes2', '/no/where?x=1', '/apis'])
		expect(await get(path)).toEqual({ status: 404, type: html, text: page });
	expect(await get('/nowhere', browser, 'HEAD')).toEqual({ status: 404, type: html, text: '' });
	const problem = { status: 404, text: expect.stringContaining('"code":"unknown-route"') };
	for (const path of ['/api', '/api/', '/api/v1/nowhere', '/api/v2', '/metrics/nowhere'])
		expect([path, await get(path)]).toMatchObject([path, problem]);
	expect(await get('/nowhere', { accept: '*/*' })).toMatchObject(problem);
	expect(await get('/assets/gone.js', {})).toMatchObject(problem);
	expect(await get('/nowhere', { ...browser, 'content-type': 'application/json' }, 'POST')).toMatchObject(
		problem,
	);
	const { headers } = await fetch(`${http.url}/nowhere`, { headers: browser });
	expect(headers.get('cache-control')).toBe('no-cache');
	expect(headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('where the page was not built, a link to nowhere is a problem', async () => {
	await using http = await startHttp(() => undefined);
	const { status, headers } = await fetch(`${http.url}/nowhere`, { headers: browser });
	expect([status, headers.get('content-type')]).toEqual([
		404,
		expect.stringContaining('application/problem+json'),
	]);
});
