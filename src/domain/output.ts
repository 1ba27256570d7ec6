/**
 * Owns what a chunk of output is: bytes of one stream, a mark where bytes were cut, or the end of an attempt.
 * Promises that nothing can be missing unseen: chunks are numbered over both streams, bytes have an offset within theirs,
 * and the end says how many there were.
 * Pure.
 */

export const outputStreams = ['stdout', 'stderr'] as const;
export type OutputStream = (typeof outputStreams)[number];

/** The most bytes of one chunk. */
export const largestChunkBytes = 64 * 1024;

export type BytesOfStreams = Readonly<Record<OutputStream, number>>;

/** `ended`: the attempt ended, and this was all. `cutOff`: its node died in the middle, and what came last may be missing. */
export const outputEnds = ['ended', 'cutOff'] as const;
export type OutputEnd = (typeof outputEnds)[number];

export type OutputChunk = {
	readonly attempt: number;
	/** 1 for the first of its attempt, counted over both streams. */
	readonly number: number;
} & OutputContent;

export type OutputContent =
	| {
			readonly kind: 'data';
			readonly stream: OutputStream;
			/** Bytes of this stream before these. */
			readonly offset: number;
			readonly data: Uint8Array;
	  }
	/** `bytes` from `offset` on are not there: the node had no room for them. */
	| { readonly kind: 'cut'; readonly stream: OutputStream; readonly offset: number; readonly bytes: number }
	/** The last of its attempt. `totals` counts what was cut as well. */
	| { readonly kind: 'end'; readonly how: OutputEnd; readonly totals: BytesOfStreams };
