/**
 * Owns the run of a command: start recorded, method run, outcome recorded with its report, acknowledged; again where
 * the error kernel says so. Promises that no start happens without a record on disk before it, and no ack before the
 * outcome is on disk. A crash in between is told by the journal's entry, and decided by `onInterrupt`.
 */

import type { Clock } from '../../base/clock.ts';
import { isStewardError, unreachable } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Envelope } from '../../domain/envelope.ts';
import { formatHandle } from '../../domain/names.ts';
import type { Attempt, AttemptOutcome, FaultRecord } from '../../domain/result.ts';
import { decide, type Fault, type FaultKind, type Verdict } from '../../supervision/error-kernel.ts';
import type { Pauses } from '../control/pauses.ts';
import type { ErrorReporter } from '../error-reporter.ts';
import type { KnownMethod } from '../methods-table.ts';
import type { Output } from '../output/output.ts';
import type { ServerTime } from '../server-time.ts';
import type { Journal, JournalEntry } from '../store/journal.ts';
import { closeLast, lastAttempt, withAttempt } from './attempt-list.ts';
import { type AbortReason, describeEnd, type Ended, runMethod } from './method-run.ts';
import type { Policy } from './policy.ts';
import type { Ending, Settlement } from './settlement.ts';
import type { Turn } from './turn.ts';

export type RunningCommand = {
	readonly id: string;
	readonly method: string;
	readonly lane: Envelope['lane'];
	readonly startedAt: number;
	readonly attempt: number;
	readonly runForMs: number;
};

export type ExecutorOptions = {
	journal: Journal;
	settlement: Settlement;
	pauses: Pauses;
	output: Pick<Output, 'begin'>;
	serverTime: ServerTime;
	errors: ErrorReporter;
	/** The store failed or our own code is broken: the node must end, nothing acked. */
	onShutdown: (error: Error) => void;
	/** What runs has changed. */
	onChange: () => void;
	/** Aborts what still runs when the node's grace has passed. */
	graceOver: AbortSignal;
	clock: Clock;
	log: Log;
	random: () => number;
};

/** A command whose method's process rests comes again after this time. */
const pausedMs = 10_000;

export class Executor {
	readonly #options: ExecutorOptions;
	readonly #running = new Map<string, RunningCommand>();

	constructor(options: ExecutorOptions) {
		this.#options = options;
	}

	running(): readonly RunningCommand[] {
		return [...this.#running.values()];
	}

	/**
	 * Runs from `attempt` on, until the command is settled or its slot is to be given back.
	 * `mayGoOn`: asked before each attempt but the first, since who is trusted may change meanwhile; false where it was settled by that.
	 */
	async run(
		turn: Turn,
		envelope: Envelope,
		method: KnownMethod,
		policy: Policy,
		attempt: number,
		slot: { holdsSlot: boolean; stopping: AbortSignal; mayGoOn: () => Promise<boolean> },
	): Promise<void> {
		try {
			let next: number | undefined = attempt;
			while (next !== undefined) {
				if (!(await this.#awaitDue(turn, next, slot))) return;
				if (turn.calledOff) return await this.#options.settlement.cancel(turn, turn.calledOff);
				// Handed back before it starts: what is paused or stopped costs no attempt.
				if (this.#options.pauses.holds(envelope.lane, envelope.method, turn.isLocal)) return turn.nak();
				if (method.process.isPaused) return turn.nak(pausedMs);
				if (next > 1 && !(await slot.mayGoOn())) return;
				next = await this.#attempt(turn, envelope, method, policy, next);
			}
		} catch (error) {
			if (!isStewardError(error, 'storage')) throw error;
			this.#options.onShutdown(error);
		}
	}

	/** What the journal has of the attempts before this one: of the first it has nothing. */
	#earlier({ command }: Turn, attempt: number): JournalEntry | undefined {
		return attempt > 1 ? this.#options.journal.find(command) : undefined;
	}

	/** Waits for a retry that is not due; false when the slot is given back instead. */
	async #awaitDue(
		turn: Turn,
		attempt: number,
		{ holdsSlot, stopping }: { holdsSlot: boolean; stopping: AbortSignal },
	): Promise<boolean> {
		const { serverTime, clock } = this.#options;
		const entry = this.#earlier(turn, attempt);
		const waitMs = entry?.state === 'retrying' ? (entry.nextAttemptAt ?? 0) - serverTime.now() : 0;
		if (waitMs > 0 && holdsSlot) {
			const calledOff = new AbortController();
			const off = turn.whenCalledOff(() => calledOff.abort());
			await clock.sleep(waitMs, AbortSignal.any([stopping, calledOff.signal]));
			off();
		}
		if (turn.calledOff) return true;
		if (stopping.aborted || (waitMs > 0 && !holdsSlot)) {
			turn.nak(Math.max(waitMs, 1));
			return false;
		}
		return true;
	}

	/** One start; the number of the next one, where there is one. */
	async #attempt(
		turn: Turn,
		envelope: Envelope,
		method: KnownMethod,
		policy: Policy,
		attempt: number,
	): Promise<number | undefined> {
		const { journal, serverTime, onChange, graceOver, clock, log } = this.#options;
		const { facts } = turn.command;
		const startedAt = serverTime.now();
		const attempts = withAttempt(this.#earlier(turn, attempt)?.attempts ?? [], attempt, startedAt);
		const reruns = policy.onInterrupt === 'rerun' ? policy.attempts - attempt : null;
		// Said before it is so: who waits until nothing runs must not miss one that is about to.
		this.#running.set(turn.id, {
			id: turn.id,
			method: envelope.method,
			lane: envelope.lane,
			startedAt,
			attempt,
			runForMs: policy.runForMs,
		});
		try {
			// The claim says the longest run to the centre, where there is one.
			const told = turn.isLocal ? { ...facts, runForMs: policy.runForMs } : facts;
			// Written down with the start where it is known by then, which spares a flush between the two.
			const known = method.process.leaderOf?.(envelope.method) ?? null;
			await journal.recordStart(turn.id, told, attempts, startedAt, reruns, turn.spends, known);
			onChange();
			log.info({ handle: formatHandle(turn.command), method: envelope.method, attempt }, 'started');
			const { ended, aborted } = await runMethod({
				...{ envelope, method, attempt, runForMs: policy.runForMs, graceOver, clock },
				whenCalledOff: (listener) => turn.whenCalledOff(listener),
				recordChild: async (child) => {
					if (child.pid !== known?.pid || child.startTime !== known.startTime)
						await journal.recordChild(turn.id, child);
				},
				output: this.#options.output.begin({ id: turn.id, attempt }),
			});
			return await this.#afterRun(turn, attempts, policy, ended, aborted);
		} finally {
			this.#running.delete(turn.id);
			onChange();
		}
	}

	/** Outcome to verdict to record; the number of the next attempt, where the verdict is "again". */
	async #afterRun(
		turn: Turn,
		attempts: readonly Attempt[],
		policy: Policy,
		ended: Ended,
		aborted: AbortReason | undefined,
	): Promise<number | undefined> {
		const { settlement, serverTime, random } = this.#options;
		const outcome = ended.how === 'outcome' ? ended.outcome : undefined;
		const { result } = ended.how === 'outcome' ? ended.outcome : ended;
		const at = serverTime.now();
		const closed = (as: AttemptOutcome, fault: FaultRecord | null) =>
			closeLast(attempts, at, as, result, fault);
		if (outcome?.outcome === 'succeeded') {
			const ending = {
				event: 'succeeded',
				attempts: closed('succeeded', null),
				result,
				fault: null,
			} as const;
			return settlement.settle(turn, ending).then(() => undefined);
		}
		if (aborted === 'calledOff') {
			const ending = {
				event: 'cancelled',
				attempts: closed('cancelled', null),
				result,
				fault: null,
			} as const;
			return settlement.settle(turn, { ...ending, closed: turn.calledOff }).then(() => undefined);
		}
		if (aborted === 'shutdown') {
			const why = 'the node stopped while it ran';
			const next = await settlement.afterInterruption(turn, attempts, policy, why, result);
			if (next !== 'over') turn.nak();
			return undefined;
		}
		const { kind, attemptOutcome, fault, retryAfterMs } = describeEnd(ended, aborted, policy.runForMs);
		if (kind === 'threw' || kind === 'processDied') this.#report(turn, kind, fault);
		const input: Fault = {
			kind,
			attempt: lastAttempt(attempts),
			// The control lane waits for none of its own: there, another attempt is for a node that died.
			attempts: turn.command.lane === 'control' ? lastAttempt(attempts) : policy.attempts,
			backoff: policy.backoff,
			retryAfterMs,
		};
		const end = { attempts: closed(attemptOutcome, fault), result, fault };
		return this.#follow(turn, end, decide(input, random), at);
	}

	async #follow(
		turn: Turn,
		end: Omit<Ending, 'event'>,
		verdict: Verdict,
		at: number,
	): Promise<number | undefined> {
		const { settlement, journal, pauses, onShutdown } = this.#options;
		const again = (afterMs: number) =>
			journal.recordRetry(turn.id, turn.command.facts, end.attempts, at, at + afterMs, end.fault);
		switch (verdict.verdict) {
			case 'settle':
				await settlement.settle(turn, { event: verdict.state, ...end });
				return undefined;
			case 'retry':
				await again(verdict.afterMs);
				return lastAttempt(end.attempts) + 1;
			case 'restart':
				// Its supervisor has been told by the process itself.
				return this.#follow(turn, end, verdict.command, at);
			case 'reject':
				await settlement.settle(turn, { event: 'refused', ...end });
				return undefined;
			case 'none':
				return undefined;
			case 'stop': {
				const { node, method } = turn.command;
				await again(0);
				pauses.breakDown([method], { by: node, reason: end.fault?.message ?? 'it broke down' });
				turn.nak();
				return undefined;
			}
			case 'shutdown':
				onShutdown(new Error(end.fault?.message ?? 'the error kernel asks for a shutdown'));
				return undefined;
			default:
				return unreachable(verdict);
		}
	}

	#report(turn: Turn, kind: FaultKind, fault: FaultRecord | null): void {
		this.#options.errors.report({
			kind,
			where: turn.command.method,
			message: fault?.message ?? kind,
			handle: formatHandle(turn.command),
		});
	}
}
