/**
 * Owns the making of ids: ULIDs for what is new, digests for what must come out the same again.
 * Promises that a derived id depends on its parts alone, so that a repeat after a crash is the same command.
 * No state that a crash could lose.
 */

import { hash, randomBytes } from 'node:crypto';
import { monotonicFactory } from 'ulid';

/** A function that makes ULIDs which sort by time, also within one millisecond. */
export function ulidFactory(now: () => number): () => string {
	const next = monotonicFactory();
	return () => next(now());
}

/** An id that is a function of its parts alone: 26 characters of `[A-Za-z0-9_-]`. */
export function derivedId(...parts: readonly (string | number)[]): string {
	return hash('sha256', JSON.stringify(parts), 'base64url').slice(0, 26);
}

const utf8 = new TextEncoder();

/** FNV-1a, 32 bits, of the text's UTF-8. */
export function fnv1a(text: string): number {
	let hash = 0x811c9dc5;
	for (let place = 0; place < text.length; place++) {
		const unit = text.charCodeAt(place);
		// Names are ASCII, where a character is its byte: to make bytes first takes five times as long.
		if (unit > 0x7f) return fnv1aOf(utf8.encode(text));
		hash = Math.imul(hash ^ unit, 0x01000193) >>> 0;
	}
	return hash;
}

function fnv1aOf(bytes: Uint8Array): number {
	let hash = 0x811c9dc5;
	for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
	return hash;
}

/** A random token of 16 characters, for things that need to be told apart and nothing more. */
export function randomToken(): string {
	return randomBytes(12).toString('base64url');
}

/** SHA-256 of a JSON value whose keys are sorted: equal for equal content, whatever the order of its fields. */
export function contentDigest(value: unknown): string {
	return textDigest(canonicalJson(value));
}

/** SHA-256 of a text, as base64url. */
export function textDigest(text: string): string {
	return hash('sha256', text, 'base64url');
}

/**
 * One text for one JSON value (RFC 8785): no space between tokens, keys sorted by their UTF-16 code units, numbers and strings as
 * ECMAScript writes them, fields that are undefined left out.
 */
export function canonicalJson(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
	if (!isObject(value)) return JSON.stringify(value) ?? 'null';
	let fields = '';
	for (const key of Object.keys(value).sort()) {
		const field = value[key];
		if (field === undefined) continue;
		fields += `${fields === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(field)}`;
	}
	return `{${fields}}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null;
}
