/**
 * Owns taking secrets out of what a node says: of a stream of bytes, of texts, of values.
 * Promises that a secret which is cut in two by chunks is found: the last unfinished line is held back while there are
 * patterns, up to 8 KiB; of a longer line all but an overlap goes on. Bytes that match nothing pass as they are.
 * What is held back when the node dies is lost with it, and was said to nobody.
 */

import { compilePattern, redactedMark } from '../../domain/redaction.ts';
import type { FaultRecord } from '../../domain/result.ts';

/** How much of an unfinished line is held back, and how much of it stays held when it is longer. */
const longestHeld = 8 * 1024;
const overlap = 2 * 1024;

const nothing = Buffer.alloc(0);
const newline = 0x0a;

type Span = { start: number; end: number };

export class Redaction {
	readonly #patterns: readonly RegExp[];

	constructor(patterns: readonly string[]) {
		this.#patterns = patterns.map(compilePattern);
	}

	get isOff(): boolean {
		return this.#patterns.length === 0;
	}

	text(text: string): string {
		if (this.isOff) return text;
		const bytes = Buffer.from(text, 'utf8');
		const clean = this.bytes(bytes);
		return clean === bytes ? text : clean.toString('utf8');
	}

	/** The very bytes where they hold no secret. */
	bytes(bytes: Buffer): Buffer {
		if (this.isOff) return bytes;
		const text = bytes.toString('latin1');
		const spans = this.spans(text);
		return spans.length === 0 ? bytes : Buffer.from(replace(text, spans), 'latin1');
	}

	/** Every text within a JSON value, names of fields included. */
	value(value: unknown): unknown {
		if (this.isOff) return value;
		if (typeof value === 'string') return this.text(value);
		if (typeof value !== 'object' || value === null) return value;
		if (Array.isArray(value)) return value.map((item) => this.value(item));
		return Object.fromEntries(
			Object.entries(value).map(([key, field]) => [this.text(key), this.value(field)]),
		);
	}

	fault<Fault extends FaultRecord | null>(fault: Fault): Fault {
		return fault && { ...fault, message: this.text(fault.message) };
	}

	/** Where secrets are, in order and apart from each other. `text` is bytes as latin1. */
	spans(text: string): Span[] {
		const found = this.#patterns.flatMap((pattern) =>
			[...text.matchAll(pattern)].map((match) => ({
				start: match.index,
				end: match.index + match[0].length,
			})),
		);
		const spans: Span[] = [];
		// A pattern may match nothing at all at some place (`\b`): nothing is replaced there.
		for (const span of found.filter(({ start, end }) => end > start).sort((a, b) => a.start - b.start)) {
			const last = spans.at(-1);
			if (last && span.start < last.end) last.end = Math.max(last.end, span.end);
			else spans.push(span);
		}
		return spans;
	}
}

/** One stream of bytes on its way through. */
export class StreamRedactor {
	readonly #redaction: Redaction;
	#held = nothing;
	/** A secret is longer than what can be held: the rest of its line goes with it. */
	#swallows = false;

	constructor(redaction: Redaction) {
		this.#redaction = redaction;
	}

	/** What can be said by now. */
	push(chunk: Buffer): Buffer {
		if (this.#redaction.isOff) return chunk;
		const text = this.#afterSwallowed(Buffer.concat([this.#held, chunk]));
		const lines = text.lastIndexOf(newline) + 1;
		const said = this.#clean(text.subarray(0, lines));
		this.#held = Buffer.from(text.subarray(lines));
		if (this.#held.length <= longestHeld) return said;
		return Buffer.concat([said, this.#shorten()]);
	}

	/** The rest, when the stream has ended. */
	end(): Buffer {
		const rest = this.#clean(this.#held);
		this.#held = nothing;
		return rest;
	}

	/** All of the held line but the overlap; a secret that reaches into the overlap is held whole, if it can be. */
	#shorten(): Buffer {
		const text = this.#held.toString('latin1');
		const cut = text.length - overlap;
		const spans = this.#redaction.spans(text);
		const astride = spans.find(({ start, end }) => start < cut && end > cut);
		if (astride && astride.end === text.length && text.length - astride.start > longestHeld) {
			this.#swallows = true;
			this.#held = nothing;
			return Buffer.from(replace(text, spans), 'latin1');
		}
		// A secret that goes on to the end may be longer than what is here: it waits for more.
		const to = astride ? (astride.end === text.length ? astride.start : astride.end) : cut;
		this.#held = this.#held.subarray(to);
		return Buffer.from(
			replace(
				text.slice(0, to),
				spans.filter(({ end }) => end <= to),
			),
			'latin1',
		);
	}

	#afterSwallowed(text: Buffer): Buffer {
		if (!this.#swallows) return text;
		const end = text.indexOf(newline);
		if (end < 0) return nothing;
		this.#swallows = false;
		return text.subarray(end);
	}

	#clean(bytes: Buffer): Buffer {
		if (bytes.length === 0) return bytes;
		return this.#redaction.bytes(bytes);
	}
}

function replace(text: string, spans: readonly Span[]): string {
	let from = 0;
	const parts: string[] = [];
	for (const { start, end } of spans) {
		parts.push(text.slice(from, start), redactedMark);
		from = end;
	}
	return [...parts, text.slice(from)].join('');
}
