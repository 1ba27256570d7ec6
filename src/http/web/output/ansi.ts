/**
 * Owns the reading of a terminal's language: which characters are text, and which steer.
 * Promises that text cut anywhere means the same as in one piece, that every escape which is not understood is dropped whole,
 * and that an escape without an end swallows a bounded piece only. Holds the beginning of an escape until its rest comes.
 */

import { neutralise } from '../../../base/text.ts';

/** What takes the pieces, in their order. */
export type TerminalSink = {
	/** Without any control character; what turns the direction of writing, or hides, is written out. */
	text(text: string): void;
	newline(): void;
	/** To this column, 0 for the first. */
	column(column: number): void;
	/** This many columns on; back where it is negative. */
	move(columns: number): void;
	tab(): void;
	/** 0: from here to the end of the line, 1: up to here, 2: all of it. */
	erase(what: number): void;
	/** `ESC [ <parameters> m` */
	rendition(parameters: string): void;
};

/** The longest control sequence that anybody means, and the longest string (a title, a link). */
const longestSequence = 128;
const longestString = 4096;

const stop = /[\u0000-\u001f\u007f-\u009f]/g;
/** A whole sequence of each kind, at the beginning of the text. */
const control = /^(?:\u001b\[|\u009b)([0-?]*)([ -/]*)([@-~])/;
const text =
	/^(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u009c|\u001b\\)/;
const short = /^\u001b[ -/]*[0-~]/;
const beginsControl = /^(?:\u001b\[|\u009b)[0-?]*[ -/]*$/;
const beginsText = /^(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*\u001b?$/;
const beginsShort = /^\u001b[ -/]*$/;

export class AnsiReader {
	readonly #sink: TerminalSink;
	#rest = '';

	constructor(sink: TerminalSink) {
		this.#sink = sink;
	}

	write(piece: string): void {
		const all = this.#rest + piece;
		this.#rest = '';
		let from = 0;
		while (from < all.length) {
			stop.lastIndex = from;
			const found = stop.exec(all);
			const end = found ? found.index : all.length;
			if (end > from) this.#sink.text(neutralise(all.slice(from, end)));
			if (!found) return;
			const used = this.#steer(all, end);
			if (used === undefined) {
				this.#rest = all.slice(end);
				return;
			}
			from = end + used;
		}
	}

	/** Nothing more comes: the beginning of an escape at the end is dropped. */
	end(): void {
		this.#rest = '';
	}

	/** How many characters the control at `at` has; undefined where its rest is still to come. */
	#steer(all: string, at: number): number | undefined {
		switch (all[at]) {
			case '\n':
				this.#sink.newline();
				return 1;
			case '\r':
				this.#sink.column(0);
				return 1;
			case '\b':
				this.#sink.move(-1);
				return 1;
			case '\t':
				this.#sink.tab();
				return 1;
			default:
				return this.#escape(all.slice(at, at + longestString));
		}
	}

	#escape(ahead: string): number | undefined {
		const sequence = control.exec(ahead);
		if (sequence && sequence[0].length <= longestSequence) {
			if (sequence[2] === '') this.#control(sequence[1] ?? '', sequence[3] ?? '');
			return sequence[0].length;
		}
		const whole = text.exec(ahead) ?? (isLong(ahead) ? null : short.exec(ahead));
		if (whole) return whole[0].length;
		if (ahead.length < longestSequence && (beginsControl.test(ahead) || beginsShort.test(ahead)))
			return undefined;
		if (ahead.length < longestString && beginsText.test(ahead)) return undefined;
		// No escape at all, or one that never ends: its first character alone goes.
		return 1;
	}

	#control(parameters: string, final: string): void {
		const first = Number.parseInt(parameters, 10);
		const count = Number.isNaN(first) ? 1 : first;
		switch (final) {
			case 'm':
				if (!/[<=>?]/.test(parameters)) this.#sink.rendition(parameters);
				return;
			case 'K':
				return this.#sink.erase(Number.isNaN(first) ? 0 : first);
			case 'G':
			case '`':
				return this.#sink.column(Math.max(0, count - 1));
			case 'C':
				return this.#sink.move(Math.max(1, count));
			case 'D':
				return this.#sink.move(-Math.max(1, count));
		}
	}
}

/** Of a kind that has more than one character behind ESC. */
function isLong(ahead: string): boolean {
	return ahead[0] !== '\u001b' || /[[\]PX^_]/.test(ahead[1] ?? '');
}
