/**
 * Owns the firing of one schedule's ticks that are due: which of them become commands, which are missed or left out, and which of
 * their predecessors they call off. Promises that all of it is one transaction, and that what has started is never called off.
 * A crash leaves that transaction whole or not at all.
 */

import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Envelope } from '../../domain/envelope.ts';
import { type CommandLane, formatHandle, type Lane } from '../../domain/names.ts';
import type { Schedule } from '../../domain/schedule.ts';
import { decide, dueTicksOf, jitterOf, tickEnvelope } from '../../domain/ticks.ts';
import type { Closed, CommandFacts } from '../../domain/wire.ts';
import type { ErrorReporter } from '../error-reporter.ts';
import type { Cancellations } from '../store/cancellations.ts';
import type { Journal } from '../store/journal.ts';
import type { Store } from '../store/store.ts';
import type { FiredTicks } from './fired-ticks.ts';
import { decidedThrough, type KeptSchedule, type ReadSchedule } from './kept-schedule.ts';
import type { FiredTick } from './local-delivery.ts';

export type TickFiringOptions = {
	node: string;
	store: Store;
	journal: Pick<Journal, 'get'>;
	cancellations: Pick<Cancellations, 'add'>;
	ticks: FiredTicks;
	/** The lane that a method asks for, undefined where it asks for none. */
	laneOfMethod: (method: string) => CommandLane | undefined;
	capacityOf: (lane: Lane) => number | undefined;
	/** A wish to call this command off is in the store: its turn, where there is one, is to learn of it. */
	recallWish: (id: string) => void;
	errors: Pick<ErrorReporter, 'report'>;
	/** Server time as far as it is known. */
	now: () => number;
	/** The server said it, and no step of the clock came after that. */
	isTimeSure: () => boolean;
	clock: Clock;
	log: Log;
};

/** What became of the ticks of one schedule that were due. */
export type Fired = {
	/** The schedule with its new progress. */
	readonly kept: KeptSchedule;
	/** Ids of the commands, in the order of their ticks. */
	readonly ids: readonly string[];
	readonly missed: number;
	readonly skipped: number;
	/** Resolves when all of it is on disk. */
	readonly isOnDisk: Promise<void>;
};

/** What may wait of one schedule: by number, and by what it holds of the disk. */
const mostOpen = 1000;
const mostOpenBytes = 16 * 1024 * 1024;

/** What a tick does to those before it. */
type Decided = {
	fired: FiredTick[];
	superseded: { id: string; facts: Pick<CommandFacts, 'queuedAt'>; closed: Closed }[];
	missed: number;
	skipped: number;
};

export class TickFiring {
	readonly #options: TickFiringOptions;
	/** Schedules that were told to be unable to fire, or to have too many ticks waiting. */
	readonly #told = new Set<string>();

	constructor(options: TickFiringOptions) {
		this.#options = options;
	}

	/** Undefined where nothing is due. Everything is decided before it returns. @throws StewardError `storage` */
	fireDue({ kept, schedule }: ReadSchedule): Fired | undefined {
		const { node, now, isTimeSure } = this.#options;
		if (!schedule || schedule.paused) return undefined;
		const at = now();
		const through = decidedThrough(kept.progress, { at, isSure: isTimeSure() });
		const moments = { through, now: at, shift: jitterOf(schedule, node) };
		// Those until it counts are of nobody, or of an earlier version, however late they fire.
		const ticks = dueTicksOf(schedule, { ...moments, since: kept.since });
		const due = decide(schedule.missed, ticks, moments);
		const isNews = due.fire.length > 0 || due.missed > 0 || through !== kept.progress.through;
		if (!isNews) return undefined;
		const decided = this.#decide(kept, schedule, due.fire, at);
		const last = decided.fired.at(-1)?.envelope.schedule?.tick;
		const [missed, skipped] = [due.missed + decided.missed, decided.skipped];
		const progress = {
			through: Math.max(at, through),
			last: last ?? kept.progress.last,
			fired: kept.progress.fired + decided.fired.length,
			missed: kept.progress.missed + missed,
			skipped: kept.progress.skipped + skipped,
		};
		const next: KeptSchedule = { ...kept, progress };
		const isOnDisk = this.#write(next, decided);
		const ids = decided.fired.map(({ envelope }) => envelope.id);
		return { kept: next, ids, missed, skipped, isOnDisk };
	}

	#decide(kept: KeptSchedule, schedule: Schedule, due: readonly number[], firedAt: number): Decided {
		const { node, journal, ticks } = this.#options;
		const decided: Decided = { fired: [], superseded: [], missed: 0, skipped: 0 };
		if (due.length === 0) return decided;
		const methodLane = this.#options.laneOfMethod(schedule.message.method);
		/** Those before that have not ended: an ack may still be on its way. */
		const open: { readonly id: string; readonly facts: Pick<CommandFacts, 'queuedAt'> }[] = ticks
			.openOf(schedule.name)
			.filter(({ id }) => journal.get(id)?.state !== 'finished');
		for (const tick of due) {
			const envelope = tickEnvelope(schedule, { node, tick, version: kept.version, methodLane });
			const { id } = envelope;
			// It has fired: the clock was ahead, or the schedule came anew.
			if (ticks.has(id) || journal.get(id) !== undefined) continue;
			if (schedule.overlap === 'skip' && open.length > 0) {
				decided.skipped += 1;
				continue;
			}
			if (!this.#hasRoom(kept, envelope, open.length)) {
				decided.missed += 1;
				continue;
			}
			if (schedule.overlap === 'replace') this.#supersede(open, envelope, decided);
			decided.fired.push({ v: 1, envelope, firedAt, waitsForOthers: schedule.overlap !== 'allow' });
			open.push({ id, facts: { queuedAt: firedAt } });
		}
		return decided;
	}

	/** What has not started never starts; what runs is left to run. */
	#supersede(
		open: readonly { readonly id: string; readonly facts: Pick<CommandFacts, 'queuedAt'> }[],
		by: Envelope,
		decided: Decided,
	): void {
		const closed = { reason: `superseded by ${formatHandle(by)}`, actor: `schedule ${by.schedule?.name}` };
		for (const { id, facts } of open) {
			const isKnown = decided.superseded.some((other) => other.id === id);
			if (isKnown || this.#options.journal.get(id) !== undefined) continue;
			decided.superseded.push({ id, facts, closed });
		}
	}

	/** False, and told once, where it cannot fire: it counts as missed. */
	#hasRoom({ name, version }: KeptSchedule, { lane, data }: Envelope, open: number): boolean {
		const { capacityOf, errors, log } = this.#options;
		const where = `schedule ${name}`;
		if (capacityOf(lane) === undefined) {
			const message = `version ${version} cannot fire: this node has no lane ${lane}`;
			if (this.#isNews(`${name} ${version}`)) errors.report({ kind: 'refused', where, message });
			return false;
		}
		const bytes = JSON.stringify(data ?? null).length;
		if (open < mostOpen && open * bytes <= mostOpenBytes) {
			this.#told.delete(`${name} full`);
			return true;
		}
		if (this.#isNews(`${name} full`))
			log.warn({ schedule: name, waiting: open }, 'too many of its ticks wait here: the next are missed');
		return false;
	}

	#isNews(what: string): boolean {
		if (this.#told.has(what)) return false;
		this.#told.add(what);
		return true;
	}

	#write(kept: KeptSchedule, { fired, superseded }: Decided): Promise<void> {
		const { store, ticks, cancellations, recallWish } = this.#options;
		const written = store.commit((writes) => {
			for (const tick of fired) ticks.add(writes, tick);
			for (const { id, facts, closed } of superseded) cancellations.add(writes, id, facts.queuedAt, closed);
			writes.put('schedules', kept.name, kept);
		});
		for (const { id } of superseded) recallWish(id);
		return written;
	}
}
