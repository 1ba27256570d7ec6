/**
 * Owns the broker's clock as the centre's side reads it: one reading, carried on by the monotonic clock.
 * Promises that a step of this machine's own clock moves no deadline; a suspend makes it late until the next reading,
 * never early: whoever needs it exactly asks for a sure one. A restart reads anew.
 */

import type { Clock } from '../base/clock.ts';
import type { Connection } from './connection.ts';
import { readTopology } from './topology.ts';

/** Clocks that part by more than this did not only run unevenly: the machine slept, or its clock was set. */
const mostDriftMs = 2000;
const freshForMs = 600_000;

export class ServerClock {
	readonly #clock: Clock;
	#serverTime: number;
	#readAt: number;
	#wallAt: number;
	#reading: Promise<number> | undefined;

	/** `serverTime` was read just now, milliseconds since the epoch. */
	constructor(clock: Clock, serverTime: number) {
		this.#clock = clock;
		this.#serverTime = serverTime;
		this.#readAt = clock.monotonic();
		this.#wallAt = clock.now();
	}

	now(): number {
		return this.#serverTime + (this.#clock.monotonic() - this.#readAt);
	}

	/** As {@link now}, read anew where the last reading may not hold any more; carried on where nobody answers. */
	sureNow(connection: Connection): number | Promise<number> {
		const age = this.#clock.monotonic() - this.#readAt;
		const drift = Math.abs(this.#clock.now() - this.#wallAt - age);
		if (age <= freshForMs && drift <= mostDriftMs) return this.now();
		const now = () => {
			this.#reading = undefined;
			return this.now();
		};
		// Who asks meanwhile gets the same answer.
		this.#reading ??= this.refresh(connection).then(now, now);
		return this.#reading;
	}

	async refresh(connection: Connection): Promise<void> {
		const topology = await readTopology(connection);
		if (!topology) return;
		this.#serverTime = topology.serverTime;
		this.#readAt = this.#clock.monotonic();
		this.#wallAt = this.#clock.now();
	}
}
