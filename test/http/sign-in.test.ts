import { mkdir, rename, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { addToken, removeToken } from '../../src/security/tokens.ts';
import { type StartedHttp, startHttp } from '../support/http.ts';

const nobody = () => undefined;
async function tokenOf(
	{ tokensFile }: StartedHttp,
	name = 'ada',
	role: 'viewer' | 'operator' = 'viewer',
): Promise<string> {
	const { token } = await addToken(tokensFile, { name, role, expiresAt: null, now: Date.now() });
	return token;
}

const signIn = (http: StartedHttp, token: unknown, headers: Readonly<Record<string, string>> = {}) =>
	http.ask('/session', { method: 'POST', body: { token }, headers });

/** As a reverse proxy passes on what a browser asked. */
function asProxy(
	url: string,
	headers: Readonly<Record<string, string>>,
	method = 'GET',
	body?: object,
): Promise<{ status: number; set: string; text: string }> {
	return new Promise((resolve, reject) => {
		const type = { 'content-type': 'application/json' };
		const asked = request(url, { method, headers: { ...type, ...headers } }, (answer) => {
			let text = '';
			answer.setEncoding('utf8').on('data', (piece) => {
				text += piece;
			});
			answer.once('end', () => {
				const [set = ''] = answer.headers['set-cookie'] ?? [];
				resolve({ status: answer.statusCode ?? 0, set, text });
			});
		});
		asked.once('error', reject);
		asked.end(body && JSON.stringify(body));
	});
}

async function cookieOf(http: StartedHttp, token: string): Promise<string> {
	const { headers } = await signIn(http, token);
	return headers.get('set-cookie')?.split(';')[0] ?? '';
}

const healthFor = async (http: StartedHttp, cookie: string) =>
	(await http.ask('/health', { headers: { cookie } })).status;

test('who signs in gets a session: a cookie of its port that no script reads and no other site sends, without the token', async () => {
	await using http = await startHttp(nobody);
	const token = await tokenOf(http);
	expect(await signIn(http, `${token}x`)).toMatchObject({ status: 401, json: { code: 'unauthorized' } });
	expect((await signIn(http, 7)).status).toBe(400);
	expect((await signIn(http, token, { origin: 'http://evil.example' })).status).toBe(403);
	const signedIn = await signIn(http, token);
	expect(signedIn).toMatchObject({ status: 200, json: { auth: 'token', role: 'viewer', name: 'ada' } });
	const set = signedIn.headers.get('set-cookie') ?? '';
	for (const word of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=604800']) expect(set).toContain(word);
	expect(set).not.toContain('Secure');
	const { port } = new URL(http.url);
	expect(set).toMatch(new RegExp(`^steward-${port}=[A-Za-z0-9_-]{43};`));
	expect(set).not.toContain(token.split('_').slice(2).join('_'));
	const cookie = set.split(';')[0] ?? '';
	expect(await healthFor(http, cookie)).toBe(200);
	const session = await http.ask('/session', { headers: { cookie } });
	expect(session.json).toMatchObject({ role: 'viewer', name: 'ada' });
	expect(await healthFor(http, cookie.replace(port, String(Number(port) + 1)))).toBe(401);
	expect(await healthFor(http, `steward-${port}=${token}`)).toBe(401);
});

test('who signs out leaves a cookie behind that is worth nothing, and so does who signs in anew', async () => {
	await using http = await startHttp(nobody);
	const token = await tokenOf(http);
	const [first, other] = [await cookieOf(http, token), await cookieOf(http, token)];
	expect(first).not.toBe(other);
	const again = await signIn(http, token, { cookie: first });
	expect([again.status, await healthFor(http, first), await healthFor(http, other)]).toEqual([200, 401, 200]);
	const signedOut = await http.ask('/session', { method: 'DELETE', headers: { cookie: other } });
	expect(signedOut).toMatchObject({ status: 200, json: { role: null } });
	expect(signedOut.headers.get('set-cookie')).toMatch(/^steward-\d+=;.*Expires=Thu, 01 Jan 1970/);
	expect(await healthFor(http, other)).toBe(401);
	expect((await http.ask('/health', { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
});

test('a session ends with its token at once, and with the server', async () => {
	await using http = await startHttp(nobody);
	const cookie = await cookieOf(http, await tokenOf(http));
	await tokenOf(http, 'another');
	expect(await healthFor(http, cookie)).toBe(200);
	await removeToken(http.tokensFile, 'ada');
	expect(await healthFor(http, cookie)).toBe(401);
	await tokenOf(http, 'ada');
	expect(await healthFor(http, cookie)).toBe(401);
	await using other = await startHttp(nobody);
	const token = await tokenOf(other);
	const kept = await cookieOf(other, token);
	await other.server.stop();
	await other.server.start();
	// Another port by chance: the name says nothing, the session is gone.
	const name = `steward-${new URL(other.server.url ?? '').port}`;
	const status = (value: string) =>
		fetch(`${other.server.url}/api/v1/health`, { headers: { cookie: `${name}=${value}` } });
	expect((await status(kept.split('=')[1] ?? '')).status).toBe(401);
});

test('what is being told ends with the session that asked for it', async () => {
	await using http = await startHttp(nobody);
	const cookie = await cookieOf(http, await tokenOf(http, 'ada', 'operator'));
	const headers = { cookie, 'content-type': 'application/json', 'content-length': '100' };
	// It never ends by itself: its body does not.
	const asked = request(`${http.url}/api/v1/schedules/preview`, { method: 'POST', headers });
	const over = new Promise((resolve) => {
		asked.once('error', () => resolve('cut off'));
		asked.once('response', ({ statusCode }) => resolve(statusCode));
	});
	await new Promise<void>((resolve) => asked.write('{', () => resolve()));
	// What came before these has been let in.
	for (let count = 0; count < 5; count++) expect(await healthFor(http, cookie)).toBe(200);
	await http.ask('/session', { method: 'DELETE', headers: { cookie } });
	expect(await over).toBe('cut off');
});

test('behind a reverse proxy it answers under the names that it was told, to whoever has a token, and its cookie stays with TLS', async () => {
	const own = { origins: ['https://fleet.example', 'https://other.example:8443'] };
	await using http = await startHttp(nobody, { http: own });
	const token = await tokenOf(http);
	const passedOn = (headers: Readonly<Record<string, string>>, method = 'GET', path = '/session') =>
		asProxy(`${http.url}/api/v1${path}`, headers, method, method === 'POST' ? { token } : undefined);
	const page = { host: 'fleet.example', origin: 'https://fleet.example', 'sec-fetch-site': 'same-origin' };
	expect((await passedOn({ host: 'fleet.example' }, 'GET', '/health')).status).toBe(401);
	for (const [headers, cookie] of [
		[page, 'Secure'],
		[{ ...page, host: new URL(http.url).host }, 'Secure'],
		[{ host: 'other.example:8443' }, 'Secure'],
	] as const) {
		const { status, set } = await passedOn(headers, 'POST');
		expect([status, set]).toEqual([200, expect.stringContaining(cookie)]);
	}
	expect((await signIn(http, token)).headers.get('set-cookie')).not.toContain('Secure');
	for (const headers of [
		{ host: 'evil.example' },
		{ ...page, origin: 'https://evil.example' },
		{ ...page, 'sec-fetch-site': 'cross-site' },
	])
		expect((await passedOn(headers, 'POST')).status).toBe(403);
	await using unnamed = await startHttp(nobody);
	const refused = await asProxy(`${unnamed.url}/api/v1/session`, { host: 'fleet.example' });
	expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('http.origins')]);
});

test('with a name for a reverse proxy nobody is let in without a token', async () => {
	await using http = await startHttp(nobody, { http: { origins: ['https://fleet.example'] } });
	expect((await http.ask('/session')).json).toMatchObject({ auth: 'token', role: null });
	expect((await http.ask('/health')).status).toBe(401);
});

test('while nobody can read who may come in nobody may, and who was signed in still is afterwards', async () => {
	await using http = await startHttp(nobody);
	const cookie = await cookieOf(http, await tokenOf(http));
	const { tokensFile } = http;
	await rename(tokensFile, `${tokensFile}.away`);
	await mkdir(tokensFile, { mode: 0o700 });
	const refused = await http.ask('/health', { headers: { cookie } });
	expect(refused).toMatchObject({ status: 500, json: { code: 'storage' } });
	expect(refused.text).not.toContain(tokensFile);
	expect((await http.ask('/health')).status).toBe(500);
	expect((await fetch(`${http.url}/healthz`, { headers: { cookie } })).status).toBe(200);
	await rm(tokensFile, { recursive: true });
	await rename(`${tokensFile}.away`, tokensFile);
	expect(await healthFor(http, cookie)).toBe(200);
});
