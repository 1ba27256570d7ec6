/**
 * Owns putting the chunks of one command's output in order: repeats dropped, late ones waited for, gaps said.
 * Promises that every byte which the node counted is either given or said to be missing, with how many there were where
 * that can be known, and that what it holds back is bounded.
 * Pure: made anew by whoever reads again.
 */

import {
	type BytesOfStreams,
	type OutputChunk,
	type OutputEnd,
	type OutputStream,
	outputStreams,
} from '../domain/output.ts';

/** Why bytes are missing: the node had no room for them, they are not on the stream (any more), or the node died. */
export type GapReason = 'cut' | 'missing' | 'cutOff';

export type OutputPiece =
	/** What follows is of this attempt. */
	| { readonly kind: 'attempt'; readonly attempt: number }
	| {
			readonly kind: 'chunk';
			readonly attempt: number;
			readonly stream: OutputStream;
			readonly data: Uint8Array;
	  }
	/** Bytes are missing here: of `stream`, or of either where that is null; how many, or null where nobody knows. */
	| {
			readonly kind: 'gap';
			readonly attempt: number;
			readonly stream: OutputStream | null;
			readonly bytes: number | null;
			readonly reason: GapReason;
	  };

/** A sender has less than this under way, so that what is later than this much is missing. */
const mostHeldBytes = 4 * 1024 * 1024;

export class OutputPieces {
	#attempt = 0;
	#next = 1;
	#end: { readonly how: OutputEnd; readonly totals: BytesOfStreams } | undefined;
	#offset: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
	/** A number is missing, and no byte that is known: of which stream, if of any, shows later. */
	#isSuspect = false;
	#held = new Map<number, OutputChunk>();
	#heldBytes = 0;

	/** The latest attempt that was seen; 0 before the first. */
	get attempt(): number {
		return this.#attempt;
	}

	/** Whether the last word of the latest attempt was seen. */
	get hasEnded(): boolean {
		return this.#end !== undefined;
	}

	/** Whether chunks wait for one that is missing before them. */
	get isHolding(): boolean {
		return this.#held.size > 0;
	}

	/** What can be given now that this chunk is here. */
	take(chunk: OutputChunk): OutputPiece[] {
		if (chunk.attempt < this.#attempt || (chunk.attempt === this.#attempt && this.#end)) return [];
		const pieces: OutputPiece[] = [];
		if (chunk.attempt > this.#attempt) pieces.push(...this.#beginAttempt(chunk.attempt));
		if (chunk.number > this.#next) {
			this.#hold(chunk);
			return this.#heldBytes > mostHeldBytes ? [...pieces, ...this.settle()] : pieces;
		}
		pieces.push(...this.#give(chunk));
		this.#next = Math.max(this.#next, chunk.number + 1);
		return [...pieces, ...this.#giveHeld()];
	}

	/** What is late will not come: gives what was held back, with its gaps. */
	settle(): OutputPiece[] {
		const pieces: OutputPiece[] = [];
		while (this.#held.size > 0) {
			const first = Math.min(...this.#held.keys());
			this.#isSuspect = true;
			this.#next = first;
			pieces.push(...this.#giveHeld());
		}
		return pieces;
	}

	/** Nothing more will be read: as {@link settle}, and says what the end, which did not come, would have said. */
	finish(totals?: Partial<BytesOfStreams>): OutputPiece[] {
		const pieces = this.settle();
		if (this.#attempt === 0 || this.#end) return pieces;
		if (totals) return [...pieces, ...outputStreams.flatMap((stream) => this.#gapTo(stream, totals[stream]))];
		if (this.#isSuspect) pieces.push(this.#gap(null, null, 'missing'));
		this.#isSuspect = false;
		return pieces;
	}

	#beginAttempt(attempt: number): OutputPiece[] {
		const pieces = this.finish();
		// Its last word is missing: how much more there was, it would have said.
		if (this.#attempt > 0 && !this.#end) pieces.push(this.#gap(null, null, 'missing'));
		this.#attempt = attempt;
		this.#next = 1;
		this.#end = undefined;
		this.#offset = { stdout: 0, stderr: 0 };
		this.#isSuspect = false;
		return [...pieces, { kind: 'attempt', attempt }];
	}

	#hold(chunk: OutputChunk): void {
		if (this.#held.has(chunk.number)) return;
		this.#held.set(chunk.number, chunk);
		this.#heldBytes += sizeOf(chunk);
	}

	#giveHeld(): OutputPiece[] {
		const pieces: OutputPiece[] = [];
		for (let chunk = this.#held.get(this.#next); chunk; chunk = this.#held.get(this.#next)) {
			this.#held.delete(chunk.number);
			this.#heldBytes -= sizeOf(chunk);
			this.#next += 1;
			pieces.push(...this.#give(chunk));
		}
		return pieces;
	}

	/** A repeat gives nothing: its bytes were given. */
	#give(chunk: OutputChunk): OutputPiece[] {
		switch (chunk.kind) {
			case 'data': {
				const { stream, offset, data } = chunk;
				const gap = this.#gapTo(stream, offset);
				const fresh = data.subarray(this.#offset[stream] - offset);
				this.#offset[stream] += fresh.length;
				if (fresh.length === 0) return gap;
				return [...gap, { kind: 'chunk', attempt: this.#attempt, stream, data: fresh }];
			}
			case 'cut': {
				const { stream, offset, bytes } = chunk;
				const gap = this.#gapTo(stream, offset);
				const fresh = offset + bytes - this.#offset[stream];
				if (fresh <= 0) return gap;
				this.#offset[stream] += fresh;
				return [...gap, this.#gap(stream, fresh, 'cut')];
			}
			case 'end': {
				const { how, totals } = chunk;
				const gaps = outputStreams.flatMap((stream) => this.#gapTo(stream, totals[stream]));
				this.#end = { how, totals };
				return how === 'cutOff' ? [...gaps, this.#gap(null, null, 'cutOff')] : gaps;
			}
		}
	}

	#gapTo(stream: OutputStream, offset: number | undefined): OutputPiece[] {
		if (offset === undefined || offset <= this.#offset[stream]) return [];
		const bytes = offset - this.#offset[stream];
		this.#offset[stream] = offset;
		this.#isSuspect = false;
		return [this.#gap(stream, bytes, 'missing')];
	}

	#gap(stream: OutputStream | null, bytes: number | null, reason: GapReason): OutputPiece {
		return { kind: 'gap', attempt: this.#attempt, stream, bytes, reason };
	}
}

/** Headers take room as well. */
function sizeOf(chunk: OutputChunk): number {
	return 200 + (chunk.kind === 'data' ? chunk.data.length : 0);
}
