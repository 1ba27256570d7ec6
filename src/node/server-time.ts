/**
 * Owns the node's idea of the broker's clock: deadlines compare in server time, whatever the node's clock says.
 * Promises that nothing is decided on a deadline before the first reading.
 * The reading is taken anew on every connect and every ten minutes; a restart begins without one.
 */

import type { Clock } from '../base/clock.ts';

export class ServerTime {
	readonly #clock: Clock;
	#offsetMs: number | null = null;
	#waiting: (() => void)[] = [];

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** Server time less the node's time, milliseconds; null before the first reading. */
	get offsetMs(): number | null {
		return this.#offsetMs;
	}

	/** Milliseconds since the epoch, by the server's clock as far as it is known, else by the node's. */
	now(): number {
		return this.#clock.now() + (this.#offsetMs ?? 0);
	}

	/** The server stored a message at `serverTime` that was sent and answered at these times of the node's clock. */
	read(serverTime: number, sentAt: number, answeredAt: number): void {
		this.#offsetMs = Math.round(serverTime - (sentAt + answeredAt) / 2);
		for (const resolve of this.#waiting.splice(0)) resolve();
	}

	/** Resolves after the first reading, or when `signal` aborts. */
	async known(signal: AbortSignal): Promise<void> {
		if (this.#offsetMs !== null || signal.aborted) return;
		await new Promise<void>((resolve) => {
			this.#waiting.push(resolve);
			signal.addEventListener('abort', () => resolve(), { once: true });
		});
	}
}
