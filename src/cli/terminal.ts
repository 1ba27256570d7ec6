/**
 * Owns the terminal as a whole screen: keys as they are pressed, its size, and drawing anywhere on it.
 * Promises that it is given back as it was, cursor, echo and earlier lines included, however the program ends, save by SIGKILL.
 * Nothing here outlives the process.
 */

export type Terminal = {
	size(): { readonly columns: number; readonly rows: number };
	/** Takes the screen; the answer gives it back, and may be called twice. */
	open(on: { key(key: string): void; resize(): void }): () => void;
	/** As it is: whoever draws has neutralised what it draws. */
	write(text: string): void;
};

type Input = {
	setRawMode(isRaw: boolean): unknown;
	resume(): unknown;
	pause(): unknown;
	on(event: 'data', listener: (data: Buffer) => void): unknown;
	off(event: 'data', listener: (data: Buffer) => void): unknown;
};
type Output = {
	readonly columns?: number;
	readonly rows?: number;
	write(text: string): unknown;
	on(event: 'resize', listener: () => void): unknown;
	off(event: 'resize', listener: () => void): unknown;
};

/** Another screen than that of the shell, without a cursor. */
const enter = '\u001b[?1049h\u001b[?25l\u001b[2J';
const leave = '\u001b[?25h\u001b[?1049l';

/** `onExit`: calls back when the process ends, whatever ends it; the answer takes it off. */
export function terminalOn(
	input: Input,
	output: Output,
	onExit: (listener: () => void) => () => void,
): Terminal {
	return {
		// One that was never given a size says 0.
		size: () => ({ columns: output.columns || 80, rows: output.rows || 24 }),
		write: (text) => void output.write(text),
		open(on) {
			const onData = (data: Buffer) => {
				for (const key of keysIn(data.toString('utf8'))) on.key(key);
			};
			let isOpen = true;
			const close = () => {
				if (!isOpen) return;
				isOpen = false;
				offExit();
				input.off('data', onData);
				output.off('resize', on.resize);
				output.write(leave);
				input.setRawMode(false);
				input.pause();
			};
			const offExit = onExit(close);
			input.setRawMode(true);
			input.on('data', onData);
			input.resume();
			output.on('resize', on.resize);
			output.write(enter);
			return close;
		},
	};
}

const named: Readonly<Record<string, string>> = {
	'\u001b[A': 'up',
	'\u001b[B': 'down',
	'\u001bOA': 'up',
	'\u001bOB': 'down',
	'\u001b[5~': 'pageup',
	'\u001b[6~': 'pagedown',
	'\u001b[H': 'home',
	'\u001b[F': 'end',
	'\u001b[1~': 'home',
	'\u001b[4~': 'end',
	'\u001b': 'escape',
	'\r': 'enter',
	'\n': 'enter',
	'\u007f': 'backspace',
	'\b': 'backspace',
	'\u0003': 'interrupt',
	'\u0004': 'interrupt',
};

/** What came at once may be several keys; a sequence that nobody knows is none. */
export function keysIn(text: string): string[] {
	const parts = text.match(/\u001b(?:\[[0-?]*[ -/]*[@-~]|O[A-Z])?|[^\u001b]/gu) ?? [];
	return parts.flatMap((part) => named[part] ?? (/^\P{C}$/u.test(part) ? part : []));
}
