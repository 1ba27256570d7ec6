/**
 * Owns what output looks like once a terminal would have shown it: lines of styled spans, stdout and stderr in the order in which they came.
 * Promises bounded memory whatever comes: the last lines are kept, and it says how many are not; a line that is too long goes on in the next.
 * A character or an escape that is cut between two chunks is put together. Lives with the page.
 */

import { AnsiReader, type TerminalSink } from './ansi.ts';
import { plain, restyled, type TextStyle } from './style.ts';

type StreamName = 'stdout' | 'stderr';
export type Span = { readonly text: string; readonly style: TextStyle };
/** `note`: not of the output, but about it: an attempt that begins, something that is missing. */
export type Line = {
	/** 1 for the first that ever came. */
	readonly number: number;
	readonly from: StreamName | 'note';
	readonly spans: readonly Span[];
};

type OpenLine = { number: number; from: StreamName | 'note'; spans: Span[]; length: number };

/** Kept: this many lines, and as much as this many characters weigh (a span and a line weigh something themselves). */
export const keptLines = 50_000;
const keptWeight = 16 * 1024 * 1024;
const weightOfSpan = 48;
const weightOfLine = 64;
/** Characters of one line, and spans; the rest goes on in the next line. */
const longestLine = 8192;
const mostSpans = 1024;
const tabWidth = 8;

export class OutputScreen {
	/** The oldest first. May have room before it: {@link lines}. */
	#lines: OpenLine[] = [];
	#next = 1;
	#weight = 0;
	#dropped = 0;
	readonly #ends: Record<StreamName, StreamEnd>;

	constructor() {
		this.#ends = { stdout: new StreamEnd(this, 'stdout'), stderr: new StreamEnd(this, 'stderr') };
	}

	/** In the order in which they began. */
	get lines(): readonly Line[] {
		return this.#lines;
	}

	/** Lines at the beginning that are kept no more. */
	get dropped(): number {
		return this.#dropped;
	}

	/** Lines that ever began. */
	get total(): number {
		return this.#dropped + this.#lines.length;
	}

	write(stream: StreamName, bytes: Uint8Array): void {
		this.#ends[stream].write(bytes);
		this.#trim();
	}

	/** A line about the output. What comes behind it begins a line of its own. */
	note(text: string): void {
		for (const end of Object.values(this.#ends)) end.close();
		const line = this.begin('note');
		line.spans.push({ text, style: plain });
		this.#trim();
	}

	/** Of a stream's end. */
	begin(from: OpenLine['from']): OpenLine {
		const line: OpenLine = { number: this.#next, from, spans: [], length: 0 };
		this.#next += 1;
		this.#weight += weightOfLine;
		this.#lines.push(line);
		return line;
	}

	/** Of a stream's end: how much heavier a line has become. */
	weigh(more: number): void {
		this.#weight += more;
	}

	#trim(): void {
		if (this.#lines.length <= keptLines && this.#weight <= keptWeight) return;
		let drop = 0;
		// A tenth at once, so that the rest is not moved for each line.
		const [lines, weight] = [keptLines * 0.9, keptWeight * 0.9];
		while (this.#lines.length - drop > lines || this.#weight > weight) {
			const line = this.#lines[drop];
			if (!line || drop === this.#lines.length - 1) break;
			this.#weight -= weightOf(line);
			drop += 1;
		}
		const gone = this.#lines.splice(0, drop);
		this.#dropped += drop;
		for (const end of Object.values(this.#ends)) end.forget(gone.at(-1)?.number ?? 0);
	}
}

function weightOf({ spans, length }: OpenLine): number {
	return weightOfLine + spans.length * weightOfSpan + length;
}

/** One stream: its decoder, its style, the line that it writes on. */
class StreamEnd implements TerminalSink {
	readonly #screen: OutputScreen;
	readonly #name: StreamName;
	readonly #reader = new AnsiReader(this);
	#decoder = new TextDecoder();
	#style: TextStyle = plain;
	#line: OpenLine | undefined;
	#column = 0;

	constructor(screen: OutputScreen, name: StreamName) {
		this.#screen = screen;
		this.#name = name;
	}

	write(bytes: Uint8Array): void {
		this.#reader.write(this.#decoder.decode(bytes, { stream: true }));
	}

	/** What comes next has nothing to do with what came. */
	close(): void {
		const rest = this.#decoder.decode();
		if (rest !== '') this.#reader.write(rest);
		this.#reader.end();
		this.#decoder = new TextDecoder();
		this.#style = plain;
		this.#line = undefined;
		this.#column = 0;
	}

	/** Lines up to `number` are kept no more. */
	forget(number: number): void {
		if (this.#line && this.#line.number <= number) this.newline();
	}

	text(text: string): void {
		for (let from = 0; from < text.length; ) {
			if (this.#column >= longestLine || (this.#line?.spans.length ?? 0) >= mostSpans) this.newline();
			const piece = text.slice(from, from + longestLine - this.#column);
			from += piece.length;
			this.#put(piece);
		}
	}

	newline(): void {
		if (!this.#line) this.#screen.begin(this.#name);
		this.#line = undefined;
		this.#column = 0;
	}

	column(column: number): void {
		this.#column = Math.min(column, longestLine - 1);
	}

	move(columns: number): void {
		this.column(Math.max(0, this.#column + columns));
	}

	tab(): void {
		this.text(' '.repeat(tabWidth - (this.#column % tabWidth)));
	}

	rendition(parameters: string): void {
		this.#style = restyled(this.#style, parameters);
	}

	erase(what: number): void {
		const line = this.#line;
		if (!line) return;
		const before = weightOf(line);
		if (what === 0) replace(line, this.#column, line.length, []);
		else if (what === 1) {
			const end = Math.min(this.#column + 1, line.length);
			replace(line, 0, end, [{ text: ' '.repeat(end), style: plain }]);
		} else replace(line, 0, line.length, []);
		this.#screen.weigh(weightOf(line) - before);
	}

	#put(text: string): void {
		this.#line ??= this.#screen.begin(this.#name);
		const line = this.#line;
		const before = weightOf(line);
		const span = { text, style: this.#style };
		if (this.#column === line.length) append(line, span);
		else {
			const gap = this.#column - line.length;
			if (gap > 0) append(line, { text: ' '.repeat(gap), style: plain });
			replace(line, this.#column, Math.min(this.#column + text.length, line.length), [span]);
		}
		this.#column += text.length;
		this.#screen.weigh(weightOf(line) - before);
	}
}

function append(line: OpenLine, span: Span): void {
	const last = line.spans.at(-1);
	if (last && last.style === span.style)
		line.spans[line.spans.length - 1] = { text: last.text + span.text, style: span.style };
	else line.spans.push(span);
	line.length += span.text.length;
}

/** What stands from `from` to `to` makes room for `spans`. */
function replace(line: OpenLine, from: number, to: number, spans: readonly Span[]): void {
	const old = line.spans;
	line.spans = [];
	line.length = 0;
	for (const span of [...piece(old, 0, from), ...spans, ...piece(old, to, Number.POSITIVE_INFINITY)])
		append(line, span);
}

function piece(spans: readonly Span[], from: number, to: number): Span[] {
	const found: Span[] = [];
	let at = 0;
	for (const { text, style } of spans) {
		const part = text.slice(Math.max(0, from - at), Math.max(0, to - at));
		if (part !== '') found.push({ text: part, style });
		at += text.length;
	}
	return found;
}
