/**
 * Owns the reading of inmsg.txt as bytes: where each JSON value begins and ends, and what is broken in between.
 * Promises that no byte is skipped unless it is white space, a byte order mark or a comma between values, and that
 * memory does not grow with the input: it keeps positions and open brackets, never the text.
 * Pure; after a crash the same bytes give the same positions.
 */

/** A value larger than this is rejected. */
export const maxValueBytes = 8 * 1024 * 1024;
/** A value nested deeper than this is rejected. */
export const maxDepth = 128;

/** Bytes `start` to `end` (exclusive): a balanced array or object, or text that can never become one. */
export type Span =
	| { readonly kind: 'value'; readonly start: number; readonly end: number }
	| { readonly kind: 'broken'; readonly start: number; readonly end: number; readonly problem: string };

/** What stands at the end: nothing, a value that may still be finished, or broken text without its line's end. */
export type Rest =
	| { readonly kind: 'blank'; readonly start: number }
	| { readonly kind: 'unfinished'; readonly start: number; readonly resume?: number }
	| {
			readonly kind: 'brokenTail';
			readonly start: number;
			readonly problem: string;
			readonly lineEnded: boolean;
	  };

type State =
	| 'blank'
	| 'mark1'
	| 'mark2'
	| 'value'
	| 'valueOrEnd'
	| 'key'
	| 'keyOrEnd'
	| 'colon'
	| 'commaOrEnd'
	| 'atom'
	| 'string'
	| 'escape'
	| 'skip';

const newline = 0x0a;
const quote = 0x22;
const comma = 0x2c;
const openArray = 0x5b;
const openObject = 0x7b;

const isBlank = (byte: number) => byte === 0x20 || byte === newline || byte === 0x0d || byte === 0x09;
const isOpen = (byte: number) => byte === openArray || byte === openObject;
const isLetter = (byte: number) => (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a);
const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;
/** Bytes of numbers, true, false, null; whether they are spelt right is JSON.parse's to say. */
const isAtom = (byte: number) =>
	isDigit(byte) || isLetter(byte) || byte === 0x2d || byte === 0x2b || byte === 0x2e;

/** The next byte of a string, from `at`, that means something: its end, an escape, a control character. */
function endOfPlainText(bytes: Uint8Array, at: number): number {
	for (let index = at; index < bytes.length; index += 1) {
		const byte = bytes[index] ?? quote;
		if (byte === quote || byte === 0x5c || byte < 0x20) return index;
	}
	return bytes.length;
}

/**
 * Finds the next value. After something broken, reading goes on at the next line that begins with `[` or `{`:
 * that may lie inside what was broken, because a line that was cut short swallows the lines after it.
 */
export class ValueScanner {
	#state: State = 'blank';
	#stack: number[] = [];
	#inKey = false;
	#previous = 0;
	#offset: number;
	#start: number;
	#resume: number | undefined;
	#problem = '';

	constructor(offset: number) {
		this.#offset = offset;
		this.#start = offset;
	}

	/** Reads on; answers the first span that ends in `bytes`. Then a new scanner goes on at the span's end. */
	feed(bytes: Uint8Array): Span | undefined {
		const base = this.#offset;
		for (let at = 0; at < bytes.length; at += 1) {
			if (this.#state === 'string') at = endOfPlainText(bytes, at);
			const byte = bytes[at];
			this.#offset = base + at;
			if (byte === undefined) return undefined;
			const span = this.#step(byte);
			if (span) return span;
			this.#previous = byte;
		}
		this.#offset = base + bytes.length;
		return undefined;
	}

	/** What stands at the end of all that was read. */
	rest(): Rest {
		const start = this.#start;
		if (this.#state === 'blank') return { kind: 'blank', start: this.#offset };
		if (this.#state !== 'skip') {
			return this.#resume === undefined
				? { kind: 'unfinished', start }
				: { kind: 'unfinished', start, resume: this.#resume };
		}
		return { kind: 'brokenTail', start, problem: this.#problem, lineEnded: this.#previous === newline };
	}

	#step(byte: number): Span | undefined {
		const state = this.#state;
		if (state === 'string') {
			if (byte === quote) this.#state = this.#inKey ? 'colon' : 'commaOrEnd';
			else if (byte === 0x5c) this.#state = 'escape';
			else if (byte < 0x20) return this.#break('a string has a line break or control character in it');
			return undefined;
		}
		if (state === 'escape') {
			if (byte < 0x20) return this.#break('a string has a line break or control character in it');
			this.#state = 'string';
			return undefined;
		}
		if (isOpen(byte) && this.#previous === newline && state !== 'blank') {
			if (state === 'skip') return this.#broken(this.#offset);
			this.#resume ??= this.#offset;
		}
		if (state === 'skip') return undefined;
		if (state === 'blank' || state === 'mark1' || state === 'mark2') return this.#between(byte);
		if (state === 'atom') {
			if (isAtom(byte)) return undefined;
			this.#state = 'commaOrEnd';
		}
		return isBlank(byte) ? undefined : this.#inside(byte);
	}

	#between(byte: number): Span | undefined {
		if (this.#state === 'blank') {
			if (isBlank(byte) || byte === comma) return undefined;
			this.#start = this.#offset;
			if (isOpen(byte)) this.#open(byte);
			else if (byte === 0xef) this.#state = 'mark1';
			else return this.#break('expected a message in {…} or messages in […]');
			return undefined;
		}
		const expected = this.#state === 'mark1' ? 0xbb : 0xbf;
		if (byte !== expected) return this.#break('expected a message in {…} or messages in […]');
		this.#state = this.#state === 'mark1' ? 'mark2' : 'blank';
		return undefined;
	}

	#inside(byte: number): Span | undefined {
		switch (this.#state) {
			case 'valueOrEnd':
				if (byte === 0x5d) return this.#close();
				return this.#value(byte);
			case 'value':
				return this.#value(byte);
			case 'keyOrEnd':
				if (byte === 0x7d) return this.#close();
				return this.#key(byte);
			case 'key':
				return this.#key(byte);
			case 'colon':
				if (byte !== 0x3a) return this.#break('expected ":" after a field name');
				this.#state = 'value';
				return undefined;
			default: {
				const inArray = this.#stack.at(-1) === openArray;
				if (byte === comma) this.#state = inArray ? 'value' : 'key';
				else if (byte === (inArray ? 0x5d : 0x7d)) return this.#close();
				else return this.#break(`expected "," or "${inArray ? ']' : '}'}"`);
				return undefined;
			}
		}
	}

	#value(byte: number): Span | undefined {
		if (isOpen(byte)) {
			if (this.#stack.length >= maxDepth) return this.#break(`nested deeper than ${maxDepth}`);
			this.#open(byte);
		} else if (byte === quote) {
			this.#inKey = false;
			this.#state = 'string';
		} else if (isDigit(byte) || byte === 0x2d || byte === 0x74 || byte === 0x66 || byte === 0x6e) {
			this.#state = 'atom';
		} else return this.#break('expected a value');
		return undefined;
	}

	#key(byte: number): Span | undefined {
		if (byte !== quote) return this.#break('expected a field name in double quotes');
		this.#inKey = true;
		this.#state = 'string';
		return undefined;
	}

	#open(byte: number): void {
		this.#stack.push(byte);
		this.#state = byte === openArray ? 'valueOrEnd' : 'keyOrEnd';
	}

	#close(): Span | undefined {
		this.#stack.pop();
		this.#state = 'commaOrEnd';
		if (this.#stack.length > 0) return undefined;
		const [start, end] = [this.#start, this.#offset + 1];
		if (end - start <= maxValueBytes) return { kind: 'value', start, end };
		return { kind: 'broken', start, end, problem: `larger than ${maxValueBytes / 1024 / 1024} MiB` };
	}

	#break(problem: string): Span | undefined {
		this.#problem = `${problem} (at byte ${this.#offset})`;
		this.#state = 'skip';
		return this.#resume === undefined ? undefined : this.#broken(this.#resume);
	}

	#broken(end: number): Span {
		return { kind: 'broken', start: this.#start, end, problem: this.#problem };
	}
}
