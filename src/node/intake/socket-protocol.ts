/**
 * Owns the language of a node's unix socket: one JSON object a line, an answer for each request, in order.
 * Promises that both sides check what they read, and that a line is bounded.
 * Pure.
 */

import { z } from 'zod';
import { errorCodes, isStewardError, messageOf } from '../../base/errors.ts';

/** Longest request, with some room around a message of 1 MiB. */
export const maxRequestBytes = 1024 * 1024 + 64 * 1024;
/** Longest answer: a message to every node of a large fleet names them all. */
export const maxAnswerBytes = 16 * 1024 * 1024;

/** `message` is the JSON form of a message; the intake checks it. */
export const socketRequest = z.discriminatedUnion('op', [
	z.strictObject({ op: z.literal('send'), message: z.unknown() }),
	z.strictObject({ op: z.literal('ping') }),
]);
export type SocketRequest = z.infer<typeof socketRequest>;

export const socketAnswer = z.discriminatedUnion('ok', [
	z.object({
		ok: z.literal(true),
		accepted: z.array(z.object({ id: z.string(), nodes: z.array(z.string()) })).default([]),
	}),
	z.object({
		ok: z.literal(false),
		code: z.enum(errorCodes),
		message: z.string(),
		details: z.record(z.string(), z.unknown()).default({}),
	}),
]);
export type SocketAnswer = z.infer<typeof socketAnswer>;

/** The answer that tells of an error. What is not ours may have happened after the message was accepted. */
export function failure(error: unknown): SocketAnswer {
	if (isStewardError(error)) {
		return { ok: false, code: error.code, message: error.message, details: { ...error.details } };
	}
	return {
		ok: false,
		code: 'ambiguous',
		message: `the node failed, and may have accepted the message: ${messageOf(error)}; see its log, and send again with the same id`,
		details: {},
	};
}

export function encodeLine(value: SocketRequest | SocketAnswer): string {
	return `${JSON.stringify(value)}\n`;
}

/**
 * Cuts bytes into lines. `push` answers `too-long` once a line passes `maxBytes`; nothing may be pushed after. What is held takes twice
 * its length at the most, in however small pieces it came.
 */
export class LineSplitter {
	readonly #maxBytes: number;
	#held = Buffer.alloc(0);
	#length = 0;

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	/** Something of a line is here that has not ended. */
	get isMidLine(): boolean {
		return this.#length > 0;
	}

	push(chunk: Uint8Array): string[] | 'too-long' {
		const lines: string[] = [];
		let start = 0;
		for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
			if (!this.#hold(chunk.subarray(start, end))) return 'too-long';
			lines.push(this.#held.toString('utf8', 0, this.#length));
			this.#held = Buffer.alloc(0);
			this.#length = 0;
			start = end + 1;
		}
		return this.#hold(chunk.subarray(start)) ? lines : 'too-long';
	}

	/** Copied: a piece of one byte would keep all of what it was read into. */
	#hold(piece: Uint8Array): boolean {
		const length = this.#length + piece.length;
		if (length > this.#maxBytes) return false;
		if (length > this.#held.length) {
			const larger = Buffer.allocUnsafeSlow(
				Math.min(Math.max(length, 2 * this.#held.length), this.#maxBytes),
			);
			this.#held.copy(larger, 0, 0, this.#length);
			this.#held = larger;
		}
		this.#held.set(piece, this.#length);
		this.#length = length;
		return true;
	}
}
