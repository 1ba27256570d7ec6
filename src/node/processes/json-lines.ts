/**
 * Owns the form in which a node and the child process of a module talk: one JSON text a line, over a pipe each way.
 * Promises that no message above the bound is held or parsed, whoever wrote it: a module can write what it likes.
 * What was on its way when a side dies is lost; the other side sees its pipe close.
 */

import type { Readable, Writable } from 'node:stream';

/** The largest message that a module may send, bytes. What steward itself sends for it is bounded to less. */
export const largestMessageBytes = 1024 * 1024;

/** Pipes of the child process of a module, beside its stdin, stdout and stderr. */
export const toModuleFd = 3;
export const fromModuleFd = 4;

const newline = 0x0a;
/** Pieces of a message that are held apart: each takes more than its bytes. */
const mostPieces = 64;

export type Reading = {
	readonly largestBytes: number;
	/** Called with each message; undefined where it is no JSON. */
	readonly hear: (message: unknown) => void;
	/** Called once, and nothing is heard any more. */
	readonly onTooLarge: () => void;
};

export function readMessages(source: Readable, { largestBytes, hear, onTooLarge }: Reading): void {
	let pieces: Buffer[] = [];
	let held = 0;
	const take = (chunk: Buffer) => {
		for (let from = 0; from < chunk.length; ) {
			const end = chunk.indexOf(newline, from);
			const piece = chunk.subarray(from, end < 0 ? chunk.length : end);
			held += piece.length;
			if (held > largestBytes) {
				source.off('data', take);
				pieces = [];
				return onTooLarge();
			}
			pieces.push(piece);
			if (pieces.length > mostPieces) pieces = [Buffer.concat(pieces)];
			if (end < 0) return;
			const text = Buffer.concat(pieces).toString('utf8');
			pieces = [];
			held = 0;
			from = end + 1;
			hear(parsed(text));
		}
	};
	source.on('data', take);
}

/** Calls `then` when it is written, or cannot be. */
export function writeMessage(target: Writable, json: string, then: (error?: Error | null) => void): void {
	target.write(`${json}\n`, then);
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
