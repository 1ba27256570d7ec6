/**
 * Owns how many bytes of output may be under way at once.
 * Promises that a fast link is used (it grows to 2 MiB) and that a thin one stays free for claims and reports, which share
 * it: what takes longer than a second makes the window smaller, down to 4 KiB.
 * Learnt anew with every connection.
 */

import { largestChunkBytes } from '../../domain/output.ts';

export const largestWindowBytes = 2 * 1024 * 1024;
const smallestWindowBytes = 4 * 1024;
const firstWindowBytes = 16 * 1024;
const quickMs = 500;
const slowMs = 1000;

export class SendWindow {
	#bytes = firstWindowBytes;
	#inFlight = 0;

	/** The most bytes that a chunk should have now. */
	get chunkBytes(): number {
		return Math.min(largestChunkBytes, this.#bytes);
	}

	/** Whatever is larger than the window goes alone. */
	mayTake(bytes: number): boolean {
		return this.#inFlight === 0 || this.#inFlight + bytes <= this.#bytes;
	}

	sent(bytes: number): void {
		this.#inFlight += bytes;
	}

	answered(bytes: number, tookMs: number): void {
		this.#inFlight -= bytes;
		if (tookMs < quickMs) this.#bytes = Math.min(this.#bytes * 2, largestWindowBytes);
		else if (tookMs > slowMs) this.#bytes = Math.max(this.#bytes / 2, smallestWindowBytes);
	}

	/** Nothing is under way any more, as far as anybody knows. */
	reset(): void {
		this.#inFlight = 0;
		this.#bytes = Math.min(this.#bytes, firstWindowBytes);
	}
}
