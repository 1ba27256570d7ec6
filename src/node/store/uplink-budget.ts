/**
 * Owns how fast a node may send: so many messages and bytes of a second, whatever stream they are for.
 * Promises that what has to wait is told of in time, once, so that the first stream is the first again then.
 * In memory: a start has a whole second's worth.
 */

import type { Clock } from '../../base/clock.ts';
import { TokenBucket } from '../../base/token-bucket.ts';

/** What may go out in a second. */
export type UplinkBounds = { readonly messagesPerSecond: number; readonly bytesPerSecond: number };

export class UplinkBudget {
	readonly #clock: Clock;
	readonly #messages: TokenBucket;
	readonly #bytes: TokenBucket;
	readonly #onRoom: () => void;
	#cancelWait: (() => void) | undefined;

	/** @param onRoom Called when something may go out again. */
	constructor(bounds: UplinkBounds, clock: Clock, onRoom: () => void) {
		const monotonic = () => clock.monotonic();
		this.#clock = clock;
		this.#messages = new TokenBucket(bounds.messagesPerSecond, monotonic);
		this.#bytes = new TokenBucket(bounds.bytesPerSecond, monotonic);
		this.#onRoom = onRoom;
	}

	/** All of a second's worth is used up: nothing goes out. */
	get isUsedUp(): boolean {
		return this.#cancelWait !== undefined;
	}

	/** False where it has to wait. */
	mayTake(bytes: number): boolean {
		const waitMs = Math.max(this.#messages.waitMs, this.#bytes.waitMs);
		if (waitMs > 0) {
			this.#cancelWait = this.#clock.after(waitMs, () => {
				this.#cancelWait = undefined;
				this.#onRoom();
			});
			return false;
		}
		this.#messages.take(1);
		this.#bytes.take(bytes);
		return true;
	}

	/** Nobody waits any more. */
	forget(): void {
		this.#cancelWait?.();
		this.#cancelWait = undefined;
	}
}
