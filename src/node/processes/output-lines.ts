/**
 * Owns the way of a child process's words into the node's log, line by line.
 * Promises that no child can fill the log or the memory: long lines are cut and many lines are dropped, both said.
 * What was not a whole line when the child died is logged at its end.
 */

import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';

const longestLine = 4096;
const linesPerSecond = 200;
/** How many lines are remembered, to tell why a child died. */
const remembered = 10;

/** How many lines a child may still log in this second. */
export class LineBudget {
	readonly #clock: Clock;
	readonly #log: Log;
	#windowStart = Number.NEGATIVE_INFINITY;
	#lines = 0;
	#dropped = 0;

	constructor(options: { clock: Clock; log: Log }) {
		this.#clock = options.clock;
		this.#log = options.log;
	}

	take(): boolean {
		const now = this.#clock.monotonic();
		if (now - this.#windowStart >= 1000) {
			this.flush();
			this.#windowStart = now;
			this.#lines = 0;
		}
		this.#lines += 1;
		if (this.#lines <= linesPerSecond) return true;
		this.#dropped += 1;
		return false;
	}

	/** Says how many lines were dropped, if any were. */
	flush(): void {
		if (this.#dropped === 0) return;
		this.#log.warn(
			{ dropped: this.#dropped },
			`more than ${linesPerSecond} lines a second: some were dropped`,
		);
		this.#dropped = 0;
	}
}

export class OutputLines {
	readonly #log: Log;
	readonly #budget: LineBudget;
	readonly #decoder = new StringDecoder('utf8');
	#line = '';
	#cut = 0;
	#last: string[] = [];
	#fatal: string | undefined;

	constructor(options: { log: Log; budget: LineBudget }) {
		this.#log = options.log;
		this.#budget = options.budget;
	}

	/** The last lines, joined; where the runtime itself gave up, its own words: it prints its whole stack after them. */
	get last(): string {
		return this.#fatal ?? this.#last.join('\n');
	}

	write(chunk: Buffer): void {
		const [first = '', ...rest] = this.#decoder.write(chunk).split('\n');
		this.#extend(first);
		for (const piece of rest) {
			this.#finish();
			this.#extend(piece);
		}
	}

	end(): void {
		this.#extend(this.#decoder.end());
		if (this.#line !== '') this.#finish();
	}

	#extend(piece: string): void {
		const room = longestLine - this.#line.length;
		this.#line += piece.slice(0, room);
		this.#cut += Math.max(0, piece.length - room);
	}

	#finish(): void {
		const line = this.#cut > 0 ? `${this.#line}… (${this.#cut} more characters)` : this.#line;
		this.#line = '';
		this.#cut = 0;
		if (line.startsWith('FATAL ERROR: ')) this.#fatal = line;
		this.#last.push(line);
		if (this.#last.length > remembered) this.#last.shift();
		if (this.#budget.take()) this.#log.info(line);
	}
}
