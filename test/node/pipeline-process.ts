/**
 * Owns one process of a node in the world of `pipeline-world.ts`: the real parts of the delivery, composed as the node does.
 * Promises that whatever it waits for is a step of the world or its own clock, so that once it is dead it does nothing more.
 * It keeps what it must on its machine's disk.
 */

import { isStewardError } from '../../src/base/errors.ts';
import type { Report } from '../../src/domain/wire.ts';
import type { Delivery } from '../../src/jetstream/pull.ts';
import { Pauses } from '../../src/node/control/pauses.ts';
import { Claimant } from '../../src/node/delivery/claimant.ts';
import { CommandPipeline } from '../../src/node/delivery/command-pipeline.ts';
import { Executor } from '../../src/node/delivery/executor.ts';
import { Recovery } from '../../src/node/delivery/recovery.ts';
import { Settlement } from '../../src/node/delivery/settlement.ts';
import { ErrorReporter } from '../../src/node/error-reporter.ts';
import { MethodsTable } from '../../src/node/methods-table.ts';
import { Redaction } from '../../src/node/output/redactor.ts';
import type { MethodProcess } from '../../src/node/processes/method.ts';
import { momentOf, ServerTime } from '../../src/node/server-time.ts';
import { Boots } from '../../src/node/store/boots.ts';
import { Cancellations } from '../../src/node/store/cancellations.ts';
import { Journal } from '../../src/node/store/journal.ts';
import type { Writes } from '../../src/node/store/store.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { recordingLog } from '../support/log.ts';
import { keptOutput } from '../support/output.ts';
import { MemoryIntake } from './memory-intake.ts';
import { MemoryStore } from './memory-store.ts';
import type { Machine } from './pipeline-machine.ts';
import type { World } from './pipeline-world.ts';

type Owed = { readonly id: string; readonly report: Report };

export class NodeProcess {
	readonly machine: Machine;
	readonly clock: ManualClock;
	readonly #world: World;
	readonly #store: MemoryStore;
	readonly #pipeline: CommandPipeline;
	readonly #recovery: Recovery;
	readonly #outbox: MemoryOutbox;
	readonly #stopping = new AbortController();
	readonly #graceOver = new AbortController();
	#isDead = false;
	#isReady = false;

	constructor(world: World, machine: Machine) {
		this.#world = world;
		this.machine = machine;
		this.clock = manualClock(world.now + machine.clockOffsetMs);
		const { clock } = this;
		const log = recordingLog();
		const boot = world.newName('boot');
		const store = new MemoryStore(machine.disk, world.newName('epoch'), () => world.step(this));
		this.#store = store;
		this.#outbox = new MemoryOutbox(world, this, store, (error) => this.#broken(error));
		const boots = new Boots(store, boot);
		const journal = new Journal({ store, outbox: this.#outbox, boot, machine: machine.name, now: clock.now });
		const serverTime = new ServerTime(clock);
		serverTime.onWanted(async () => {
			while (!serverTime.isKnown) {
				const sent = momentOf(clock);
				const server = await world.request(this, () => world.now);
				if (server !== undefined) serverTime.read(server, sent, momentOf(clock));
			}
		});
		const errors = new ErrorReporter({ intake: new MemoryIntake(), clock, log, newId: () => 'e' });
		const cancellations = new Cancellations(store, clock.now);
		const untilLinkUp = async () => !this.#stopping.signal.aborted;
		const common = { journal, cancellations, serverTime, clock, log, errors };
		const settlement = new Settlement({ ...common, node: 'ship1', untilLinkUp });
		const pauses = new Pauses({ store, now: () => serverTime.now(), clock });
		const executor = new Executor({
			...{ ...common, settlement, pauses, random: () => 0.5, graceOver: this.#graceOver.signal },
			output: { begin: () => keptOutput() },
			onShutdown: (error) => this.#broken(error),
			onChange: () => undefined,
		});
		const endLeftovers = async () => {
			await world.step(this);
		};
		const claimant = new Claimant({
			identity: {
				...{ node: 'ship1', machine: machine.name, boot },
				get epoch() {
					return store.epoch;
				},
			},
			...{ boots, settlement, serverTime, errors, log },
			held: { giveBack: () => undefined },
			isAlone: () => false,
			onNameUsedTwice: () => undefined,
			endLeftovers,
			writeClaim: (id, next, stopping) => world.writeClaim(this, id, next, stopping),
		});
		const noControls = new MethodsTable([], undefined);
		this.#pipeline = new CommandPipeline({
			...{ ...common, settlement, pauses, executor, claimant, endLeftovers, controls: noControls },
			methods: new MethodsTable([this.#methods()], undefined),
			redaction: new Redaction([]),
			...{ guard: async () => ({ allowed: true }), audit: common.errors },
		});
		this.#recovery = new Recovery({
			...{ ...common, settlement, endLeftovers },
			isAtWork: (id) => this.#pipeline.isAtWork(id),
			onShutdown: (error) => this.#broken(error),
		});
		void this.#start(boots).catch((error) => this.#broken(error));
	}

	get isDead(): boolean {
		return this.#isDead;
	}

	/** Nothing that it waits for ever comes. */
	die(): void {
		this.#isDead = true;
		this.#world.forget(this);
	}

	deliver(delivery: Delivery): void {
		if (!this.#isReady || this.#stopping.signal.aborted) return;
		this.#pipeline.handle(delivery, true, this.#stopping.signal).catch((error) => this.#broken(error));
	}

	/** `onCertain`: it does not run now, and will not start. */
	callOff(id: string, queuedAt: number, onCertain: () => void): void {
		if (!this.#isReady) return;
		const closed = { reason: 'not wanted', actor: 'anna' };
		this.#pipeline
			.callOff(id, queuedAt, closed)
			.then((answer) => {
				if (answer === 'noted' || answer === 'cancelled') onCertain();
			})
			.catch((error) => this.#broken(error));
	}

	linkLost(): void {
		this.#pipeline.linkLost();
		this.#pipeline.renewLeases();
	}

	/** Takes nothing more, and ends what runs. */
	stop(): void {
		this.#stopping.abort();
		this.#graceOver.abort();
	}

	async #start(boots: Boots): Promise<void> {
		await this.#store.start();
		await boots.start();
		this.#outbox.start();
		this.#isReady = true;
		await this.#recovery.runOnce(this.#stopping.signal);
	}

	#methods(): MethodProcess {
		return {
			name: 'test',
			methods: [{ name: 'm', kind: 'command', dataSchema: {}, defaults: {} }],
			start: async () => undefined,
			stop: async () => undefined,
			onFailure: () => undefined,
			check: async () => {
				await this.#world.step(this);
				return [];
			},
			run: (_, input, signal) => this.#world.run(this, input, signal),
		};
	}

	/** A process that cannot write ends; anything else is a defect. */
	#broken(error: unknown): void {
		if (this.#isDead) return;
		if (isStewardError(error, 'storage') && this.machine.disk.isFull) return this.machine.crash(0);
		this.#world.broken.push(`a process failed: ${String(error)}`);
	}
}

/** Sends what it owes in order, and again what nobody confirmed. */
class MemoryOutbox {
	readonly #world: World;
	readonly #process: NodeProcess;
	readonly #store: MemoryStore;
	readonly #listeners: ((writes: Writes, id: string) => void)[] = [];
	readonly #onFailure: (error: unknown) => void;
	#isSending = false;

	constructor(world: World, process: NodeProcess, store: MemoryStore, onFailure: (error: unknown) => void) {
		this.#onFailure = onFailure;
		this.#world = world;
		this.#process = process;
		this.#store = store;
	}

	start(): void {
		this.#flush();
	}

	onConfirmed(listener: (writes: Writes, id: string) => void): void {
		this.#listeners.push(listener);
	}

	addReport(writes: Writes, id: string, report: Omit<Report, 'key' | 'v'>): number {
		const n = (this.#store.get<number>('meta', 'outbox:last') ?? 0) + 1;
		writes.put('meta', 'outbox:last', n);
		const key = { epoch: this.#store.epoch, n };
		const owed: Owed = { id, report: { v: 1, key, ...report } };
		writes.put('outbox', String(n).padStart(6, '0'), owed);
		writes.whenOnDisk(() => this.#flush());
		return n;
	}

	#flush(): void {
		if (!this.#isSending) this.#sendAll().catch(this.#onFailure);
	}

	async #sendAll(): Promise<void> {
		this.#isSending = true;
		for (;;) {
			const [first] = this.#store.range<Owed>('outbox', { limit: 1 });
			// What is not on the disk yet is sent when its commit resolves.
			if (!first || !this.#process.machine.disk.read('outbox', String(first.key))) break;
			const { id, report } = first.value;
			const isTaken = await this.#world.request(this.#process, () => {
				this.#world.report(id, report);
				return true;
			});
			if (!isTaken) continue;
			await this.#store.commitLazily((writes) => {
				writes.remove('outbox', String(first.key));
				for (const listener of this.#listeners) listener(writes, id);
			});
		}
		this.#isSending = false;
	}
}
