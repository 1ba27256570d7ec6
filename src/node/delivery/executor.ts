/**
 * Owns the run of a command: start recorded, method run, outcome recorded with its report, acknowledged; again where
 * the error kernel says so. Promises that no start happens without a record on disk before it, and no ack before the
 * outcome is on disk. A crash in between is told by the journal's entry, and decided by `onInterrupt`.
 */

import type { Backoff } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { isStewardError, unreachable } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Envelope, OnInterrupt } from '../../domain/message.ts';
import { formatHandle } from '../../domain/names.ts';
import type { Attempt, FaultRecord, Result } from '../../domain/result.ts';
import type { CommandEvent } from '../../domain/state.ts';
import { decide, type Fault, type FaultKind, type Verdict } from '../../supervision/error-kernel.ts';
import type { ErrorReporter } from '../error-reporter.ts';
import type { KnownMethod } from '../methods-table.ts';
import type { ServerTime } from '../server-time.ts';
import type { Journal } from '../store/journal.ts';
import { closeLast, lastAttempt, withAttempt } from './attempt-list.ts';
import { type AbortReason, describeEnd, type Ended, runMethod } from './method-run.ts';
import type { Turn } from './turn.ts';

/** The envelope's policy with the defaults filled in. */
export type Policy = {
	readonly runForMs: number;
	readonly attempts: number;
	readonly backoff: Backoff;
	readonly onInterrupt: OnInterrupt;
};

export type RunningCommand = {
	readonly id: string;
	readonly method: string;
	readonly lane: Envelope['lane'];
	readonly startedAt: number;
	readonly attempt: number;
};

export type ExecutorOptions = {
	journal: Journal;
	serverTime: ServerTime;
	errors: ErrorReporter;
	/** The store failed or our own code is broken: the node must end, nothing acked. */
	onShutdown: (error: Error) => void;
	/** What runs has changed. */
	onChange: () => void;
	/** Aborts what still runs when the node's grace has passed. */
	graceOver: AbortSignal;
	/** Resolves when the broker can be reached; false when the node stops first. */
	untilLinkUp: () => Promise<boolean>;
	clock: Clock;
	log: Log;
	random: () => number;
};

/** An ack that gets no answer while the link is up is not tried more often. */
const ackAttempts = 3;
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

	/** Runs from `attempt` on, until the command is settled or its slot is to be given back. */
	async run(
		turn: Turn,
		envelope: Envelope,
		method: KnownMethod,
		policy: Policy,
		attempt: number,
		slot: { holdsSlot: boolean; stopping: AbortSignal },
	): Promise<void> {
		try {
			let next: number | undefined = attempt;
			while (next !== undefined) {
				if (!(await this.#awaitDue(turn, slot))) return;
				// Handed back before it starts: a process that rests costs no attempt.
				if (method.process.isPaused) return turn.nak(pausedMs);
				next = await this.#attempt(turn, envelope, method, policy, next);
			}
		} catch (error) {
			if (!isStewardError(error, 'storage')) throw error;
			this.#options.onShutdown(error);
		}
	}

	/** An earlier start has no outcome: settled as `interrupted`, or the number of the next attempt. */
	async afterInterruption(
		turn: Turn,
		attempts: readonly Attempt[],
		policy: Policy,
		why: string,
		result: Result | null = null,
	): Promise<{ go: number } | 'over'> {
		const at = this.#options.serverTime.now();
		const closed = closeLast(attempts, at, 'interrupted', result, { code: 'interrupted', message: why });
		const last = lastAttempt(attempts);
		if (policy.onInterrupt === 'rerun' && last < policy.attempts) {
			await this.#options.journal.recordRetry(turn.id, turn.command.facts, closed, at, at, null);
			return { go: last + 1 };
		}
		await this.#settle(turn, closed, 'interrupted', result, { code: 'interrupted', message: why });
		return 'over';
	}

	/** Refused after it had been claimed. */
	async reject(turn: Turn, fault: FaultRecord): Promise<void> {
		const attempts = this.#options.journal.find(turn.command)?.attempts ?? [];
		await this.#settle(turn, attempts, 'refused', null, fault);
	}

	/**
	 * The last step. A lost link is waited for: the broker would hand the command over again only after `ack_wait`,
	 * and its lane stands still so long. Without the server's word the next delivery is answered by the journal.
	 */
	async acknowledge(turn: Turn): Promise<void> {
		const { journal, clock, untilLinkUp } = this.#options;
		for (let attempt = 1; attempt <= ackAttempts; attempt++) {
			if (!(await untilLinkUp())) return;
			if (await turn.ackAck()) return journal.markAcked(turn.id, clock.now());
		}
	}

	/** Waits for a retry that is not due; false when the slot is given back instead. */
	async #awaitDue(
		turn: Turn,
		{ holdsSlot, stopping }: { holdsSlot: boolean; stopping: AbortSignal },
	): Promise<boolean> {
		const { journal, serverTime, clock } = this.#options;
		const entry = journal.find(turn.command);
		const waitMs = entry?.state === 'retrying' ? (entry.nextAttemptAt ?? 0) - serverTime.now() : 0;
		if (waitMs > 0 && holdsSlot) await clock.sleep(waitMs, stopping);
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
		const attempts = withAttempt(journal.find(turn.command)?.attempts ?? [], attempt, startedAt);
		await journal.recordStart(turn.id, facts, attempts, startedAt);
		this.#running.set(turn.id, {
			id: turn.id,
			method: envelope.method,
			lane: envelope.lane,
			startedAt,
			attempt,
		});
		onChange();
		log.info({ handle: formatHandle(turn.command), method: envelope.method, attempt }, 'started');
		try {
			const { ended, aborted } = await runMethod({
				...{ envelope, method, attempt, runForMs: policy.runForMs, graceOver, clock },
				recordChild: (child) => journal.recordChild(turn.id, child),
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
		const outcome = ended.how === 'outcome' ? ended.outcome : undefined;
		const result = outcome?.result ?? null;
		const at = this.#options.serverTime.now();
		if (outcome?.outcome === 'succeeded') {
			const closed = closeLast(attempts, at, 'succeeded', result, null);
			await this.#settle(turn, closed, 'succeeded', result, null);
			return undefined;
		}
		if (aborted === 'shutdown') {
			const next = await this.afterInterruption(
				turn,
				attempts,
				policy,
				'the node stopped while it ran',
				result,
			);
			if (next !== 'over') turn.nak();
			return undefined;
		}
		const { kind, attemptOutcome, fault, retryAfterMs } = describeEnd(ended, aborted, policy.runForMs);
		if (kind === 'threw' || kind === 'processDied') this.#report(turn, kind, fault);
		const input: Fault = {
			kind,
			attempt: lastAttempt(attempts),
			attempts: policy.attempts,
			backoff: policy.backoff,
			retryAfterMs,
		};
		const closed = closeLast(attempts, at, attemptOutcome, result, fault);
		return this.#follow(turn, closed, decide(input, this.#options.random), result, fault, at);
	}

	async #follow(
		turn: Turn,
		attempts: readonly Attempt[],
		verdict: Verdict,
		result: Result | null,
		fault: FaultRecord | null,
		at: number,
	): Promise<number | undefined> {
		switch (verdict.verdict) {
			case 'settle':
				await this.#settle(turn, attempts, verdict.state, result, fault);
				return undefined;
			case 'retry': {
				const due = at + verdict.afterMs;
				await this.#options.journal.recordRetry(turn.id, turn.command.facts, attempts, at, due, fault);
				return lastAttempt(attempts) + 1;
			}
			case 'restart':
				// Its supervisor has been told by the process itself.
				return this.#follow(turn, attempts, verdict.command, result, fault, at);
			case 'reject':
				await this.#settle(turn, attempts, 'refused', result, fault);
				return undefined;
			case 'none':
				return undefined;
			case 'stop':
			case 'shutdown':
				this.#options.onShutdown(new Error(fault?.message ?? 'the error kernel asks for a shutdown'));
				return undefined;
			default:
				return unreachable(verdict);
		}
	}

	/** Outcome and report on disk, then the ack. */
	async #settle(
		turn: Turn,
		attempts: readonly Attempt[],
		event: CommandEvent,
		result: Result | null,
		fault: FaultRecord | null,
	): Promise<void> {
		const { journal, serverTime, log } = this.#options;
		const final = { event, at: serverTime.now(), result, fault };
		await journal.recordFinal(turn.id, turn.command.facts, attempts, final);
		log.info(
			{ handle: formatHandle(turn.command), outcome: event, attempts: lastAttempt(attempts) },
			'ended',
		);
		await this.acknowledge(turn);
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
