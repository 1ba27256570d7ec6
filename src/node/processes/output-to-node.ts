/**
 * Owns the way of one run's output from a module to its node: pieces that the node answers, a few at a time.
 * Promises that a flood waits here, where it was made, and never in the node; and that pieces arrive in order.
 * What was not answered when either side dies is lost.
 */

import { largestChunkBytes, type OutputStream } from '../../domain/output.ts';

/** Pieces of one run without an answer at once. */
export const piecesUnderWay = 8;

export type OutputPiece = {
	readonly piece: number;
	readonly stream: OutputStream;
	/** base64 */
	readonly data: string;
};

type Waiting = { readonly stream: OutputStream; readonly bytes: Buffer; readonly done: () => void };

export class OutputToNode {
	readonly #say: (piece: OutputPiece) => void;
	#waiting: Waiting[] = [];
	readonly #underWay = new Map<number, () => void>();
	#last = 0;
	#tellDrained: () => void = () => undefined;

	constructor(say: (piece: OutputPiece) => void) {
		this.#say = say;
	}

	/** Resolves when the node has taken it. */
	async write(chunk: string | Uint8Array, stream: OutputStream): Promise<void> {
		const bytes = Buffer.from(chunk);
		const pieces: Promise<void>[] = [];
		// Nothing at all is a piece as well: it says that there is an output.
		for (let at = 0; at === 0 || at < bytes.length; at += largestChunkBytes) {
			const piece = bytes.subarray(at, at + largestChunkBytes);
			pieces.push(new Promise((done) => this.#waiting.push({ stream, bytes: piece, done })));
		}
		this.#pump();
		await Promise.all(pieces);
	}

	/** The node's answer. */
	taken(piece: number): void {
		this.#underWay.get(piece)?.();
		this.#underWay.delete(piece);
		this.#pump();
		if (this.#underWay.size === 0) this.#tellDrained();
	}

	/** Resolves when the node has taken everything. */
	async drained(): Promise<void> {
		if (this.#underWay.size === 0) return;
		await new Promise<void>((resolve) => {
			this.#tellDrained = resolve;
		});
	}

	#pump(): void {
		while (this.#underWay.size < piecesUnderWay) {
			const next = this.#waiting.shift();
			if (!next) return;
			this.#last += 1;
			this.#underWay.set(this.#last, next.done);
			this.#say({ piece: this.#last, stream: next.stream, data: next.bytes.toString('base64') });
		}
	}
}
