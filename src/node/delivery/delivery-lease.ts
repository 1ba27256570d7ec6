/**
 * Owns one message's stay on the node: its delivery, which may be replaced by a later one, and the lease on it.
 * Promises that the lease is renewed well inside `ack_wait` until `end`, that the last word goes to the newest delivery,
 * and that a delivery is called fresh only while the message can hardly have left its stream unnoticed.
 * When the process dies the lease runs out, and the message is delivered again.
 */

import type { Clock } from '../../base/clock.ts';
import type { Delivery } from '../../jetstream/pull.ts';
import { type Moment, momentOf } from '../server-time.ts';

/** `ack_wait` of every consumer. */
const ackWaitMs = 30_000;
/** Three chances within it. */
const workingEveryMs = ackWaitMs / 3;

export class DeliveryLease {
	readonly #clock: Clock;
	#delivery: Delivery;
	/** When the server handed it over last; undefined since the link was lost. */
	#handedOver: Moment | undefined;
	#cancel: () => void = () => undefined;

	constructor(delivery: Delivery, clock: Clock) {
		this.#delivery = delivery;
		this.#clock = clock;
		this.#handedOver = momentOf(clock);
		this.#keep();
	}

	/** The newest delivery. */
	get delivery(): Delivery {
		return this.#delivery;
	}

	/** The lease was lost and the server handed the message over again: this delivery carries on. */
	adopt(delivery: Delivery): void {
		this.#delivery = delivery;
		this.#handedOver = momentOf(this.#clock);
		delivery.working();
	}

	/** What happens to the message on the server is not noticed from here on, until it is handed over again. */
	linkLost(): void {
		this.#handedOver = undefined;
	}

	/**
	 * The server handed it over on this link, within `ack_wait` by both clocks: neither alone notices a suspended machine
	 * and a step of the wall clock.
	 */
	get isFresh(): boolean {
		if (!this.#handedOver) return false;
		const now = momentOf(this.#clock);
		const wallMs = Math.abs(now.wall - this.#handedOver.wall);
		return Math.max(wallMs, now.monotonic - this.#handedOver.monotonic) <= ackWaitMs;
	}

	/** Renews the lease now, for example when the link is back. */
	working(): void {
		this.#delivery.working();
	}

	ack(): void {
		this.#delivery.ack();
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
