import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { packageRoot } from '../../src/base/package.ts';
import type { NodeState } from '../../src/domain/node-state.ts';
import { closeConnection, Link, openConnection } from '../../src/jetstream/connection.ts';
import { applyTopology } from '../../src/jetstream/topology.ts';
import { Pauses } from '../../src/node/control/pauses.ts';
import { ServerTime } from '../../src/node/server-time.ts';
import { boundedState } from '../../src/node/state-bounds.ts';
import { StatePublisher } from '../../src/node/state-publisher.ts';
import { Store } from '../../src/node/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { recordingLog } from '../support/log.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';
import { command, settled } from './asking.ts';
import { moduleHeader } from './module-source.ts';

const largest = 64 * 1024;

function stateOf(methods: NodeState['methods'], stopped: NodeState['stopped'] = []): NodeState {
	return {
		...{ v: 1, node: 'ship1', version: 'test', machine: 'm', boot: 'b', epoch: 'e', labels: {} },
		...{ platform: { os: 'linux', arch: 'x64', runtime: 'node', hostname: 'here' }, startedAt: 1, saidAt: 1 },
		...{ clockOffsetMs: null, methods, lanes: [], running: [], outbox: 0, stopping: false },
		...{ stopped, unreported: [], schedules: [], trust: null, access: null },
	};
}

function method(name: string, bytes: number, description?: string): NodeState['methods'][number] {
	return { name, kind: 'command', data: { enum: ['x'.repeat(bytes)] }, ...(description && { description }) };
}

function bytesOf(state: NodeState): number {
	return Buffer.byteLength(JSON.stringify(state));
}

test('a state that fits is told as it is', () => {
	const state = stateOf([method('a', 50_000)]);
	expect(boundedState(state, largest)).toBe(state);
});

test('the largest schemas are left out, no more than needed, and their methods say so', () => {
	const methods = [method('small', 100), method('large', 40_000, 'deploys'), method('middle', 20_000)];
	const bounded = boundedState(stateOf(methods), largest);
	expect(bytesOf(bounded)).toBeLessThan(largest);
	expect(bounded.methods).toEqual([
		methods[0],
		{
			...{ name: 'large', kind: 'command', data: {} },
			description: 'deploys (the schema of its data is not told: it has 40013 bytes)',
		},
		methods[2],
	]);
});

test('where schemas are not enough, words are cut, and every pause is told', () => {
	const stopped = Array.from({ length: 60 }, (_, n) => {
		return { method: `m${n}`, kind: 'stop', by: 'ship1', reason: 'y'.repeat(1000), since: 1 } as const;
	});
	const methods = stopped.map(({ method: name }) => method(name, 10_000, 'z'.repeat(1000)));
	const bounded = boundedState(stateOf(methods, stopped), largest);
	expect(bytesOf(bounded)).toBeLessThan(largest);
	expect(bounded.stopped).toHaveLength(60);
	expect(bounded.stopped[0]?.reason).toMatch(/^y{100}… \(cut: 1000 characters\)$/);
	expect(bounded.methods.map(({ name }) => name)).toEqual(methods.map(({ name }) => name));
});

test('a pause keeps the beginning of a long reason, whoever gives it', async () => {
	await using dir = await tempDir();
	const store = new Store(join(dir.path, 'store'), systemClock);
	await store.start();
	const pauses = new Pauses({ store, now: () => 1, clock: systemClock });
	await pauses.start();
	const author = { by: 'b'.repeat(10_000), reason: 'r'.repeat(40_000) };
	const reason = `${'r'.repeat(1000)}… (cut: 40000 characters)`;
	pauses.breakDown(['broken'], author);
	await pauses.pauseLanes(['urgent'], author);
	await pauses.stopMethod('stopped', author);
	expect(pauses.laneOf('urgent')).toMatchObject({ reason, by: expect.stringMatching(/^b{200}…/) });
	expect(pauses.stoppedMethods().map((one) => one.reason)).toEqual([reason, reason]);
	expect(pauses.holds('normal', 'broken')).toBe(true);
	expect(pauses.laneOf('normal')?.reason).toMatch(
		/^its next command is for broken, which is stopped: r{900}/,
	);
	expect(pauses.laneOf('normal')?.reason.length).toBeLessThan(1100);
	await pauses.stop();
	await store.stop();
});

async function smallBroker(dir: string) {
	const config = join(dir, 'small.conf');
	const shipped = await readFile(join(packageRoot, 'nats-server.conf'), 'utf8');
	await writeFile(config, shipped.replace(/^max_payload:.*$/m, 'max_payload: 64KB'));
	return startNats({ config });
}

test('a state that the broker refuses is an error in the log, once for its cause', async () => {
	await using dir = await tempDir();
	await using nats = await smallBroker(dir.path);
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	await applyTopology(connection, { dir: join(packageRoot, 'streams') });
	const log = recordingLog();
	const link = new Link({ servers: [nats.url], name: 'ship1', clock: systemClock, log });
	await link.start();
	const labels = { big: 'x'.repeat(100_000) };
	let isLarge = true;
	const serverTime = new ServerTime(systemClock);
	const state = new StatePublisher({
		...{ node: 'ship1', link, serverTime, clock: systemClock, log, beatEveryMs: 100 },
		describe: () => ({ ...stateOf([]), ...(isLarge && { labels }) }),
		beat: { machine: 'm', boot: 'b' },
		onNameUsedTwice: () => undefined,
	});
	await state.start();
	const failures = () => log.lines.filter(({ message }) => message.includes('state'));
	await eventually(() => failures().length >= 2);
	expect(failures().map(({ level }) => level)).toEqual(['error', 'debug']);
	expect(failures()[0]).toMatchObject({
		message: 'the broker refuses the state of this node, so the centre cannot see it',
		fields: { err: expect.stringMatching(/at most 65536/) },
	});
	isLarge = false;
	await eventually(() => serverTime.isKnown);
	await state.stop();
	await link.stop();
	await closeConnection(connection, systemClock);
});

test('a module with many methods, large schemas and much to say when it breaks down is seen by the centre all the same', async () => {
	await using dir = await tempDir();
	await using nats = await smallBroker(dir.path);
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	const path = join(dir.path, 'module.mjs');
	const source = `
		const data = (n) => z.any().or(z.enum(['x'.repeat(n * 500)]));
		const breaks = () => { for (let i = 0; i < 12; i++) console.error('y'.repeat(4000)); process.exit(1); };
		export default Array.from({ length: 40 }, (_, n) => ({ ...method('m' + n, breaks), data: data(n) }));
	`;
	await writeFile(path, (await moduleHeader()) + source);
	await using _ship = await startNode(nats.url, 'ship1', { node: { modules: [path] } });
	const before = await eventually(async () => {
		const view = await fleet.node('ship1');
		return (view?.methods.length ?? 0) >= 40 && view;
	});
	expect(before.methods.find(({ name }) => name === 'm39')?.description).toMatch(
		/not told: it has \d+ bytes/,
	);
	expect(before.methods.find(({ name }) => name === 'm2')?.description).toBeUndefined();
	await fleet.send(
		command('a', null, {
			method: 'm0',
			attempts: 10,
			backoff: { kind: 'fixed', initial: '1ms', cap: '1ms' },
		}),
	);
	await fleet.send(command('b', null, { method: 'm1' }));
	const view = await eventually(async () => {
		const now = await fleet.node('ship1');
		return now?.stopped.length === 40 && now;
	});
	expect(view.stopped[0]?.reason).toMatch(/ended, exit code 1: y+/);
	await fleet.cancel(['ship1.a', 'ship1.b'], { timeoutMs: 60_000 });
	await settled(fleet, ['a', 'b']);
});
