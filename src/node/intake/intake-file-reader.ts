/**
 * Owns the walk over one taken file: 64 KiB at a time, from span to span.
 * Promises to look at no byte beyond the size it was given, and to hold no more than one chunk and one value.
 * Reads only; after a crash the walk begins again at the stored position.
 */

import type { FileHandle } from 'node:fs/promises';
import { maxValueBytes, type Rest, type Span, ValueScanner } from './intake-file-parser.ts';

const chunkBytes = 64 * 1024;

export class SpanReader {
	readonly #file: FileHandle;
	readonly #size: number;
	readonly #isFinal: boolean;
	#position: number;
	#chunk: Uint8Array = new Uint8Array(0);
	#chunkStart = 0;

	/** `isFinal`: nothing more will come, so what is unfinished at the end counts as broken. */
	constructor(file: FileHandle, options: { from: number; size: number; isFinal: boolean }) {
		this.#file = file;
		this.#position = options.from;
		this.#size = options.size;
		this.#isFinal = options.isFinal;
	}

	/** The next value or broken text, or what stands at the end. Goes on behind it. */
	async next(): Promise<Span | Rest> {
		const scanner = new ValueScanner(this.#position);
		let at = this.#position;
		while (at < this.#size) {
			const bytes = await this.#bytesAt(at);
			if (bytes.length === 0) break;
			const span = scanner.feed(bytes);
			if (span) {
				this.#position = span.end;
				return span;
			}
			at += bytes.length;
		}
		return this.#atEnd(scanner.rest(), at);
	}

	/** Makes `next` go on at `position`. */
	seek(position: number): void {
		this.#position = position;
	}

	/** The bytes `start` to `end`, at most one value's worth. */
	async read(start: number, end: number): Promise<Uint8Array> {
		const offset = start - this.#chunkStart;
		if (offset >= 0 && end - this.#chunkStart <= this.#chunk.length)
			return this.#chunk.subarray(offset, offset + end - start);
		const bytes = new Uint8Array(end - start);
		let done = 0;
		while (done < bytes.length) {
			const { bytesRead } = await this.#file.read(bytes, done, bytes.length - done, start + done);
			if (bytesRead === 0) break;
			done += bytesRead;
		}
		return bytes.subarray(0, done);
	}

	#atEnd(rest: Rest, end: number): Span | Rest {
		if (rest.kind === 'blank') return rest;
		const waits = rest.kind === 'unfinished' || (!rest.lineEnded && end - rest.start <= maxValueBytes);
		if (waits && !this.#isFinal) return rest;
		const problem = rest.kind === 'brokenTail' ? rest.problem : 'the value has no end';
		const brokenEnd = rest.kind === 'unfinished' ? (rest.resume ?? end) : end;
		this.#position = brokenEnd;
		return { kind: 'broken', start: rest.start, end: brokenEnd, problem };
	}

	async #bytesAt(position: number): Promise<Uint8Array> {
		const offset = position - this.#chunkStart;
		if (offset >= 0 && offset < this.#chunk.length) return this.#chunk.subarray(offset);
		this.#chunk = await this.read(position, Math.min(position + chunkBytes, this.#size));
		this.#chunkStart = position;
		return this.#chunk;
	}
}

/** Whether the file holds only whole values: then it can be taken at once, and nothing waits for its rest. */
export async function endsWhole(file: FileHandle, size: number): Promise<boolean> {
	const reader = new SpanReader(file, { from: 0, size, isFinal: false });
	for (;;) {
		const span = await reader.next();
		if (span.kind === 'unfinished') return false;
		if (span.kind === 'blank' || span.kind === 'brokenTail') return true;
	}
}
