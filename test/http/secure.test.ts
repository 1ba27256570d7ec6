import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Credentials } from '../../src/security/credentials.ts';
import { newUserKey, signingKey } from '../../src/security/keys.ts';
import { addToken, removeToken } from '../../src/security/tokens.ts';
import { type Disposables, disposables } from '../support/disposables.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, type Started, startCentral, startNode } from '../support/fleet.ts';
import { type StartedHttp, startHttp } from '../support/http.ts';
import { startSecureNats } from '../support/secure-nats.ts';

// A broker with accounts, a fleet with a trust list, and two windows on its centre: one has the centre's credentials, one an operator's.

let parts: Disposables;
let central: Started<Awaited<ReturnType<typeof startCentral>>['part']>;
let byCentre: StartedHttp;
let byOperator: StartedHttp;

beforeAll(async () => {
	parts = disposables();
	const secure = parts.use(await startSecureNats());
	const centre = await secure.credentials('centre', 'centre');
	const operator = await secure.credentials('operator', 'window');
	central = parts.use(await startCentral(secure.url, {}, centre));
	const window = () => central.part.window;
	byCentre = parts.use(await startHttp(window, { credentials: centre }));
	byOperator = parts.use(await startHttp(window, { credentials: operator }));
	const root = signingKey(newUserKey().seed);
	const listed = ({ key, name }: Credentials, role: 'centre' | 'operator') => ({
		key: key.publicKey,
		name,
		role,
	});
	const keys = [listed(centre, 'centre'), listed(operator, 'operator')];
	const fleet = await openFleet(secure.url, await secure.credentialsFile('operator', 'ada'));
	await fleet.trust.publish('trust', { roots: [root.publicKey], keys }, { roots: [root] });
	await fleet.close();
	const credentials = await secure.credentials('node', 'ship1');
	parts.use(await startNode(secure.url, 'ship1', { credentials, node: { roots: [root.publicKey] } }));
});
afterAll(() => parts[Symbol.asyncDispose]());

async function signedIn(http: StartedHttp, name: string) {
	const { token } = await addToken(http.tokensFile, {
		name,
		role: 'operator',
		expiresAt: null,
		now: Date.now(),
	});
	return { authorization: `Bearer ${token}` };
}

const items = ({ json }: { json: unknown }) => (json as { items: { handle: string }[] }).items;
const schedule = { name: 'nightly', cron: '0 3 * * *', toNode: 'ship1', message: { method: 'ping' } };

test('with accounts nobody is let in without a token, on loopback as little as elsewhere', async () => {
	expect((await byCentre.ask('/session')).json).toMatchObject({ auth: 'token', role: null, secure: true });
	expect((await byCentre.ask('/nodes')).status).toBe(401);
});

test('what an operator’s key signs runs on a node that trusts it, and is told under the name of the token', async () => {
	const headers = await signedIn(byOperator, 'eve');
	const ask = (path: string, body?: object) =>
		byOperator.ask(path, { headers, ...(body && { method: 'POST', body }) });
	const body = { toNode: 'ship1', method: 'ping', kind: 'command' };
	// Before its first list it trusts nobody.
	await eventually(async () => ((await ask('/nodes/ship1')).json as { trust: number }).trust === 1);
	const [sent] = items(await ask('/commands', body));
	await eventually(async () => {
		const { state } = (await ask(`/commands/${sent?.handle}`)).json as { state: string };
		return state === 'succeeded';
	});
	const [waiting] = items(await ask('/commands', { ...body, toNode: 'ship2' }));
	const cancelled = await ask(`/commands/${waiting?.handle}/cancel`, { reason: 'a test' });
	expect(cancelled.json).toMatchObject({ answer: 'beforeStart', command: { closed: { actor: 'eve' } } });
	expect((await ask(`/commands/${waiting?.handle}/retry`, {})).status).toBe(201);
	expect((await ask('/nodes/ship2/decommission', {})).status).toBe(200);
	expect((await ask('/nodes/ship2/recommission', {})).status).toBe(200);
	expect((await ask('/schedules', schedule)).status).toBe(201);
	await eventually(async () => (await ask('/schedules/nightly')).status === 200);
	expect((await ask('/schedules/nightly')).json).toMatchObject({ problem: null, changed: { by: 'eve' } });
	expect((await ask('/schedules/nightly/run', {})).status).toBe(201);
	expect((await ask('/trust')).json).toMatchObject({ document: { kind: 'trust', version: 1 } });
});

test('what only the centre could sign is denied, with the step that helps; it reads all the same', async () => {
	const headers = await signedIn(byCentre, 'carol');
	for (const [path, body] of [
		['/schedules', schedule],
		['/commands', { toNode: 'ship1', method: 'ping', kind: 'command' }],
	] as const) {
		const denied = await byCentre.ask(path, { method: 'POST', body, headers });
		expect(denied).toMatchObject({ status: 403, json: { code: 'denied' } });
		expect(denied.text).toContain('http.credentials');
	}
	expect((await byCentre.ask('/nodes', { headers })).status).toBe(200);
});

test('who loses his token is told nothing more', async () => {
	const headers = await signedIn(byOperator, 'dave');
	const stream = await fetch(`${byOperator.url}/api/v1/stream`, { headers });
	expect(stream.status).toBe(200);
	const reader = stream.body?.getReader();
	expect((await reader?.read())?.done).toBe(false);
	await removeToken(byOperator.tokensFile, 'dave');
	const toEnd = async () => {
		for (;;) if ((await reader?.read())?.done) return 'ended';
	};
	expect(await toEnd().catch(() => 'cut off')).toBe('cut off');
});
