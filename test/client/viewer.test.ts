import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fleet } from '../../src/client/fleet.ts';
import { type Disposables, disposables } from '../support/disposables.ts';
import { effectsIn } from '../support/effects.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { type SecureNats, startSecureNats } from '../support/secure-nats.ts';
import { tempDir } from '../support/temp.ts';

// A viewer reads what an operator reads, though it may make no consumer, and changes nothing.

let parts: Disposables;
let secure: SecureNats;
let operator: Fleet;
let viewer: Fleet;

beforeAll(async () => {
	parts = disposables();
	secure = parts.use(await startSecureNats());
	parts.use(await startCentral(secure.url, {}, await secure.credentials('centre', 'centre')));
	parts.use(await startNode(secure.url, 'ship1', { credentials: await secure.credentials('node', 'ship1') }));
	operator = parts.use(await openFleet(secure.url, await secure.credentialsFile('operator', 'alice')));
	viewer = parts.use(await openFleet(secure.url, await secure.credentialsFile('viewer', 'bob')));
});
afterAll(() => parts[Symbol.asyncDispose]());

test('sees a command come, run and end, with its output', async () => {
	const effects = effectsIn(parts.use(await tempDir()).path);
	const stop = new AbortController();
	const states: string[] = [];
	const watching = (async () => {
		for await (const { id, state } of viewer.watch({ signal: stop.signal })) {
			if (id === 'a') states.push(state);
			if (state === 'succeeded') break;
		}
	})();
	const data = ['bash', '-c', `echo begun; ${effects.gate('a')}; echo done`];
	await operator.send({ toNode: 'ship1', kind: 'command', method: 'shellCommand', id: 'a', data });
	const pieces: string[] = [];
	for await (const piece of viewer.logs('ship1.a', { follow: true })) {
		if (piece.kind !== 'chunk') continue;
		pieces.push(Buffer.from(piece.data).toString());
		await effects.open('a');
	}
	expect(pieces.join('')).toBe('begun\ndone\n');
	const [view] = await viewer.wait(['ship1.a'], { timeoutMs: 60_000 });
	expect(view).toMatchObject({ state: 'succeeded', result: { exitCode: 0 } });
	await watching;
	stop.abort();
	expect(states.at(-1)).toBe('succeeded');
	expect(await viewer.get('ship1.a')).toEqual(await operator.get('ship1.a'));
	expect((await viewer.why('ship1.a')).cause).toBe('ended');
	expect(await viewer.list()).toEqual(await operator.list());
	expect((await viewer.nodes()).map(({ node }) => node)).toEqual(['ship1']);
	expect(await viewer.dead.list()).toEqual(await operator.dead.list());
	expect(await viewer.schedules.list()).toEqual([]);
});

test('is told, at once and for certain, that it may not send, cancel or pause', async () => {
	const form = { kind: 'command' as const, method: 'shellCommand', data: ['true'] };
	await operator.send({ ...form, toNode: 'ship9', id: 'waits' });
	await expect(viewer.send({ ...form, toNode: 'ship1', id: 'b' })).rejects.toMatchObject({
		code: 'unauthorized',
	});
	await expect(viewer.cancel(['ship9.waits'])).rejects.toMatchObject({ code: 'unauthorized' });
	await expect(viewer.pause('ship1')).rejects.toMatchObject({ code: 'unauthorized' });
	await expect(viewer.decommission('ship9')).rejects.toMatchObject({ code: 'unauthorized' });
	expect(await operator.get('ship1.b')).toBeUndefined();
	expect(await operator.get('ship9.waits')).toMatchObject({ state: 'queued' });
});
