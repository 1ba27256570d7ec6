import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { packageRoot } from '../../src/base/package.ts';
import type { NodeState } from '../../src/domain/node-state.ts';
import { subjects } from '../../src/domain/subject.ts';
import { closeConnection, Link, openConnection } from '../../src/jetstream/connection.ts';
import { ensureLaneConsumer } from '../../src/jetstream/consumers.ts';
import type { Delivery } from '../../src/jetstream/pull.ts';
import { applyTopology } from '../../src/jetstream/topology.ts';
import { Lane } from '../../src/node/delivery/lane.ts';
import { Lanes } from '../../src/node/delivery/lanes.ts';
import { LogFiles } from '../../src/node/methods/log-files.ts';
import type { MethodProcess } from '../../src/node/processes/method.ts';
import { ProcessKeeper } from '../../src/node/processes/process-keeper.ts';
import { ServerTime } from '../../src/node/server-time.ts';
import { StatePublisher } from '../../src/node/state-publisher.ts';
import { manualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';
import { command } from './asking.ts';

const hourMs = 3_600_000;
/** A reading is off by half of what its answer took, and a busy machine takes its time. */
const nearMs = 30_000;

async function broker() {
	const nats = await startNats();
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	await applyTopology(connection, { dir: join(packageRoot, 'streams') });
	const log = recordingLog();
	const link = new Link({ servers: [nats.url], name: 'ship1', clock: systemClock, log });
	await link.start();
	return {
		nats,
		connection,
		link,
		log,
		[Symbol.asyncDispose]: async () => {
			await link.stop();
			await closeConnection(connection, systemClock);
			await nats[Symbol.asyncDispose]();
		},
	};
}

function stateOf(boot: string, clockOffsetMs: number | null): NodeState {
	return {
		...{ v: 1, node: 'ship1', version: 'test', machine: `machine of ${boot}`, boot, epoch: 'e', labels: {} },
		...{ platform: { os: 'linux', arch: 'x64', runtime: 'node', hostname: 'here' }, startedAt: 1, saidAt: 1 },
		...{ clockOffsetMs, methods: [], lanes: [], running: [], outbox: 0, stopping: false },
		...{ stopped: [], unreported: [], schedules: [], trust: null, access: null },
	};
}

test.concurrent("says the node's state, reads the broker's clock by it, and notices who else says it", async () => {
	await using parts = await broker();
	const clock = { ...systemClock, now: () => systemClock.now() - hourMs };
	const owed = { outbox: 0 };
	const publisher = (boot: string) => {
		const serverTime = new ServerTime(clock);
		const others: string[] = [];
		const state = new StatePublisher({
			...{ node: 'ship1', link: parts.link, serverTime, clock, log: parts.log, beatEveryMs: 100 },
			describe: () => ({ ...stateOf(boot, serverTime.offsetMs), ...owed }),
			beat: { machine: `machine of ${boot}`, boot },
			onNameUsedTwice: (machine) => others.push(machine),
		});
		return { state, serverTime, others };
	};
	const beats: string[] = [];
	parts.connection.nc.subscribe(subjects.beats, {
		callback: (_, message) => {
			beats.push(message.string());
		},
	});
	await parts.connection.nc.flush();
	const one = publisher('one');
	await one.state.start();
	await one.serverTime.known(new AbortController().signal);
	expect(Math.abs((one.serverTime.offsetMs ?? 0) - hourMs)).toBeLessThan(nearMs);
	expect(Math.abs(one.serverTime.now() - systemClock.now())).toBeLessThan(nearMs);
	const two = publisher('two');
	await two.state.start();
	await two.serverTime.known(new AbortController().signal);
	expect(one.others).toEqual([]);
	owed.outbox = 1;
	one.state.changed();
	await eventually(() => one.others.length > 0);
	expect(one.others[0]).toBe('machine of two');
	await two.state.stop();
	await one.state.stop();
	await eventually(() => beats.at(-1)?.includes('"leaving":true'));
	await stressLifecycle(() => publisher('three').state, { rounds: 10 });
});

test.concurrent('reads the clock of the broker anew, and says so, when the clock of the node was set', async () => {
	await using parts = await broker();
	const shift = { ms: -20 * 365 * 24 * hourMs };
	const clock = { ...systemClock, now: () => systemClock.now() + shift.ms };
	const serverTime = new ServerTime(clock);
	const said: (number | null)[] = [];
	const state = new StatePublisher({
		...{ node: 'ship1', link: parts.link, serverTime, clock, log: parts.log, beatEveryMs: 100 },
		describe: () => {
			said.push(serverTime.offsetMs);
			return stateOf('one', serverTime.offsetMs);
		},
		beat: { machine: 'm', boot: 'one' },
		onNameUsedTwice: () => undefined,
	});
	await state.start();
	await eventually(() => Math.abs((said.at(-1) ?? 0) + shift.ms) < nearMs);
	shift.ms = 0;
	expect(serverTime.isKnown).toBe(false);
	expect(Math.abs(serverTime.now() - systemClock.now())).toBeLessThan(nearMs);
	await eventually(() => said.length > 2 && Math.abs(said.at(-1) ?? hourMs) < nearMs);
	expect(serverTime.isKnown).toBe(true);
	await state.stop();
});

test.concurrent('lanes start and stop together in any order, learn their stream, and take what is there', async () => {
	await using parts = await broker();
	const { link, log } = parts;
	const lanes = new Lanes({ node: 'ship1', link, onBegin: () => undefined, clock: systemClock, log });
	const taken: Delivery[] = [];
	const lane = new Lane({
		...{ lane: 'normal', capacity: 2, consumer: 'ship1-normal', link, clock: systemClock },
		stream: () => lanes.commandsStream,
		handle: async (delivery) => {
			taken.push(delivery);
			delivery.ack();
		},
		onStatus: () => undefined,
		onBroken: () => undefined,
		takes: () => true,
		isLooking: () => false,
		onNothing: () => undefined,
		pause: () => undefined,
		held: { hold: () => undefined, release: () => undefined },
	});
	lanes.add([lane]);
	expect(lanes.states()).toEqual([
		{ lane: 'normal', capacity: 2, running: 0, status: 'stopped', pause: null },
	]);
	await stressLifecycle(() => lanes, { rounds: 20 });
	await lanes.start();
	await eventually(() => lanes.commandsStream === 'STEWARD_COMMANDS_0');
	await eventually(() => lanes.states()[0]?.status === 'waiting');
	const wanted = { node: 'ship1', shard: 0, lane: 'normal', capacity: 2 } as const;
	await ensureLaneConsumer(parts.connection, wanted);
	const address = { node: 'ship1', lane: 'normal', method: 'm', id: 'a' } as const;
	await parts.connection.js.publish(subjects.command(0, address), '{}');
	await eventually(() => taken.length === 1);
	expect(lanes.states()[0]?.status).toBe('ready');
	lanes.halt();
	await parts.connection.js.publish(subjects.command(0, { ...address, id: 'b' }), '{}');
	await lanes.stop();
	expect(taken).toHaveLength(1);
});

test.concurrent('a whole node survives starts and stops in any order, and leaves nothing behind', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using ship = await startNode(nats.url, 'ship1');
	await stressLifecycle(() => ship.part, { rounds: 6 });
	await ship.part.start();
	await fleet.send(command('a', ['true']));
	const [view] = await fleet.wait(['ship1.a'], { timeoutMs: 60_000 });
	expect(view?.state).toBe('succeeded');
	await ship.stop();
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'absent');
});

test.concurrent('log files survive starts and stops in any order', async () => {
	await using dir = await tempDir();
	const files = new LogFiles({ dataDir: dir.path, maxBytes: 1000, keep: 1 });
	await stressLifecycle(() => files);
	expect(files.open).toBe(0);
});

test.concurrent('a process that breaks down too often stays down until it is woken, and stops in any order', async () => {
	const clock = manualClock();
	const listeners: ((error: Error) => void)[] = [];
	let starts = 0;
	const process: MethodProcess = {
		name: 'module',
		methods: [],
		async start() {
			starts += 1;
		},
		stop: async () => undefined,
		onFailure: (listener) => listeners.push(listener),
		check: async () => [],
		run: async () => {
			throw new Error('not asked');
		},
	};
	const exhausted: string[] = [];
	const keeper = new ProcessKeeper({
		process,
		intensity: { restarts: 2, periodMs: 1000 },
		onExhausted: ({ name }) => exhausted.push(name),
		clock,
		log: recordingLog(),
	});
	await keeper.start();
	for (let n = 0; n < 3; n++) {
		for (const fail of listeners) fail(new Error('broke'));
		await clock.advance(1);
	}
	expect(exhausted).toEqual(['module']);
	expect(keeper.isPaused).toBe(true);
	await expect(keeper.check('m', null)).rejects.toMatchObject({ name: 'ProcessPaused' });
	const before = starts;
	await clock.advance(600_000);
	expect(keeper.isPaused).toBe(true);
	keeper.wake();
	await eventually(() => !keeper.isPaused);
	expect(starts).toBe(before + 1);
	expect(await keeper.check('m', null)).toEqual([]);
	await stressLifecycle(() => keeper);
	expect(clock.pending).toBe(0);
});
