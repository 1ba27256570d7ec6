/**
 * Owns how bad input is told: every problem at once, each with its field, what was expected, what came, and a guess.
 * Promises that the text never holds more than a short piece of the input.
 * Pure.
 */

import type { z } from 'zod';

/** Problems that are told; the others are counted. */
const mostProblems = 30;

/** Arrays and objects within each other in what people send: deeper ones overflow the stack of whoever walks through. */
export const deepestNesting = 500;

/** One line a problem: `data.exitCode: expected number, got "x"`. */
export function describeProblems(error: z.ZodError, input: unknown, knownKeys: readonly string[]): string[] {
	const issues = error.issues.flatMap(onePerKey);
	const told = issues.slice(0, mostProblems).map((issue) => describeIssue(issue, input, knownKeys));
	return issues.length > told.length ? [...told, `and ${issues.length - told.length} more`] : told;
}

function onePerKey(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
	return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => ({ ...issue, keys: [key] })) : [issue];
}

function describeIssue(issue: z.core.$ZodIssue, input: unknown, knownKeys: readonly string[]): string {
	const path = issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys] : issue.path;
	const field = path.map((key) => shorten(String(key))).join('.') || '(top level)';
	if (issue.code === 'unrecognized_keys') {
		const guess = closest(String(path.at(-1)), knownKeys);
		return `${field}: unknown field${guess ? `; did you mean "${guess}"?` : ''}`;
	}
	if (issue.code === 'invalid_union') {
		return `${field}: ${issue.message === 'Invalid input' ? 'not one of the accepted forms' : issue.message}`;
	}
	const got = preview(valueAt(input, issue.path));
	const expected = issue.message.replace(/^[A-Z][a-z ]+: (?=expected)/, '').replace(/, received .*$/, '');
	return `${field}: ${expected}, got ${got}`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
	return path.reduce<unknown>(
		(value, key) =>
			typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
		input,
	);
}

function preview(value: unknown): string {
	if (value === undefined) return 'nothing';
	return shorten(textOf(value));
}

function textOf(value: unknown): string {
	if (isNestedTooDeep(value)) return 'something nested too deep';
	return typeof value === 'object' || typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function shorten(text: string): string {
	return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether arrays and objects are nested deeper than `deepest`, or in a circle. Does not recurse. */
export function isNestedTooDeep(value: unknown, deepest = deepestNesting): boolean {
	let level = new Set<unknown>([value]);
	for (let depth = 1; level.size > 0; depth++) {
		if (depth > deepest) return true;
		const next = new Set<unknown>();
		for (const one of level) {
			if (typeof one !== 'object' || one === null) continue;
			for (const field of Object.values(one))
				if (typeof field === 'object' && field !== null) next.add(field);
		}
		level = next;
	}
	return false;
}

/** The known name nearest to `text`, where it is near enough to be a slip of the hand. */
export function closest(text: string, known: readonly string[]): string | undefined {
	const ranked = known
		.map((name) => ({ name, distance: editDistance(text.toLowerCase(), name.toLowerCase()) }))
		.sort((a, b) => a.distance - b.distance);
	const best = ranked[0];
	const farthest = Math.min(Math.max(2, Math.floor(text.length / 3)), text.length - 1);
	return best && best.distance <= farthest ? best.name : undefined;
}

function editDistance(a: string, b: string): number {
	if (Math.abs(a.length - b.length) > 8 || a.length > 64) return Number.POSITIVE_INFINITY;
	let row = Array.from({ length: b.length + 1 }, (_, i) => i);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
			next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replace));
		}
		row = next;
	}
	return row[b.length] ?? Number.POSITIVE_INFINITY;
}
