/**
 * Owns how bad input is told: every problem at once, each with its field, what was expected, what came, and a guess.
 * Promises that the text never holds more than a short piece of the input.
 * Pure.
 */

import type { z } from 'zod';

/** One line a problem: `data.exitCode: expected number, got "x"`. */
export function describeProblems(error: z.ZodError, input: unknown, knownKeys: readonly string[]): string[] {
	return error.issues.flatMap((issue) => describeIssue(issue, input, knownKeys));
}

function describeIssue(issue: z.core.$ZodIssue, input: unknown, knownKeys: readonly string[]): string[] {
	const field = issue.path.map(String).join('.') || '(top level)';
	if (issue.code === 'unrecognized_keys') {
		return issue.keys.map((key) => {
			const guess = closest(key, knownKeys);
			const where = issue.path.length > 0 ? `${field}.${key}` : key;
			return `${where}: unknown field${guess ? `; did you mean "${guess}"?` : ''}`;
		});
	}
	if (issue.code === 'invalid_union') {
		return [
			`${field}: ${issue.message === 'Invalid input' ? 'not one of the accepted forms' : issue.message}`,
		];
	}
	const got = preview(valueAt(input, issue.path));
	const expected = issue.message.replace(/^Invalid input: /, '').replace(/, received .*$/, '');
	return [`${field}: ${expected}, got ${got}`];
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
	const text = JSON.stringify(value) ?? String(value);
	return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The known name nearest to `text`, where it is near enough to be a slip of the hand. */
export function closest(text: string, known: readonly string[]): string | undefined {
	const ranked = known
		.map((name) => ({ name, distance: editDistance(text.toLowerCase(), name.toLowerCase()) }))
		.sort((a, b) => a.distance - b.distance);
	const best = ranked[0];
	return best && best.distance <= Math.max(2, Math.floor(text.length / 3)) ? best.name : undefined;
}

function editDistance(a: string, b: string): number {
	if (Math.abs(a.length - b.length) > 8 || a.length > 64) return 99;
	let row = Array.from({ length: b.length + 1 }, (_, i) => i);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
			next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replace));
		}
		row = next;
	}
	return row[b.length] ?? 99;
}
