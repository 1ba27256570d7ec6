/**
 * Owns what one JSON value of inmsg.txt holds: one message or several, each with the bytes it was written in.
 * Promises that a bad element costs none of its neighbours, and that what is bad can be kept word for word.
 * Pure; the same bytes give the same parts again after a crash.
 */

import { strictUtf8 } from '../../base/text.ts';

/** One element of an array, or a single object (index 0): its value and its bytes within the text. */
export type Part = {
	readonly index: number;
	readonly value: unknown;
	readonly start: number;
	readonly end: number;
};

type Decoded =
	| { readonly parts: readonly Part[] }
	/** `end`: what is broken ends here, before the next line that begins with `[` or `{`, if there is one. */
	| { readonly problem: string; readonly end: number };

/** The messages of one balanced value, not yet checked. */
export function decodeValue(bytes: Uint8Array): Decoded {
	let text: string;
	try {
		text = strictUtf8.decode(bytes);
	} catch {
		return { problem: 'not valid UTF-8', end: brokenEnd(bytes) };
	}
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		return {
			problem: `not valid JSON: ${error instanceof Error ? error.message : String(error)}`,
			end: brokenEnd(bytes),
		};
	}
	if (!Array.isArray(value)) return { parts: [{ index: 0, value, start: 0, end: bytes.length }] };
	const ranges = elementRanges(bytes);
	return {
		parts: value.map((element: unknown, index) => {
			const [start, end] = ranges[index] ?? [0, bytes.length];
			return { index, value: element, start, end };
		}),
	};
}

function brokenEnd(bytes: Uint8Array): number {
	for (let at = 1; at < bytes.length; at += 1) {
		if (bytes[at - 1] === 0x0a && (bytes[at] === 0x5b || bytes[at] === 0x7b)) return at;
	}
	return bytes.length;
}

/** Where the elements of a valid array begin and end. */
function elementRanges(bytes: Uint8Array): [number, number][] {
	const ranges: [number, number][] = [];
	let depth = 0;
	let inString = false;
	let start = -1;
	let end = -1;
	for (let at = 0; at < bytes.length; at += 1) {
		const byte = bytes[at] ?? 0;
		if (depth > 0 && byte > 0x20) {
			const separates = depth === 1 && !inString && (byte === 0x2c || byte === 0x5d);
			if (separates && start >= 0) {
				ranges.push([start, end]);
				start = -1;
			} else if (!separates) {
				if (start < 0) start = at;
				end = at + 1;
			}
		}
		if (inString) {
			if (byte === 0x5c) {
				at += 1;
				end = at + 1;
			} else if (byte === 0x22) inString = false;
		} else if (byte === 0x22) inString = true;
		else if (byte === 0x5b || byte === 0x7b) depth += 1;
		else if (byte === 0x5d || byte === 0x7d) depth -= 1;
	}
	return ranges;
}
