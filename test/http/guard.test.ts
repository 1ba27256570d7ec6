import { chmod, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { addToken, removeToken } from '../../src/security/tokens.ts';
import { type Answer, askUrl, type StartedHttp, startHttp } from '../support/http.ts';

const nobody = () => undefined;
const code = ({ json }: Answer) => (json as { code?: string } | undefined)?.code;

async function tokenOf(http: StartedHttp, role: 'operator' | 'viewer', lifeMs: number | null = null) {
	const now = Date.now();
	const expiresAt = lifeMs === null ? null : now + lifeMs;
	const { token } = await addToken(http.tokensFile, { name: role, role, expiresAt, now });
	return { token, bearer: { authorization: `Bearer ${token}` } };
}

/** What asked for something, and who. */
const embedded = { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' };
const followed = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

/** Begins to send a command, and says what became of it; it never ends by itself. */
function endlessPost(url: string): {
	readonly sent: Promise<void>;
	readonly over: Promise<'cut off' | number>;
} {
	const asked = request(`${url}/api/v1/commands`, {
		...{ method: 'POST', headers: { 'content-type': 'application/json', 'content-length': '100' } },
	});
	const over = new Promise<'cut off' | number>((resolve) => {
		asked.once('error', () => resolve('cut off'));
		asked.once('response', (answer) => {
			resolve(answer.statusCode ?? 0);
			asked.destroy();
		});
	});
	const sent = new Promise<void>((resolve) => asked.write('{', () => resolve()));
	return { sent, over };
}

/** As no browser would send it. */
function rawStatus(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
	return new Promise((resolve, reject) => {
		const asked = request(url, { headers }, (answer) => {
			answer.resume();
			answer.once('end', () => resolve(answer.statusCode ?? 0));
		});
		asked.once('error', reject);
		asked.end();
	});
}

test('under a name that is not its own nothing is answered, the page as little as the API', async () => {
	await using http = await startHttp(nobody);
	for (const path of ['/', '/healthz', '/api/v1/session', '/api/docs']) {
		expect(await rawStatus(`${http.url}${path}`, { host: 'evil.example' })).toBe(403);
	}
	expect(await rawStatus(`${http.url}/healthz`, { host: 'localhost' })).toBe(200);
});

test('a page of another site changes nothing, with or without a form', async () => {
	await using http = await startHttp(nobody);
	const post = (headers: Readonly<Record<string, string>>, body: string) =>
		askUrl(`${http.url}/api/v1/commands`, { method: 'POST', headers, body });
	const body = JSON.stringify({ toNode: 'ship1', method: 'ping', kind: 'command' });
	expect(code(await post({ origin: 'http://evil.example' }, body))).toBe('forbidden');
	expect(code(await post({ 'sec-fetch-site': 'cross-site' }, body))).toBe('forbidden');
	for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x'])
		expect(await post({ 'content-type': type }, body)).toMatchObject({
			status: 400,
			json: { code: 'invalid' },
		});
	// What its own page asks for gets as far as the broker, which is not there.
	expect(code(await post({ origin: http.url, 'sec-fetch-site': 'same-origin' }, body))).toBe('no-broker');
	const preflight = await askUrl(`${http.url}/api/v1/commands`, {
		method: 'OPTIONS',
		headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' },
	});
	expect([...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
});

test('a page of another site embeds nothing, and asks for nothing in the background; its links lead here', async () => {
	await using http = await startHttp(nobody, { http: { requestsPerMinute: 3 } });
	const status = (path: string, headers: Readonly<Record<string, string>>) =>
		rawStatus(`${http.url}${path}`, headers);
	for (const site of ['cross-site', 'same-site']) {
		for (const path of ['/api/v1/session', '/metrics', '/favicon.svg', '/healthz'])
			expect(await status(path, { 'sec-fetch-site': site, ...embedded })).toBe(403);
		const framed = { ...followed, 'sec-fetch-dest': 'iframe' };
		expect(await status('/healthz', { 'sec-fetch-site': site, ...framed })).toBe(403);
	}
	// None of that has used up what the operator may ask.
	expect(await status('/api/v1/session', { 'sec-fetch-site': 'cross-site', ...followed })).toBe(200);
	expect(await status('/api/v1/session', { 'sec-fetch-site': 'same-origin', ...embedded })).toBe(200);
	expect(await status('/api/v1/session', {})).toBe(200);
});

test('who is not let in sends no more than a token', async () => {
	await using http = await startHttp(nobody);
	await tokenOf(http, 'viewer');
	const body = { token: 'x'.repeat(100_000) };
	expect(await http.ask('/session', { method: 'POST', body })).toMatchObject({
		status: 413,
		json: { code: 'too-large' },
	});
});

test('without account and token everybody on this machine is an operator; with the first token nobody is', async () => {
	await using http = await startHttp(nobody);
	expect((await http.ask('/session')).json).toMatchObject({
		auth: 'open',
		role: 'operator',
		name: 'operator',
	});
	expect((await http.ask('/health')).status).toBe(200);
	const { bearer } = await tokenOf(http, 'operator');
	expect((await http.ask('/session')).json).toMatchObject({ auth: 'token', role: null, name: null });
	for (const path of ['/health', '/commands', '/openapi.json', '/nothing-of-the-kind'])
		expect(await http.ask(path)).toMatchObject({ status: 401, json: { code: 'unauthorized' } });
	expect((await askUrl(`${http.url}/api/docs`)).status).toBe(401);
	expect((await askUrl(`${http.url}/metrics`)).status).toBe(401);
	expect((await http.ask('/health', { headers: bearer })).status).toBe(200);
	expect((await askUrl(`${http.url}/healthz`)).status).toBe(200);
	await removeToken(http.tokensFile, 'operator');
	expect((await http.ask('/session')).json).toMatchObject({ auth: 'open', role: 'operator' });
});

test('whoever was let in without a token is told nothing more once there is one', async () => {
	await using http = await startHttp(nobody);
	const { sent, over } = endlessPost(http.url);
	await sent;
	expect((await http.ask('/health')).status).toBe(200);
	await tokenOf(http, 'operator');
	expect(await over).toBe('cut off');
});

test('a viewer reads, and changes nothing, not even as a dry run', async () => {
	await using http = await startHttp(nobody);
	const { bearer: headers } = await tokenOf(http, 'viewer');
	expect((await http.ask('/health', { headers })).status).toBe(200);
	for (const [method, path] of [
		['POST', '/commands'],
		['POST', '/commands?dryRun=true'],
		['PUT', '/schedules/x'],
		['DELETE', '/schedules/x'],
		['POST', '/dead/discard'],
	] as const)
		expect(await http.ask(path, { method, headers, body: {} })).toMatchObject({
			status: 403,
			json: { code: 'denied' },
		});
});

test('a token that has expired, was taken back or is half a token lets nobody in', async () => {
	await using http = await startHttp(nobody);
	const { bearer } = await tokenOf(http, 'operator');
	const { token, bearer: late } = await tokenOf(http, 'viewer', -1000);
	expect((await http.ask('/health', { headers: late })).status).toBe(401);
	expect((await http.ask('/health', { headers: bearer })).status).toBe(200);
	for (const authorization of [`Bearer ${token.slice(0, 20)}`, 'Bearer', 'Basic b3BlcmF0b3I6', token])
		expect((await http.ask('/health', { headers: { authorization } })).status).toBe(401);
	await removeToken(http.tokensFile, 'operator');
	expect((await http.ask('/health', { headers: bearer })).status).toBe(401);
});

test('a file of tokens that is damaged, or that others may read, shuts the door', async () => {
	await using http = await startHttp(nobody);
	const { bearer: headers } = await tokenOf(http, 'operator');
	await chmod(http.tokensFile, 0o644);
	expect((await http.ask('/health', { headers })).status).toBe(401);
	await chmod(http.tokensFile, 0o600);
	expect((await http.ask('/health', { headers })).status).toBe(200);
	await writeFile(http.tokensFile, 'x');
	expect((await http.ask('/health', { headers })).status).toBe(401);
	expect((await http.ask('/session')).json).toMatchObject({ auth: 'token', role: null });
});

test('who asks too often is told when to ask again, each token for itself, and health is always told', async () => {
	await using http = await startHttp(nobody, { http: { requestsPerMinute: 5 } });
	const { bearer: headers } = await tokenOf(http, 'operator');
	const statuses: number[] = [];
	for (let count = 0; count < 7; count++) statuses.push((await http.ask('/health')).status);
	expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
	const refused = await http.ask('/health');
	expect(refused).toMatchObject({ status: 429, json: { code: 'too-many' } });
	expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
	expect(refused.headers.get('content-type')).toContain('application/problem+json');
	expect((await http.ask('/health', { headers })).status).toBe(200);
	expect((await askUrl(`${http.url}/healthz`)).status).toBe(200);
});

test('a body that is too large, no JSON, or means to change what objects are is refused', async () => {
	await using http = await startHttp(nobody);
	const post = (body: string) => http.ask('/schedules/preview', { method: 'POST', body });
	expect(await post(`"${'x'.repeat(5 * 1024 * 1024)}"`)).toMatchObject({
		status: 413,
		json: { code: 'too-large' },
	});
	for (const body of [
		'{',
		'{"a":1,}',
		'\u0000',
		'{"__proto__":{"x":1}}',
		'{"constructor":{"prototype":{"x":1}}}',
	])
		expect(await post(body)).toMatchObject({ status: 400, json: { code: 'invalid' } });
});

test('arrays within arrays, as deep as a body may be, overflow nothing', async () => {
	await using http = await startHttp(nobody);
	const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
	for (const body of [
		deep(300_000),
		`{"toNode":"ship1","method":"ping","kind":"command","data":${deep(100_000)}}`,
	]) {
		expect(await http.ask('/commands', { method: 'POST', body })).toMatchObject({
			status: 400,
			json: { code: 'invalid' },
		});
	}
});

test('hostile handles, names and words of a query are refused before anything is asked', async () => {
	await using http = await startHttp(nobody);
	const hostile = [
		'..%2f..',
		'ship1.*',
		'ship1.%3E',
		'ship1',
		'*.x',
		'_raw.x',
		'123.x',
		'ship1.x%0d%0ay',
		'ship1.x%00',
		`ship1.${'x'.repeat(65)}`,
		'%F0%9F%9A%A2.x',
	];
	for (const handle of hostile) {
		const { status, json } = await http.ask(`/commands/${handle}`);
		expect([handle, status, (json as { code?: string }).code]).toEqual([handle, 400, 'invalid']);
	}
	for (const path of [
		'/nodes/*',
		'/nodes/%3E',
		'/nodes/a.b',
		'/nodes/_x/queue',
		'/schedules/a%20b',
		'/schedules/..%2fx/form',
		'/dead/-1',
		'/dead/1e3x',
		'/commands?node=*',
		'/commands?limit=0',
		'/commands?limit=1000000',
		'/commands?since=yesterday',
		'/commands?statee=queued',
		'/nodes?where=role',
	])
		expect([path, (await http.ask(path)).status]).toEqual([path, path.includes('since') ? 503 : 400]);
	// A path that cannot be read is no path.
	expect((await http.ask('/commands/%E0%A4%A')).status).toBe(400);
});

test('every answer keeps a page from running or asking anything but its own', async () => {
	await using http = await startHttp(nobody);
	for (const path of ['/api/v1/session', '/healthz', '/api/v1/commands', '/nothing']) {
		const { headers } = await askUrl(`${http.url}${path}`);
		const policy = headers.get('content-security-policy') ?? '';
		expect(policy).toContain("default-src 'none'");
		expect(policy).toContain("script-src 'self'");
		expect(policy).not.toContain('unsafe');
		expect(policy).toContain("frame-ancestors 'none'");
		expect(headers.get('x-content-type-options')).toBe('nosniff');
		expect(headers.get('referrer-policy')).toBe('no-referrer');
		expect(headers.get('access-control-allow-origin')).toBeNull();
		if (path === '/api/v1/commands') expect(headers.get('cache-control')).toBe('no-store');
	}
});

test('what goes wrong inside is a defect that tells nothing of itself', async () => {
	let isBroken = false;
	await using http = await startHttp(() => {
		if (isBroken) throw new Error('the inside of steward');
		return undefined;
	});
	isBroken = true;
	const { status, text, json } = await http.ask('/commands');
	expect([status, (json as { code?: string }).code]).toEqual([500, 'defect']);
	expect(text).not.toContain('inside');
	isBroken = false;
});
