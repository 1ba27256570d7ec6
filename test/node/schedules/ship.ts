/**
 * Owns a ship without a link: a real store, a real pipeline, its schedules, one method whose runs end when the test says so.
 * Promises that time is the test's, that nothing is ever claimed, and that `crash` leaves to the next process what is on the disk.
 * Everything is closed and gone at the end.
 */

import { join } from 'node:path';
import { systemClock } from '../../../src/base/clock.ts';
import type { Control, ControlName } from '../../../src/domain/control.ts';
import type { Lane } from '../../../src/domain/names.ts';
import { emptyResult } from '../../../src/domain/result.ts';
import type { Report } from '../../../src/domain/wire.ts';
import type { Delivery } from '../../../src/jetstream/delivery.ts';
import { controlMethods } from '../../../src/node/control/control-methods.ts';
import { Pauses } from '../../../src/node/control/pauses.ts';
import { Claimant } from '../../../src/node/delivery/claimant.ts';
import { CommandPipeline } from '../../../src/node/delivery/command-pipeline.ts';
import { Executor } from '../../../src/node/delivery/executor.ts';
import { Recovery } from '../../../src/node/delivery/recovery.ts';
import { Settlement } from '../../../src/node/delivery/settlement.ts';
import { ErrorReporter, type FaultReport } from '../../../src/node/error-reporter.ts';
import { MethodsTable } from '../../../src/node/methods-table.ts';
import { Redaction } from '../../../src/node/output/redactor.ts';
import type { MethodProcess, Outcome } from '../../../src/node/processes/method.ts';
import { InNodeProcess } from '../../../src/node/processes/method-process.ts';
import { localDelivery } from '../../../src/node/schedules/local-delivery.ts';
import { NodeSchedules } from '../../../src/node/schedules/node-schedules.ts';
import { ServerTime } from '../../../src/node/server-time.ts';
import { Boots } from '../../../src/node/store/boots.ts';
import { Cancellations } from '../../../src/node/store/cancellations.ts';
import { Journal } from '../../../src/node/store/journal.ts';
import { Store } from '../../../src/node/store/store.ts';
import { type ManualClock, manualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { recordingLog } from '../../support/log.ts';
import { keptOutput } from '../../support/output.ts';
import { tempDir } from '../../support/temp.ts';
import { MemoryIntake } from '../memory-intake.ts';

/** Thursday, 00:00:00 UTC. */
export const start = Date.UTC(2026, 0, 1);

type Run = { readonly id: string; readonly data: unknown; readonly attempt: number; end(): void };

/** What outlives a process, and what the test has seen of all of them. */
type World = {
	readonly dir: string;
	readonly clock: ManualClock;
	readonly runs: Run[];
	readonly reports: { readonly id: string; readonly report: Omit<Report, 'key' | 'v'> }[];
	readonly faults: FaultReport[];
	/** Runs end by themselves. */
	isQuick: boolean;
	isHeldUp: boolean;
	/** The server said the time, and no step of the clock came after that. */
	isTimeSure: boolean;
	lanes: Partial<Record<Lane, number>>;
	/** What the check of data waits for. */
	hold: Promise<void>;
	/** What a wish about a schedule waits for, once it has started. */
	holdControl: Promise<void>;
	/** What the pipeline sees of a delivery; undefined: it never comes there. */
	passes: (delivery: Delivery) => Delivery | undefined;
	/** Its own errors, which no test may have. */
	readonly broken: unknown[];
};

type ShipProcess = {
	readonly store: Store;
	readonly schedules: NodeSchedules;
	readonly pauses: Pauses;
	readonly pipeline: CommandPipeline;
	readonly journal: Journal;
	readonly recovery: Recovery;
};

export async function startShip() {
	const dir = await tempDir();
	const world: World = {
		...{ dir: dir.path, clock: manualClock(start), runs: [], reports: [], faults: [], broken: [] },
		...{
			isQuick: true,
			isHeldUp: false,
			isTimeSure: false,
			lanes: { control: 1, normal: 1 },
			...{ hold: Promise.resolve(), holdControl: Promise.resolve() },
			passes: (delivery) => delivery,
		},
	};
	let boots = 1;
	let current = await startProcess(world, 'boot1');
	const open = () => [...current.store.range('ticks')].length;
	const untilIdle = async () => {
		// What was decided a moment ago is counted as well.
		await current.store.commit(() => undefined);
		await eventually(() => open() === 0, { message: 'nothing runs' });
	};
	return {
		world,
		clock: world.clock,
		get process() {
			return current;
		},
		/** Asks the ship to keep a schedule that runs `m`. */
		keep: (form: Record<string, unknown>, version = 1, since = start) =>
			current.schedules.put(wish(form, version, since)),
		/** What the control lane hands over; answers once its turn is over, or the ship is dead. */
		control: (id: string, method: ControlName, data: unknown) => {
			const common = { v: 1, id, node: 'ship1', lane: 'control', sender: 'central' } as const;
			const envelope = { ...common, method, data, deliverWithinMs: null };
			const delivery = localDelivery(
				{ v: 1, envelope, firedAt: start, waitsForOthers: false },
				{ end: async () => true, again: () => undefined },
			);
			return current.pipeline.handle(delivery, true, new AbortController().signal);
		},
		/** Time passes, and the schedules are looked at; what runs by itself has ended before and after. */
		async pass(ms: number) {
			if (world.isQuick) await untilIdle();
			await world.clock.advance(ms);
			await current.schedules.runOnce();
			if (world.isQuick) await untilIdle();
		},
		/** The data of what has started, once it is as many. */
		started: (count: number) =>
			eventually(() => world.runs.length >= count && world.runs.map(({ data }) => data), {
				message: `${count} runs`,
			}),
		/** `<event> <number of starts>` of what was reported as ended, once it is as many. */
		ended: (count: number) => eventually(() => endsOf(world).length >= count && endsOf(world)),
		/** What has not ended here. */
		open,
		state: () => current.schedules.states()[0],
		/** The process dies; the store's last commits came through. */
		async crash() {
			await current.store.stop();
			current.schedules.halt();
			boots += 1;
			world.passes = (delivery) => delivery;
			current = await startProcess(world, `boot${boots}`);
		},
		async [Symbol.asyncDispose]() {
			for (const { end } of world.runs) end();
			await current.schedules.stop();
			await current.store.stop();
			await dir[Symbol.asyncDispose]();
			if (world.broken.length > 0) throw new Error(`the ship broke: ${world.broken.join('; ')}`);
		},
	};
}

export function wish(form: Record<string, unknown>, version = 1, since = start): Control<'schedule'> {
	const message = { method: 'm', data: '{{tick}}' };
	const whole = { name: 's', toNode: 'ship1', placement: 'node', message, ...form };
	return { name: String(whole.name), version, form: whole, since, by: 'anna', reason: '' };
}

function endsOf({ reports }: World): string[] {
	return reports
		.filter(({ report: { event } }) => event !== 'started' && event !== 'retryDue')
		.map(({ report: { event, attempts } }) => `${event} ${attempts.length}`);
}

async function startProcess(world: World, boot: string): Promise<ShipProcess> {
	const { clock } = world;
	const log = recordingLog();
	const store = new Store(join(world.dir, 'store'), systemClock);
	await store.start();
	let isDead = false;
	const onShutdown = (error: unknown) => {
		// A process that is dead meets its closed store.
		if (!isDead) world.broken.push(error);
	};
	const outbox = {
		addReport: (_: unknown, id: string, report: Omit<Report, 'key' | 'v'>) =>
			world.reports.push({ id, report }),
		onConfirmed: () => undefined,
	};
	const journal = new Journal({ store, outbox, boot, machine: 'machine', now: clock.now });
	const serverTime = new ServerTime(clock);
	const cancellations = new Cancellations(store, clock.now);
	const pauses = new Pauses({ store, now: clock.now, clock });
	await pauses.start();
	const reporter = new ErrorReporter({ intake: new MemoryIntake(), clock, log, newId: () => 'e' });
	const untilLinkUp = () => new Promise<boolean>(() => undefined);
	const common = { journal, cancellations, serverTime, errors: reporter, clock, log };
	const settlement = new Settlement({ ...common, node: 'ship1', untilLinkUp });
	const executor = new Executor({
		...{ ...common, settlement, pauses, random: () => 0.5, graceOver: new AbortController().signal },
		output: { begin: () => keptOutput() },
		onShutdown,
		onChange: () => undefined,
	});
	const endLeftovers = async () => undefined;
	const claimant = new Claimant({
		identity: { node: 'ship1', machine: 'machine', boot, epoch: store.epoch },
		...{ boots: new Boots(store, boot), settlement, serverTime, errors: reporter, log },
		held: { giveBack: () => undefined },
		isAlone: () => false,
		onNameUsedTwice: () => undefined,
		endLeftovers,
		writeClaim: async () => {
			throw new Error('nobody is there to claim from');
		},
	});
	const inTurn = async <T>(work: () => Promise<T>) => {
		await world.holdControl;
		return work();
	};
	const control = new InNodeProcess({
		...{ name: 'control methods', node: 'ship1', dataDir: world.dir, log },
		definitions: controlMethods({
			...{ pauses, lanes: () => [], wake: async () => undefined, running: () => [] },
			...{ whyUnknown: () => undefined, callOff: async () => 'noted' },
			schedules: {
				put: (asked) => inTurn(() => schedules.put(asked)),
				remove: (asked) => inTurn(() => schedules.remove(asked)),
			},
			documents: { take: async () => ({ inEffect: 0, judgement: { verdict: 'known' } }) },
		}),
	});
	await control.start();
	const pipeline = new CommandPipeline({
		...{ ...common, settlement, pauses, executor, claimant, endLeftovers },
		methods: new MethodsTable([methodM(world, () => isDead)], undefined),
		controls: new MethodsTable([control], undefined),
		redaction: new Redaction([]),
		...{ guard: async () => ({ allowed: true }), audit: common.errors },
	});
	const recovery = new Recovery({
		...{ ...common, settlement, endLeftovers, onShutdown },
		isAtWork: (id) => pipeline.isAtWork(id),
	});
	const schedules: NodeSchedules = new NodeSchedules({
		...{ node: 'ship1', store, journal, cancellations, pauses, clock, log, onShutdown },
		errors: { report: (fault) => world.faults.push(fault) },
		capacityOf: (lane) => world.lanes[lane],
		laneOfMethod: () => undefined,
		handle: async (delivery, holdsSlot, stopping) => {
			const passed = world.passes(delivery);
			if (!passed) return new Promise(() => undefined);
			return pipeline.handle(passed, holdsSlot, stopping);
		},
		recallWish: (id) => pipeline.recallWish(id),
		now: () => serverTime.now(),
		isTimeSure: () => world.isTimeSure,
		isHeldUp: () => world.isHeldUp,
		onChange: () => undefined,
	});
	pauses.onChange(() => schedules.wake());
	await schedules.start();
	const stop = store.stop.bind(store);
	store.stop = () => {
		isDead = true;
		return stop();
	};
	return { store, schedules, pauses, pipeline, journal, recovery };
}

function methodM(world: World, isDead: () => boolean): MethodProcess {
	return {
		name: 'test',
		methods: [{ name: 'm', kind: 'command', dataSchema: {}, defaults: {} }],
		start: async () => undefined,
		stop: async () => undefined,
		onFailure: () => undefined,
		check: () => world.hold.then(() => []),
		run: (_, { id, attempt, data }, signal) =>
			new Promise<Outcome>((resolve) => {
				const end = () => {
					if (!isDead()) resolve({ outcome: 'succeeded', result: emptyResult });
				};
				world.runs.push({ id, data, attempt, end });
				if (world.isQuick || signal.aborted) end();
				else signal.addEventListener('abort', end, { once: true });
			}),
	};
}
