/**
 * Owns the node's idea of the broker's clock: deadlines compare in server time, whatever the node's clock says.
 * Promises that nothing is decided on a deadline without a reading that still holds: it is carried on by the monotonic
 * clock, and when that and the wall clock part (a step, or a suspended machine) a new one is asked for.
 * The reading is taken anew on every connect and every ten minutes; a restart begins without one.
 */

import type { Clock } from '../base/clock.ts';

/** A moment by both clocks, milliseconds. */
export type Moment = { readonly wall: number; readonly monotonic: number };

type Reading = { readonly server: number; readonly at: Moment };

/** Clocks that part by more than this did not only run unevenly. */
const mostDriftMs = 2000;
/** An answer that took longer says too little of when it was made. */
const longestAnswerMs = 10_000;

export function momentOf(clock: Clock): Moment {
	return { wall: clock.now(), monotonic: clock.monotonic() };
}

/** How far the wall clock moved beyond the monotonic one, milliseconds. */
function driftBetween(from: Moment, to: Moment): number {
	return to.wall - from.wall - (to.monotonic - from.monotonic);
}

export class ServerTime {
	readonly #clock: Clock;
	readonly #wanted = new Set<() => void>();
	#reading: Reading | undefined;
	#waiting: (() => void)[] = [];

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** There is a reading, and neither a step of the clock nor a suspended machine came after it. */
	get isKnown(): boolean {
		const reading = this.#reading;
		return reading !== undefined && Math.abs(driftBetween(reading.at, momentOf(this.#clock))) <= mostDriftMs;
	}

	/** Server time less the node's time, milliseconds; null while there is no reading that holds. */
	get offsetMs(): number | null {
		return this.isKnown ? Math.round(this.now() - this.#clock.now()) : null;
	}

	/** Milliseconds since the epoch, by the server's clock as far as it is known, else by the node's. */
	now(): number {
		const reading = this.#reading;
		if (!reading) return this.#clock.now();
		return Math.round(reading.server + this.#clock.monotonic() - reading.at.monotonic);
	}

	/** The server stored a message at `server` that was sent and answered then; false where that says nothing. */
	read(server: number, sent: Moment, answered: Moment): boolean {
		const tookMs = answered.monotonic - sent.monotonic;
		if (tookMs > longestAnswerMs || Math.abs(driftBetween(sent, answered)) > mostDriftMs) return false;
		this.#reading = { server: server + tookMs / 2, at: answered };
		for (const resolve of this.#waiting.splice(0)) resolve();
		return true;
	}

	/** Calls `listener` when somebody waits for a reading; the answer takes it off. */
	onWanted(listener: () => void): () => void {
		this.#wanted.add(listener);
		return () => this.#wanted.delete(listener);
	}

	/** Resolves when a reading holds, or when `signal` aborts. */
	async known(signal: AbortSignal): Promise<void> {
		while (!this.isKnown && !signal.aborted) {
			const isFirst = this.#waiting.length === 0;
			const read = this.#untilRead(signal);
			if (isFirst) for (const listener of this.#wanted) listener();
			await read;
		}
	}

	#untilRead(signal: AbortSignal): Promise<void> {
		return new Promise((resolve) => {
			const settle = () => {
				signal.removeEventListener('abort', settle);
				this.#waiting = this.#waiting.filter((waiting) => waiting !== settle);
				resolve();
			};
			this.#waiting.push(settle);
			signal.addEventListener('abort', settle, { once: true });
		});
	}
}
