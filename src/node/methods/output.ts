/**
 * Owns the summary of one output stream: its head, its tail, its length, its digest.
 * Promises bounded memory whatever comes, text that stays text (no character is cut in two), and an honest count of
 * what is missing.
 * Lives and dies with one run; the summary is recorded with the run's outcome.
 */

import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type OutputSummary, outputEdgeBytes } from '../../domain/result.ts';

/** Collects one output stream. `edgeBytes` is the most that head and tail hold, each. */
export class OutputCollector {
	readonly #edgeBytes: number;
	readonly #digest = createHash('sha256');
	#head = Buffer.alloc(0);
	/** The last bytes after the head: a ring, once it is full. */
	#ring = Buffer.alloc(0);
	#ringStart = 0;
	#bytes = 0;
	#isText = true;
	/** The bytes of a character whose rest has not come yet: three at most. */
	#unfinished = Buffer.alloc(0);

	constructor(edgeBytes: number = outputEdgeBytes) {
		this.#edgeBytes = edgeBytes;
	}

	write(chunk: Buffer): void {
		this.#digest.update(chunk);
		this.#bytes += chunk.length;
		this.#checkText(chunk);
		const toHead = Math.min(this.#edgeBytes - this.#head.length, chunk.length);
		if (toHead > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, toHead)]);
		this.#keepTail(chunk.subarray(toHead));
	}

	/** Call once, when the stream has ended. */
	summary(): OutputSummary {
		const isText = this.#isText && this.#unfinished.length === 0;
		const rest = Buffer.concat([
			this.#ring.subarray(this.#ringStart),
			this.#ring.subarray(0, this.#ringStart),
		]);
		const [head, tail] = isText ? this.#cutBetweenCharacters(rest) : [this.#head, rest];
		const encoding = isText ? 'utf8' : 'base64';
		return {
			head: head.toString(encoding),
			tail: tail.toString(encoding),
			bytes: this.#bytes,
			sha256: this.#digest.digest('hex'),
			encoding,
			cut: this.#bytes - head.length - tail.length,
		};
	}

	/** Where nothing is missing, the piece of a character at the end of the head goes on to the tail. */
	#cutBetweenCharacters(rest: Buffer): [head: Buffer, tail: Buffer] {
		const end = wholeCharacters(this.#head);
		const head = this.#head.subarray(0, end);
		const isWhole = this.#head.length + rest.length === this.#bytes;
		if (isWhole) return [head, Buffer.concat([this.#head.subarray(end), rest])];
		let start = 0;
		while (isContinuation(rest[start])) start += 1;
		return [head, rest.subarray(start)];
	}

	#keepTail(chunk: Buffer): void {
		const last = chunk.subarray(Math.max(0, chunk.length - this.#edgeBytes));
		const room = this.#edgeBytes - this.#ring.length;
		const appended = last.subarray(0, room);
		if (appended.length > 0) this.#ring = Buffer.concat([this.#ring, appended]);
		const replacing = last.subarray(appended.length);
		const untilEnd = Math.min(replacing.length, this.#edgeBytes - this.#ringStart);
		replacing.copy(this.#ring, this.#ringStart, 0, untilEnd);
		replacing.copy(this.#ring, 0, untilEnd);
		this.#ringStart = (this.#ringStart + replacing.length) % this.#edgeBytes;
	}

	#checkText(chunk: Buffer): void {
		if (!this.#isText) return;
		const text = this.#unfinished.length > 0 ? Buffer.concat([this.#unfinished, chunk]) : chunk;
		const end = wholeCharacters(text);
		this.#isText = isUtf8(text.subarray(0, end));
		this.#unfinished = Buffer.from(text.subarray(end));
	}
}

/** How many bytes of `text` are whole characters; the rest is the beginning of one. */
function wholeCharacters(text: Buffer): number {
	for (let back = 1; back <= Math.min(3, text.length); back += 1) {
		const byte = text[text.length - back] ?? 0;
		if (!isContinuation(byte)) return lengthByLead(byte) > back ? text.length - back : text.length;
	}
	return text.length;
}

function isContinuation(byte: number | undefined): boolean {
	return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** How long a character is that begins with `lead`, bytes. */
function lengthByLead(lead: number): number {
	if (lead >= 0xf0) return 4;
	if (lead >= 0xe0) return 3;
	return lead >= 0xc0 ? 2 : 1;
}
