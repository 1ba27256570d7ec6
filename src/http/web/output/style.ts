/**
 * Owns how a piece of output looks: what the "select graphic rendition" escapes of a terminal (ECMA-48, SGR) make of it.
 * Promises that any sequence of numbers is taken, and that what it does not know changes nothing.
 * Pure.
 */

/** Of the 16 named colours and the 240 fixed ones its number; else `#rrggbb`. */
type Colour = number | `#${string}`;

export type TextStyle = {
	readonly fg?: Colour;
	readonly bg?: Colour;
	readonly bold?: true;
	readonly dim?: true;
	readonly italic?: true;
	readonly underline?: true;
	readonly inverse?: true;
	readonly strike?: true;
};

export const plain: TextStyle = {};

type Flag = Exclude<keyof TextStyle, 'fg' | 'bg'>;

const flagsOn: Readonly<Record<number, Flag>> = {
	1: 'bold',
	2: 'dim',
	3: 'italic',
	4: 'underline',
	7: 'inverse',
	9: 'strike',
	21: 'underline',
};

const flagsOff: Readonly<Record<number, readonly Flag[]>> = {
	22: ['bold', 'dim'],
	23: ['italic'],
	24: ['underline'],
	27: ['inverse'],
	29: ['strike'],
};

/** The style after `ESC [ <parameters> m`. */
export function restyled(style: TextStyle, parameters: string): TextStyle {
	const numbers = parameters.split(';').flatMap(withoutColons);
	let next: TextStyle = style;
	for (let at = 0; at < numbers.length; at++) {
		const code = numbers[at] ?? 0;
		if (code === 38 || code === 48) {
			const { colour, used } = longColour(numbers.slice(at + 1));
			at += used;
			if (colour !== undefined) next = { ...next, [code === 38 ? 'fg' : 'bg']: colour };
		} else next = withCode(next, code);
	}
	return Object.keys(next).length === 0 ? plain : next;
}

/** `4:3` is a kind of underline, `38:2::1:2:3` a colour with its space: as they were before there were colons. */
function withoutColons(parameter: string): number[] {
	const [first = 0, ...more] = parameter.split(':').map((text) => (text === '' ? 0 : Number(text)));
	if (more.length === 0) return [first];
	if (first === 4) return [more[0] === 0 ? 24 : 4];
	if (first !== 38 && first !== 48) return [];
	return [first, ...(more[0] === 2 && more.length > 4 ? [2, ...more.slice(-3)] : more)];
}

function withCode(style: TextStyle, code: number): TextStyle {
	const on = flagsOn[code];
	if (on) return { ...style, [on]: true };
	const off = flagsOff[code];
	if (off) return without(style, off);
	if (code === 0) return plain;
	if (code >= 30 && code <= 37) return { ...style, fg: code - 30 };
	if (code >= 40 && code <= 47) return { ...style, bg: code - 40 };
	if (code >= 90 && code <= 97) return { ...style, fg: code - 82 };
	if (code >= 100 && code <= 107) return { ...style, bg: code - 92 };
	if (code === 39) return without(style, ['fg']);
	if (code === 49) return without(style, ['bg']);
	return style;
}

function without(style: TextStyle, keys: readonly (keyof TextStyle)[]): TextStyle {
	return Object.fromEntries(
		Object.entries(style).filter(([key]) => !(keys as readonly string[]).includes(key)),
	);
}

/** `5;<0-255>` or `2;<r>;<g>;<b>`, behind 38 or 48. `used`: how many numbers belong to it. */
function longColour(rest: readonly number[]): { colour: Colour | undefined; used: number } {
	const [kind, a = 0, b = 0, c = 0] = rest;
	if (kind === 5) return { colour: isByte(a) ? a : undefined, used: 2 };
	if (kind !== 2) return { colour: undefined, used: 1 };
	const isColour = [a, b, c].every(isByte);
	return { colour: isColour ? hexOf(a, b, c) : undefined, used: 4 };
}

function isByte(value: number): boolean {
	return Number.isInteger(value) && value >= 0 && value <= 255;
}

function hexOf(...parts: readonly [number, number, number]): `#${string}` {
	return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** `#rrggbb` of one of the 240 fixed colours (16 to 255): a cube of six steps, then greys. */
function fixedColour(number: number): `#${string}` {
	if (number >= 232) {
		const grey = 8 + (number - 232) * 10;
		return hexOf(grey, grey, grey);
	}
	const step = (value: number) => (value === 0 ? 0 : 55 + value * 40);
	const cube = number - 16;
	return hexOf(step(Math.floor(cube / 36)), step(Math.floor(cube / 6) % 6), step(cube % 6));
}

/** How a browser shows it: classes for what the theme decides, custom properties for colours that the text itself names. */
export function cssOf(style: TextStyle): { class: string; style: Record<string, string> } {
	const classes: string[] = [];
	const properties: Record<string, string> = {};
	for (const [key, value] of Object.entries(style)) {
		if (key !== 'fg' && key !== 'bg') classes.push(`ansi-${key}`);
		else if (typeof value === 'number' && value < 16) classes.push(`ansi-${key}${value}`);
		else {
			classes.push(`ansi-${key}`);
			properties[`--${key}`] = typeof value === 'number' ? fixedColour(value) : String(value);
		}
	}
	return { class: classes.join(' '), style: properties };
}
