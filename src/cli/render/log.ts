/**
 * Owns how a command's output is printed, piece by piece: each stream to its own screen.
 * Promises the bytes as they were to a pipe, at the pace of whoever reads it, nothing that steers a terminal, and a line
 * of its own on stderr for all that is missing.
 * Only writes.
 */

import { StringDecoder } from 'node:string_decoder';
import { counted, neutralise } from '../../base/text.ts';
import type { LogPiece } from '../../client/logs.ts';
import { type OutputStream, outputStreams } from '../../domain/output.ts';
import type { Screen } from './screen.ts';

export type LogPrinterOptions = {
	readonly stdout: Screen;
	readonly stderr: Screen;
	/** How the user calls this program. */
	readonly program: string;
	readonly handle: string;
	/** The bytes as they were, on a terminal as well. */
	readonly raw?: boolean;
};

const newline = 0x0a;

export class LogPrinter {
	readonly #options: LogPrinterOptions;
	readonly #texts: Readonly<Record<OutputStream, TerminalText | undefined>>;
	readonly #isMidLine: Record<OutputStream, boolean> = { stdout: false, stderr: false };

	constructor(options: LogPrinterOptions) {
		this.#options = options;
		const { stdout, stderr, raw = false } = options;
		const textFor = ({ isTTY }: Screen) => (isTTY && !raw ? new TerminalText() : undefined);
		this.#texts = { stdout: textFor(stdout), stderr: textFor(stderr) };
	}

	async print(piece: LogPiece): Promise<void> {
		switch (piece.kind) {
			case 'chunk': {
				const { stream, data } = piece;
				this.#isMidLine[stream] = data.at(-1) !== newline;
				const text = this.#texts[stream];
				return this.#options[stream].flow(text ? text.write(data) : data);
			}
			case 'attempt':
				if (piece.attempt > 1) this.#say(`attempt ${piece.attempt}`);
				return;
			case 'gap':
				return this.#say(gapText(piece));
			case 'end':
				for (const stream of outputStreams) this.#endText(stream);
				if (!piece.complete) this.#say(this.#whyIncomplete(piece.state));
		}
	}

	/** What was held back, and on a terminal the end of its line. */
	#endText(stream: OutputStream): void {
		const text = this.#texts[stream];
		if (!text) return;
		this.#options[stream].raw(`${text.end()}${this.#isMidLine[stream] ? '\n' : ''}`);
		this.#isMidLine[stream] = false;
	}

	/** On a line of its own. */
	#say(words: string): void {
		const { stdout, stderr } = this.#options;
		const isMidLine = this.#isMidLine.stderr || (stdout.isTTY && stderr.isTTY && this.#isMidLine.stdout);
		stderr.raw(`${isMidLine ? '\n' : ''}${stderr.paint('yellow', `[steward: ${words}]`)}\n`);
		this.#isMidLine.stderr = false;
		if (stderr.isTTY) this.#isMidLine.stdout = false;
	}

	#whyIncomplete(state: string): string {
		const { program, handle } = this.#options;
		if (['queued', 'scheduled', 'running', 'retrying'].includes(state)) {
			return `${handle} is ${state}: ${program} logs --follow ${handle} shows what comes`;
		}
		return `${handle} is ${state}, and its node may still owe some of the output: ask again when it is there`;
	}
}

function gapText({ stream, bytes, reason }: Extract<LogPiece, { kind: 'gap' }>): string {
	if (reason === 'cutOff') return 'the node died here: what was said last may be missing';
	const what = stream === null ? 'output' : stream;
	if (bytes === null) return `some of ${what} is missing here`;
	const why = reason === 'cut' ? ': the node had no room for them' : '';
	return `${counted(bytes, 'byte')} of ${what} ${bytes === 1 ? 'is' : 'are'} missing here${why}`;
}

/** Bytes as text for a terminal, whole characters at a time. */
class TerminalText {
	readonly #decoder = new StringDecoder('utf8');
	#held = '';

	write(data: Uint8Array): string {
		const text = this.#held + this.#decoder.write(Buffer.from(data));
		// It may be the first half of a line's end.
		this.#held = text.endsWith('\r') ? '\r' : '';
		return neutralise(text.slice(0, text.length - this.#held.length));
	}

	/** What is left. */
	end(): string {
		return neutralise(this.#held + this.#decoder.end());
	}
}
