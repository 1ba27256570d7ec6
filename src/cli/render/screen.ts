/**
 * Owns what the commands print to: a stream, its width, its colours, and what must not reach a terminal.
 * Promises colours only where a person looks, and that no line steers the terminal, or what shows the file later.
 * Writes go out in order; the process ends after the last one.
 */

import { neutralise, oneLine } from '../../base/text.ts';

const styles = {
	bold: [1, 22],
	dim: [2, 22],
	red: [31, 39],
	green: [32, 39],
	yellow: [33, 39],
	cyan: [36, 39],
} as const;
export type Style = keyof typeof styles;

export type Screen = {
	readonly isTTY: boolean;
	/** Characters in a line; infinite where nobody looks. */
	readonly columns: number;
	/** One or more whole lines. Whatever is not our own colour steers nothing, at a terminal and in a pipe. */
	line(text?: string): void;
	/** As it is, bytes included. */
	raw(data: string | Uint8Array): void;
	/** As `raw`; resolves when there may be more: whoever reads slowly is waited for. */
	flow(data: string | Uint8Array): Promise<void>;
	/** One line that the next one writes over, empty to be gone; nothing where nobody looks. */
	status(text: string): void;
	paint(style: Style | undefined, text: string): string;
};

type Stream = {
	/** False when it is better to wait for `drain`. */
	write(data: string | Uint8Array): unknown;
	once?(event: 'drain', listener: () => void): unknown;
	isTTY?: boolean;
	columns?: number;
};

export function screenOn(stream: Stream, env: Readonly<Record<string, string | undefined>>): Screen {
	const isTTY = stream.isTTY === true;
	// A terminal that was never given a size says 0.
	const columns = isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY;
	const coloured = isTTY && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
	const safe = coloured ? exceptColours : neutralise;
	return {
		isTTY,
		columns,
		line: (text = '') => void stream.write(`${safe(text)}\n`),
		raw: (data) => void stream.write(data),
		flow: async (data) => {
			if (stream.write(data) !== false || !stream.once) return;
			await new Promise<void>((resolve) => stream.once?.('drain', resolve));
		},
		status: (text) => {
			if (isTTY) stream.write(`\r\u001b[2K${truncate(oneLine(text), columns - 1)}`);
		},
		paint: (style, text) => {
			if (!coloured || style === undefined || text === '') return text;
			const [on, off] = styles[style];
			return `\u001b[${on}m${text}\u001b[${off}m`;
		},
	};
}

const ownColours = new RegExp(`(\u001b\\[(?:${[...new Set(Object.values(styles).flat())].join('|')})m)`);

/** As {@link neutralise}, save for the colours that are painted here. */
function exceptColours(text: string): string {
	return text
		.split(ownColours)
		.map((part, index) => (index % 2 === 1 ? part : neutralise(part)))
		.join('');
}

/** At most `width` characters, the last one "…" where something is missing. */
export function truncate(text: string, width: number): string {
	const characters = [...text];
	if (characters.length <= width) return text;
	return width <= 0 ? '' : `${characters.slice(0, width - 1).join('')}…`;
}
