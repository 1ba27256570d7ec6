/**
 * Owns telling the centre about faults: those above `warning` become errorLog events, through the outbox.
 * Promises that a fault that repeats is counted and said once in a while, not once each.
 * What was counted and not yet said is lost with the process; the log on the node's own stderr has it.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { eventDeliverWithinMs } from '../domain/message.ts';
import { centralNode } from '../domain/names.ts';
import { type FaultKind, isReported } from '../supervision/error-kernel.ts';
import type { Intake } from './intake/intake.ts';

export type FaultReport = {
	readonly kind: FaultKind;
	/** The part that met it: a lane, a method, the store. */
	readonly where: string;
	readonly message: string;
	readonly handle?: string;
};

/** The same fault at the same place is said once in this time, with its count. */
const quietMs = 10_000;
/** Places that are counted apart: names of methods come from senders, who may invent any number. */
const mostPlaces = 256;

export class ErrorReporter {
	readonly #intake: Intake;
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #newId: () => string;
	readonly #counts = new Map<string, { saidAt: number; unsaid: number }>();

	constructor(options: { intake: Intake; clock: Clock; log: Log; newId: () => string }) {
		this.#intake = options.intake;
		this.#clock = options.clock;
		this.#log = options.log;
		this.#newId = options.newId;
	}

	report(fault: FaultReport): void {
		const { kind, where, message, handle } = fault;
		this.#log.warn({ fault: kind, where, err: message, ...(handle ? { handle } : {}) }, 'fault');
		if (!isReported(kind)) return;
		const now = this.#clock.monotonic();
		const key = this.#placeOf(kind, where);
		const count = this.#counts.get(key) ?? { saidAt: Number.NEGATIVE_INFINITY, unsaid: 0 };
		this.#counts.set(key, count);
		count.unsaid += 1;
		if (now - count.saidAt < quietMs) return;
		const data = {
			at: this.#clock.now(),
			code: kind,
			where,
			message,
			count: count.unsaid,
			...(handle ? { handle } : {}),
		};
		count.saidAt = now;
		count.unsaid = 0;
		void this.#say(data);
	}

	#placeOf(kind: FaultKind, where: string): string {
		const key = `${kind} ${where}`;
		if (this.#counts.has(key) || this.#counts.size < mostPlaces) return key;
		const now = this.#clock.monotonic();
		for (const [place, { saidAt, unsaid }] of this.#counts) {
			if (unsaid === 0 && now - saidAt >= quietMs) this.#counts.delete(place);
		}
		return this.#counts.size < mostPlaces ? key : kind;
	}

	async #say(data: Record<string, unknown>): Promise<void> {
		try {
			await this.#intake.accept([
				{
					id: this.#newId(),
					message: {
						target: { nodes: [centralNode] },
						kind: 'event',
						method: 'errorLog',
						data,
						whenAbsent: 'queue',
						policy: { deliverWithinMs: eventDeliverWithinMs },
					},
				},
			]);
		} catch (error) {
			this.#log.error({ err: messageOf(error) }, 'a fault could not be reported to the centre');
		}
	}
}
