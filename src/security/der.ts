/**
 * Owns writing DER (ITU-T X.690), as far as a certificate needs it.
 * Promises the one encoding that DER allows for each value that it takes; it reads nothing.
 * Pure.
 */

/** A value of a tag: its length in the shortest form, then its content. */
function value(tag: number, ...content: readonly Uint8Array[]): Buffer {
	const body = Buffer.concat(content);
	return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

function lengthOf(length: number): Buffer {
	if (length < 0x80) return Buffer.from([length]);
	const bytes = bigEndian(BigInt(length));
	return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

function bigEndian(number: bigint): Buffer {
	const hex = number.toString(16);
	return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
	return value(0x30, ...parts);
}

export function set(...parts: readonly Uint8Array[]): Buffer {
	return value(0x31, ...parts);
}

export function boolean(truth: boolean): Buffer {
	return value(0x01, Buffer.from([truth ? 0xff : 0]));
}

/** Not negative. */
export function integer(number: bigint): Buffer {
	const bytes = bigEndian(number);
	const first = bytes[0] ?? 0;
	return value(0x02, first < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]));
}

export function octets(bytes: Uint8Array): Buffer {
	return value(0x04, bytes);
}

/** @param unusedBits Bits at its end that do not count. */
export function bits(bytes: Uint8Array, unusedBits = 0): Buffer {
	return value(0x03, Buffer.from([unusedBits]), bytes);
}

export function utf8(text: string): Buffer {
	return value(0x0c, Buffer.from(text, 'utf8'));
}

/** An object identifier such as `2.5.4.3`. */
export function oid(text: string): Buffer {
	const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
	return value(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(number: number): number[] {
	const groups = [number & 0x7f];
	for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128)) {
		groups.unshift((left & 0x7f) | 0x80);
	}
	return groups;
}

/** Seconds count, milliseconds are cut. Up to 2049 with two digits of the year, as RFC 5280 (4.1.2.5) wants it. */
export function time(ms: number): Buffer {
	const date = new Date(ms);
	const text = `${date.toISOString().replace(/[-T:]/g, '').slice(0, 14)}Z`;
	return date.getUTCFullYear() < 2050
		? value(0x17, Buffer.from(text.slice(2), 'ascii'))
		: value(0x18, Buffer.from(text, 'ascii'));
}

/** `[number]` around a whole value. */
export function explicit(number: number, content: Uint8Array): Buffer {
	return value(0xa0 | number, content);
}

/** `[number]` in the place of a value's own tag. */
export function implicit(number: number, content: Uint8Array): Buffer {
	return value(0x80 | number, content);
}
