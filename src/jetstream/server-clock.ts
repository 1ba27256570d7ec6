/**
 * Owns the broker's clock as the centre's side reads it: one reading, carried on by the monotonic clock.
 * Promises that a step of this machine's own clock moves no deadline; a suspend makes it late until the next reading,
 * never early. A restart reads anew.
 */

import type { Clock } from '../base/clock.ts';
import type { Connection } from './connection.ts';
import { readTopology } from './topology.ts';

export class ServerClock {
	readonly #clock: Clock;
	#serverTime: number;
	#readAt: number;

	/** `serverTime` was read just now, milliseconds since the epoch. */
	constructor(clock: Clock, serverTime: number) {
		this.#clock = clock;
		this.#serverTime = serverTime;
		this.#readAt = clock.monotonic();
	}

	now(): number {
		return this.#serverTime + (this.#clock.monotonic() - this.#readAt);
	}

	async refresh(connection: Connection): Promise<void> {
		const topology = await readTopology(connection);
		if (!topology) return;
		this.#serverTime = topology.serverTime;
		this.#readAt = this.#clock.monotonic();
	}
}
