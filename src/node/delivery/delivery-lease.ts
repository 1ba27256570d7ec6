/**
 * Owns one message's stay on the node: its delivery, which may be replaced by a later one, and the lease on it.
 * Promises that the lease is renewed well inside `ack_wait` until `end`, and that the last word goes to the newest
 * delivery. When the process dies the lease runs out, and the message is delivered again.
 */

import type { Clock } from '../../base/clock.ts';
import type { Delivery } from '../../jetstream/pull.ts';

/** `ack_wait` of every consumer is 30 s; three chances within it. */
const workingEveryMs = 10_000;

export class DeliveryLease {
	readonly #clock: Clock;
	#delivery: Delivery;
	#cancel: () => void = () => undefined;

	constructor(delivery: Delivery, clock: Clock) {
		this.#delivery = delivery;
		this.#clock = clock;
		this.#keep();
	}

	/** The newest delivery. */
	get delivery(): Delivery {
		return this.#delivery;
	}

	/** The lease was lost and the server handed the message over again: this delivery carries on. */
	adopt(delivery: Delivery): void {
		this.#delivery = delivery;
		delivery.working();
	}

	/** Renews the lease now, for example when the link is back. */
	working(): void {
		this.#delivery.working();
	}

	ackAck(): Promise<boolean> {
		return this.#delivery.ackAck();
	}

	nak(delayMs?: number): void {
		this.#delivery.nak(delayMs);
	}

	term(reason: string): void {
		this.#delivery.term(reason);
	}

	end(): void {
		this.#cancel();
	}

	#keep(): void {
		this.#cancel = this.#clock.after(workingEveryMs, () => {
			this.#delivery.working();
			this.#keep();
		});
	}
}
