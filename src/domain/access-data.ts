/**
 * Owns how access rules look into the data of a command: its arguments, what stands beside them, and values by JSON pointer.
 * Promises to read own fields only, and text, numbers and truth values as text.
 * Pure.
 */

import { isRecord } from './validation.ts';

/** `beside`: what else the data says, such as `env` and `cwd` of shellCommand. */
export type Arguments = {
	readonly list: readonly string[];
	readonly beside: Readonly<Record<string, unknown>>;
};

/** Of `["program", "argument", …]` or `{ command: […], … }`, the two forms of shellCommand; undefined for other data. */
export function argumentsOf(data: unknown): Arguments | undefined {
	if (isTexts(data)) return { list: data, beside: {} };
	if (!isRecord(data) || !Object.hasOwn(data, 'command')) return undefined;
	// How long it may take to end changes nothing of what runs.
	const { command, grace: _, ...beside } = data;
	return isTexts(command) ? { list: command, beside } : undefined;
}

function isTexts(value: unknown): value is string[] {
	return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** The text, number or truth value at a JSON pointer (RFC 6901), as text. */
export function valueAt(data: unknown, pointer: string): string | undefined {
	let value = data;
	for (const token of pointer.split('/').slice(1)) {
		const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
		if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
		value = (value as Record<string, unknown>)[key];
	}
	return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
		? String(value)
		: undefined;
}

/** Pointers of all that holds no more fields; what holds none is one itself. */
export function leavesOf(value: unknown, at = ''): string[] {
	const isHolder = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
	if (!isHolder) return at === '' ? [] : [at];
	return Object.entries(value).flatMap(([key, field]) =>
		leavesOf(field, `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
	);
}
