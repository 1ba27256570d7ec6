/**
 * Owns what the commands print to: a stream, its width, its colours, and what must not reach a terminal.
 * Promises colours only where a person looks, and that text from elsewhere cannot steer the terminal.
 * Writes go out in order; the process ends after the last one.
 */

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
	/** One or more whole lines. */
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
	return {
		isTTY,
		columns,
		line: (text = '') => void stream.write(`${text}\n`),
		raw: (data) => void stream.write(data),
		flow: async (data) => {
			if (stream.write(data) !== false || !stream.once) return;
			await new Promise<void>((resolve) => stream.once?.('drain', resolve));
		},
		status: (text) => {
			if (isTTY) stream.write(`\r\u001b[2K${truncate(text, columns - 1)}`);
		},
		paint: (style, text) => {
			if (!coloured || style === undefined || text === '') return text;
			const [on, off] = styles[style];
			return `\u001b[${on}m${text}\u001b[${off}m`;
		},
	};
}

/** Controls (C0 but newline and tab, DEL, C1) and the marks that turn the direction of writing. */
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text from elsewhere, for a terminal: what would steer it is shown as an escape. */
export function neutralise(text: string): string {
	return text.replaceAll('\r\n', '\n').replace(steering, escaped);
}

/** As {@link neutralise}, on one line. */
export function oneLine(text: string): string {
	return text.replaceAll('\n', '\\n').replaceAll('\t', '\\t').replace(steering, escaped);
}

/** JSON for a terminal: it stays JSON, with the same meaning. */
export function neutralJson(json: string): string {
	const unicode = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
	return json.replace(steering, unicode);
}

function escaped(character: string): string {
	const code = character.charCodeAt(0);
	if (character === '\r') return '\\r';
	return code < 0x100
		? `\\x${code.toString(16).padStart(2, '0')}`
		: `\\u${code.toString(16).padStart(4, '0')}`;
}

/** At most `width` characters, the last one "…" where something is missing. */
export function truncate(text: string, width: number): string {
	const characters = [...text];
	if (characters.length <= width) return text;
	return width <= 0 ? '' : `${characters.slice(0, width - 1).join('')}…`;
}
