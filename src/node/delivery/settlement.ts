/**
 * Owns the end of a command on the node: outcome and report on disk in one transaction, then the ack.
 * Promises that nothing is acknowledged before its outcome is on disk, and that what was started and has no outcome is
 * called interrupted or started again, as its policy says. A crash before the ack is answered by the journal.
 */

import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { formatHandle } from '../../domain/names.ts';
import type { Attempt, FaultRecord, Result } from '../../domain/result.ts';
import type { CommandEvent } from '../../domain/state.ts';
import type { Closed, CommandFacts } from '../../domain/wire.ts';
import type { ServerTime } from '../server-time.ts';
import type { Cancellations } from '../store/cancellations.ts';
import type { Journal, JournalEntry } from '../store/journal.ts';
import type { Spends } from '../trust/spent.ts';
import { closeLast, lastAttempt } from './attempt-list.ts';
import type { Policy } from './policy.ts';
import type { Turn } from './turn.ts';

export type SettlementOptions = {
	node: string;
	journal: Journal;
	cancellations: Cancellations;
	serverTime: ServerTime;
	/** Resolves when the broker can be reached; false when the node stops first. */
	untilLinkUp: () => Promise<boolean>;
	clock: Clock;
	log: Log;
};

/** How a command ended, and what is left of it. */
export type Ending = {
	readonly event: CommandEvent;
	readonly attempts: readonly Attempt[];
	readonly result: Result | null;
	readonly fault: FaultRecord | null;
	readonly closed?: Closed | undefined;
};

type Settled = {
	readonly id: string;
	readonly facts: CommandFacts;
	readonly spends?: Spends | undefined;
};

/** Of a start that an earlier process of the node made. */
export const nodeDied = 'the node died while it ran';

/** An ack that gets no answer while the link is up is not tried more often. */
const ackAttempts = 3;

export class Settlement {
	readonly #options: SettlementOptions;

	constructor(options: SettlementOptions) {
		this.#options = options;
	}

	/** Outcome and report on disk, then the ack. */
	async settle(turn: Turn, ending: Ending): Promise<void> {
		await this.#record({ id: turn.id, facts: turn.command.facts, spends: turn.spends }, ending);
		await this.acknowledge(turn);
	}

	/** Refused after it had been claimed. */
	reject(turn: Turn, fault: FaultRecord): Promise<void> {
		const attempts = this.#options.journal.find(turn.command)?.attempts ?? [];
		return this.settle(turn, { event: 'refused', attempts, result: null, fault });
	}

	/** Called off while nothing of it ran: before its first start, or between two. */
	cancel(turn: Turn, closed: Closed): Promise<void> {
		const attempts = this.#options.journal.find(turn.command)?.attempts ?? [];
		return this.settle(turn, { event: 'cancelled', attempts, result: null, fault: null, closed });
	}

	/** As {@link cancel}, while its delivery is not here: the next one is answered by the journal. */
	cancelWaiting({ id, facts, attempts }: JournalEntry, closed: Closed): Promise<void> {
		return this.#record({ id, facts }, { event: 'cancelled', attempts, result: null, fault: null, closed });
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
		const last = lastAttempt(attempts);
		const reruns = policy.onInterrupt === 'rerun' ? policy.attempts - last : null;
		const fault = interruption(why, last, reruns, turn.calledOff);
		const closed = closeLast(attempts, at, 'interrupted', result, fault);
		if (reruns !== null && reruns > 0 && !turn.calledOff) {
			await this.#options.journal.recordRetry(turn.id, turn.command.facts, closed, at, at, null);
			return { go: last + 1 };
		}
		await this.settle(turn, { event: 'interrupted', attempts: closed, result, fault });
		return 'over';
	}

	/** As {@link afterInterruption}, while its delivery is not here; false where policy lets it run again. */
	async interruptWaiting(entry: JournalEntry): Promise<boolean> {
		const { cancellations, serverTime } = this.#options;
		const { id, facts, reruns } = entry;
		const calledOff = cancellations.find({ id, facts });
		if (reruns !== null && reruns > 0 && !calledOff) return false;
		const fault = interruption(nodeDied, lastAttempt(entry.attempts), reruns, calledOff);
		const attempts = closeLast(entry.attempts, serverTime.now(), 'interrupted', null, fault);
		await this.#record({ id, facts }, { event: 'interrupted', attempts, result: null, fault });
		return true;
	}

	/**
	 * The last step. A lost link is waited for: the broker would hand the command over again only after `ack_wait`,
	 * and its lane stands still so long. Without the server's word the next delivery is answered by the journal.
	 */
	async acknowledge(turn: Turn): Promise<void> {
		const { journal, clock, untilLinkUp } = this.#options;
		for (let attempt = 1; attempt <= ackAttempts; attempt++) {
			if (!turn.isLocal && !(await untilLinkUp())) return;
			if (await turn.ackAck()) return journal.markAcked(turn.id, clock.now());
		}
	}

	async #record({ id, facts, spends }: Settled, ending: Ending): Promise<void> {
		const { node, journal, cancellations, serverTime, log } = this.#options;
		const { attempts, ...end } = ending;
		await journal.recordFinal(id, facts, attempts, { ...end, at: serverTime.now() }, spends);
		cancellations.forget(id);
		const handle = formatHandle({ node, id });
		log.info({ handle, outcome: ending.event, attempts: lastAttempt(attempts) }, 'ended');
	}
}

/** `reruns`: how often it may be started again; null where its policy never lets it. */
function interruption(
	why: string,
	starts: number,
	reruns: number | null,
	calledOff: Closed | undefined,
): FaultRecord {
	if (calledOff) {
		const message = `${why}; it is not started again: ${calledOff.reason} (${calledOff.actor})`;
		return { code: 'interrupted', message };
	}
	if (reruns === null || reruns > 0) return { code: 'interrupted', message: why };
	const message = `${why}; it was started ${starts} times, and may not be again`;
	return { code: 'attemptsExhausted', message };
}
