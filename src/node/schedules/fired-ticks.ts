/**
 * Owns the ticks that fired here and have not ended, and hands them to the pipeline of commands. Each lane has as many slots
 * for them as it has capacity, beside what its consumer delivers: a tick waits for no link and for nothing that the centre queued.
 * Promises that they are handed over in the order of their ticks, that one which was called off or has expired needs no slot,
 * and that nothing of a held lane or a stopped method starts. A crash leaves them in the store, and the next process hands
 * all of them over again: the journal says which had begun.
 */

import type { Clock } from '../../base/clock.ts';
import type { Lane } from '../../domain/names.ts';
import type { CommandFacts } from '../../domain/wire.ts';
import type { Delivery } from '../../jetstream/delivery.ts';
import { readStoredCommand } from '../../jetstream/stored-command.ts';
import type { Pauses } from '../control/pauses.ts';
import type { Cancellations } from '../store/cancellations.ts';
import type { Journal } from '../store/journal.ts';
import type { Store, Writes } from '../store/store.ts';
import { type FiredTick, localDelivery } from './local-delivery.ts';

export type FiredTicksOptions = {
	store: Store;
	journal: Pick<Journal, 'get'>;
	cancellations: Pick<Cancellations, 'find'>;
	pauses: Pick<Pauses, 'holds'>;
	/** Slots of a lane; undefined where this node does not have it. */
	capacityOf: (lane: Lane) => number | undefined;
	/** Hands one to the pipeline; resolves when its turn is over. */
	handle: (delivery: Delivery, holdsSlot: boolean, stopping: AbortSignal) => Promise<void>;
	/** Server time as far as it is known. */
	now: () => number;
	/** The control lane has the word: nothing new begins. */
	isHeldUp: () => boolean;
	/** One has ended, or comes again: something else may be next. */
	onProgress: () => void;
	/** The store failed or our own code is broken: the node must end. */
	onBroken: (error: unknown) => void;
	clock: Clock;
};

/** What the memory holds of each: the envelope stays in the store. */
type OpenTick = {
	readonly id: string;
	readonly name: string;
	readonly tick: number;
	readonly method: string;
	readonly lane: Lane;
	readonly facts: CommandFacts;
	readonly waitsForOthers: boolean;
	/** Its turn goes on; `slot` where it takes one of its lane's. */
	work: 'none' | 'slot' | 'beside';
	/** Not before this moment of the monotonic clock. */
	notBefore: number;
};

/** What was handed back comes again after this time, where nothing else is said. */
const againMs = 1000;
/** A turn that ended without a word: somebody else may be at work under its id. */
const silentMs = 10_000;

export class FiredTicks {
	readonly #options: FiredTicksOptions;
	readonly #turns = new Set<Promise<void>>();
	/** In the order of their ticks. */
	#open: OpenTick[] = [];
	#stopping = new AbortController();

	constructor(options: FiredTicksOptions) {
		this.#options = options;
	}

	/** Reads what an earlier process left. @throws StewardError `storage` */
	load(): void {
		this.#stopping = new AbortController();
		const fired = [...this.#options.store.range<FiredTick>('ticks')];
		this.#open = fired.flatMap(({ value }) => openTickOf(value) ?? []).sort(byTick);
	}

	/** Hands over nothing more, from this moment on. */
	halt(): void {
		this.#stopping.abort();
	}

	/** Resolves when every turn is over. */
	async end(): Promise<void> {
		this.halt();
		await Promise.all(this.#turns);
	}

	has(id: string): boolean {
		return this.#open.some((open) => open.id === id);
	}

	/** What has fired of this schedule and has not ended. */
	openOf(name: string): readonly Pick<OpenTick, 'id' | 'facts'>[] {
		return this.#open.filter((open) => open.name === name);
	}

	/** Within the caller's transaction. The store keeps the order of its commits: what starts of it is on disk before. */
	add(writes: Writes, fired: FiredTick): void {
		const open = openTickOf(fired);
		if (!open) throw new Error(`the tick ${fired.envelope.id} is no command`);
		writes.put('ticks', open.id, fired);
		this.#open.push(open);
		this.#open.sort(byTick);
	}

	/** When the next of those that were handed back comes again, by the monotonic clock. */
	get nextAt(): number {
		const now = this.#options.clock.monotonic();
		const waiting = this.#open.filter(({ work, notBefore }) => work === 'none' && notBefore > now);
		return Math.min(...waiting.map(({ notBefore }) => notBefore));
	}

	/** Hands over what may begin now. @throws StewardError `storage` */
	handOver(): void {
		if (this.#stopping.signal.aborted) return;
		const atWork = this.#open.filter(({ work }) => work === 'slot');
		const taken = new Map<Lane, number>();
		for (const { lane } of atWork) taken.set(lane, (taken.get(lane) ?? 0) + 1);
		const working = new Set(atWork.map(({ name }) => name));
		/** Schedules that have one before it, and those whose order it would break. */
		const [earlier, kept] = [new Set<string>(), new Set<string>()];
		for (const open of [...this.#open]) {
			const { name, lane, waitsForOthers } = open;
			const capacity = this.#options.capacityOf(lane) ?? 0;
			const isBehind = kept.has(name) || (waitsForOthers && (earlier.has(name) || working.has(name)));
			earlier.add(name);
			if (open.work !== 'none') continue;
			if (this.#isOver(open)) {
				if (this.#isDue(open)) this.#begin(open, 'beside', false);
			} else if (!isBehind && (taken.get(lane) ?? 0) < capacity && this.#mayBegin(open)) {
				taken.set(lane, (taken.get(lane) ?? 0) + 1);
				working.add(name);
				this.#begin(open, 'slot', capacity === 1);
			} else if (capacity <= 1) kept.add(name);
		}
	}

	#mayBegin(open: OpenTick): boolean {
		const { pauses, isHeldUp } = this.#options;
		return this.#isDue(open) && !isHeldUp() && !pauses.holds(open.lane, open.method, true);
	}

	#isDue({ notBefore }: OpenTick): boolean {
		return notBefore <= this.#options.clock.monotonic();
	}

	/** It starts no more, and only has to be told: called off before its start, or too late for it. */
	#isOver({ id, facts }: OpenTick): boolean {
		const { cancellations, journal, now } = this.#options;
		const { queuedAt, deliverWithinMs } = facts;
		const isLate = deliverWithinMs !== null && now() > queuedAt + deliverWithinMs;
		// One that has started is to start again: its deadline was met.
		if (isLate && journal.get(id) === undefined) return true;
		return cancellations.find({ id, facts }) !== undefined;
	}

	#begin(open: OpenTick, work: 'slot' | 'beside', holdsSlot: boolean): void {
		const { store, handle, onProgress, onBroken, clock } = this.#options;
		const fired = store.get<FiredTick>('ticks', open.id);
		if (!fired) return this.#forget(open);
		open.work = work;
		let againAt = silentMs;
		const delivery = localDelivery(fired, {
			end: () => this.#end(open),
			again: (afterMs = againMs) => {
				againAt = afterMs;
			},
		});
		const turn = handle(delivery, holdsSlot, this.#stopping.signal)
			.catch(onBroken)
			.then(() => {
				this.#turns.delete(turn);
				open.work = 'none';
				open.notBefore = clock.monotonic() + againAt;
				onProgress();
			});
		this.#turns.add(turn);
	}

	/** Its outcome is on disk: a crash before this is, hands it over once more, and the journal answers. */
	async #end(open: OpenTick): Promise<boolean> {
		try {
			await this.#options.store.commitLazily((writes) => writes.remove('ticks', open.id));
		} catch (error) {
			this.#options.onBroken(error);
			return false;
		}
		this.#forget(open);
		return true;
	}

	#forget(open: OpenTick): void {
		this.#open = this.#open.filter((other) => other !== open);
	}
}

/** Undefined for what is no tick of a schedule. */
function openTickOf(fired: FiredTick): OpenTick | undefined {
	const command = readStoredCommand(localDelivery(fired, { end: async () => true, again: () => undefined }));
	const { schedule } = fired.envelope;
	if (!command || !schedule) return undefined;
	const { id, method, facts } = command;
	return {
		...{ id, method, facts, lane: command.lane },
		...{ name: schedule.name, tick: schedule.tick ?? fired.firedAt },
		...{ waitsForOthers: fired.waitsForOthers, work: 'none', notBefore: 0 },
	};
}

function byTick(a: OpenTick, b: OpenTick): number {
	return a.tick - b.tick || (a.id < b.id ? -1 : 1);
}
