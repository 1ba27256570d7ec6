/**
 * Owns the journal: what this node started and finished, so that nothing runs twice and no outcome is lost.
 * Promises that a start is on disk before the method runs, and an outcome together with its report, in one transaction.
 * A crash leaves an entry as "started by an earlier process": its fate is decided by policy, never by a guess.
 */

import type { ProcessIdentity } from '../../base/process.ts';
import type { Attempt, FaultRecord, Result } from '../../domain/result.ts';
import type { CommandEvent } from '../../domain/state.ts';
import { type Closed, type CommandFacts, isLocal, isSameCommand } from '../../domain/wire.ts';
import { type Spends, Spent } from '../trust/spent.ts';
import type { Outbox } from './outbox.ts';
import type { Store, Writes } from './store.ts';

export type JournalEntry = {
	readonly v: 1;
	readonly id: string;
	readonly facts: CommandFacts;
	/** The process of the node that wrote it last, and its machine: a copied store may be at work elsewhere. */
	readonly boot: string;
	readonly machine?: string;
	readonly state: 'started' | 'retrying' | 'finished';
	readonly attempts: readonly Attempt[];
	/** Leader of the process group of the running attempt, where the method started one. */
	readonly child: ProcessIdentity | null;
	/** How often it may be started again after its node died; null where its policy never lets it. */
	readonly reruns: number | null;
	/** Server time of the next attempt, milliseconds since the epoch. */
	readonly nextAttemptAt: number | null;
	readonly final: FinalRecord | null;
	/** Set when the broker has confirmed the final report, and the ack; node's time. */
	readonly reportedAt: number | null;
	readonly ackedAt: number | null;
};

export type FinalRecord = {
	readonly event: CommandEvent;
	/** Server time, milliseconds since the epoch. */
	readonly at: number;
	readonly result: Result | null;
	readonly fault: FaultRecord | null;
	readonly closed?: Closed | undefined;
};

/** Where reports go, within the transaction of what they report. */
type Reports = Pick<Outbox, 'addReport' | 'onConfirmed'>;

/** Told of what is on disk, by the command's method. */
type Counts = { started(method: string): void; ended(method: string, outcome: CommandEvent): void };

/** An entry lives this long after its report and its ack were confirmed. */
export const journalAgeMs = 30 * 86_400_000;
/** And this long after its report alone: the broker may have forgotten the command, and the ack never has an answer. */
const unackedAgeMs = 2 * journalAgeMs;

export class Journal {
	readonly #store: Store;
	readonly #spent: Spent;
	readonly #outbox: Reports;
	readonly #boot: string;
	readonly #machine: string;
	readonly #counts: Counts | undefined;
	/** What ended in this process and is still in the outbox, and when its ack was confirmed: written down with its report. */
	readonly #unreported = new Map<string, number | null>();

	constructor(options: {
		store: Store;
		outbox: Reports;
		boot: string;
		machine: string;
		counts?: Counts;
		now: () => number;
	}) {
		this.#store = options.store;
		this.#spent = new Spent(options.store);
		this.#outbox = options.outbox;
		this.#boot = options.boot;
		this.#machine = options.machine;
		this.#counts = options.counts;
		options.outbox.onConfirmed((writes, id) => {
			const ackedAt = this.#unreported.get(id) ?? null;
			this.#unreported.delete(id);
			this.#mark(writes, id, { reportedAt: options.now(), ...(ackedAt === null ? {} : { ackedAt }) });
		});
	}

	/** What has this id, whatever command it is. */
	get(id: string): JournalEntry | undefined {
		return this.#store.get<JournalEntry>('journal', id);
	}

	/** The entry of this very command: another one may have been given its id. */
	find({ id, facts }: { readonly id: string; readonly facts: CommandFacts }): JournalEntry | undefined {
		const entry = this.get(id);
		return entry && isSameCommand(entry.facts, facts) ? entry : undefined;
	}

	/** An earlier process of this machine started it, and nobody knows how it ended. */
	isLeft(entry: JournalEntry): boolean {
		return entry.state === 'started' && !this.isOwn(entry) && this.isOfThisMachine(entry);
	}

	/** True when the entry was written by this process, so that what it started may still run. */
	isOwn(entry: JournalEntry): boolean {
		return entry.boot === this.#boot;
	}

	/** True when it was written on this machine, so that what it started is here, or gone. */
	isOfThisMachine({ machine = this.#machine }: JournalEntry): boolean {
		return machine === this.#machine;
	}

	/** What an earlier process started here, and nobody knows how it ended. */
	startedEarlier(): JournalEntry[] {
		const found: JournalEntry[] = [];
		for (const { value } of this.#store.range<JournalEntry>('journal')) {
			if (this.isLeft(value)) found.push(value);
		}
		return found;
	}

	/**
	 * Writes the start of an attempt and what it uses up; it is reported as well, save for one that a claim has reported.
	 * `child`: leads the process group where it will run, if that is there already.
	 */
	async recordStart(
		id: string,
		facts: CommandFacts,
		attempts: readonly Attempt[],
		at: number,
		reruns: number | null,
		spends?: Spends | undefined,
		child: ProcessIdentity | null = null,
	): Promise<void> {
		await this.#store.commit((writes) => {
			if (spends) this.#spent.add(writes, spends);
			this.#write(writes, { ...this.#blank(id, facts), state: 'started', attempts, reruns, child });
			if (isLocal(facts) || (attempts.at(-1)?.attempt ?? 0) > 1) {
				this.#outbox.addReport(writes, id, { event: 'started', at, attempts: [...attempts], facts });
			}
		});
		this.#counts?.started(facts.method);
	}

	/** The run waits for no flush: a power loss, which would forget it, ends the child as well. */
	async recordChild(id: string, child: ProcessIdentity): Promise<void> {
		const entry = this.get(id);
		if (entry) await this.#store.commitLazily((writes) => this.#write(writes, { ...entry, child }));
	}

	async recordRetry(
		id: string,
		facts: CommandFacts,
		attempts: readonly Attempt[],
		at: number,
		nextAttemptAt: number,
		fault: FaultRecord | null,
	): Promise<void> {
		await this.#store.commit((writes) => {
			this.#write(writes, { ...this.#blank(id, facts), state: 'retrying', attempts, nextAttemptAt });
			this.#outbox.addReport(writes, id, {
				event: 'retryDue',
				at,
				attempts: [...attempts],
				nextAttemptAt,
				facts,
				...(fault ? { fault } : {}),
			});
		});
	}

	/** Outcome and report, one transaction. `spends`: nothing will start it any more. */
	async recordFinal(
		id: string,
		facts: CommandFacts,
		attempts: readonly Attempt[],
		final: FinalRecord,
		spends?: Spends | undefined,
	): Promise<void> {
		this.#unreported.set(id, null);
		await this.#store.commit((writes) => {
			if (spends) this.#spent.add(writes, spends);
			this.#write(writes, { ...this.#blank(id, facts), state: 'finished', attempts, final });
			this.#addFinalReport(writes, id, facts, attempts, final);
		});
		this.#counts?.ended(facts.method, final.event);
	}

	/**
	 * Says the recorded outcome again, unless it is still in the outbox; true when the outcome is on disk: it may have been
	 * written a moment ago, by somebody who still waits for the disk.
	 */
	async reportAgain(entry: JournalEntry): Promise<boolean> {
		const { id, facts, attempts, final, reportedAt } = entry;
		await this.#store.commit((writes) => {
			if (final && reportedAt !== null) this.#addFinalReport(writes, id, facts, attempts, final);
		});
		return this.find({ id, facts })?.state === 'finished';
	}

	markAcked(id: string, at: number): void {
		if (this.#unreported.has(id)) this.#unreported.set(id, at);
		else this.#markAlone(id, { ackedAt: at });
	}

	/** Removes what was confirmed longer than its age ago; answers how many. */
	async prune(now: number): Promise<number> {
		const old: string[] = [];
		for (const { key, value } of this.#store.range<JournalEntry>('journal')) {
			const { reportedAt, ackedAt, attempts } = value;
			// Never handed over again: its centre gave it up.
			const isForgotten =
				value.state !== 'finished' && now - (attempts.at(-1)?.startedAt ?? now) > unackedAgeMs;
			if (isForgotten) old.push(String(key));
			if (reportedAt === null) continue;
			const isOld =
				now - reportedAt > unackedAgeMs ||
				(ackedAt !== null && now - Math.max(reportedAt, ackedAt) > journalAgeMs);
			if (isOld) old.push(String(key));
		}
		await this.#store.commit((writes) => {
			for (const id of old) writes.remove('journal', id);
		});
		return old.length;
	}

	#addFinalReport(
		writes: Writes,
		id: string,
		facts: CommandFacts,
		attempts: readonly Attempt[],
		final: FinalRecord,
	): void {
		this.#outbox.addReport(writes, id, {
			event: final.event,
			at: final.at,
			attempts: [...attempts],
			facts,
			...(final.fault ? { fault: final.fault } : {}),
			...(final.closed ? { closed: final.closed } : {}),
			...(final.result ? { result: final.result } : {}),
		});
	}

	#write(writes: Writes, entry: JournalEntry): void {
		writes.put('journal', entry.id, entry);
	}

	/** Confirmations may be forgotten by a crash: a report is then sent again, and an entry without its ack is kept for longer. */
	#mark(writes: Writes, id: string, change: Partial<JournalEntry>): void {
		const entry = this.get(id);
		if (entry?.state === 'finished') this.#write(writes, { ...entry, ...change });
	}

	#markAlone(id: string, change: Partial<JournalEntry>): void {
		void this.#store
			.commitLazily((writes) => this.#mark(writes, id, change))
			.catch(() => {
				// The disk fails; the next commit that somebody waits for says so.
			});
	}

	#blank(id: string, facts: CommandFacts): Omit<JournalEntry, 'state' | 'attempts'> {
		return {
			v: 1,
			id,
			facts,
			boot: this.#boot,
			machine: this.#machine,
			child: null,
			reruns: null,
			nextAttemptAt: null,
			final: null,
			reportedAt: null,
			ackedAt: null,
		};
	}
}
