/**
 * Owns how much disk the spooled output of all runs may take together.
 * Promises that what does not fit is refused at once, and that trouble with the disk is logged once for each time it begins.
 * Counted anew from the files at each start.
 */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';

const smallestSegment = 128 * 1024;
const usualSegment = 4 * 1024 * 1024;
/** Segments of the whole budget, at the most. */
const mostSegments = 64;

export class SpoolBudget {
	readonly #mostBytes: number;
	readonly #log: Log;
	#used = 0;
	#isBroken = false;
	#isFull = false;

	constructor(mostBytes: number, log: Log) {
		this.#mostBytes = mostBytes;
		this.#log = log;
	}

	/** Room comes back a whole segment at a time. */
	get segmentBytes(): number {
		const usual = Math.min(usualSegment, Math.floor(this.#mostBytes / 16));
		return Math.max(smallestSegment, usual, Math.ceil(this.#mostBytes / mostSegments));
	}

	/** What is on the disk, and the most that may be. */
	get use(): { readonly bytes: number; readonly maxBytes: number } {
		return { bytes: this.#used, maxBytes: this.#mostBytes };
	}

	take(bytes: number): boolean {
		if (this.#used + bytes > this.#mostBytes) {
			if (!this.#isFull)
				this.#log.warn({ spoolMaxBytes: this.#mostBytes }, 'output is cut: its spool is full');
			this.#isFull = true;
			return false;
		}
		this.#used += bytes;
		this.#isFull = false;
		return true;
	}

	/** Also above the budget: what is on the disk already, and what says that something is missing. */
	force(bytes: number): void {
		this.#used += bytes;
	}

	give(bytes: number): void {
		this.#used -= bytes;
	}

	diskFailed(error: unknown): void {
		if (!this.#isBroken)
			this.#log.error({ err: messageOf(error) }, 'output is cut: its spool cannot be written');
		this.#isBroken = true;
	}

	diskWorks(): void {
		this.#isBroken = false;
	}
}
