/**
 * Owns the words that a schedule's message may hold: `{{node}}`, `{{tick}}` and `{{schedule}}`, in any text of its data.
 * Promises that other braces stay as they are, since shells and other programs have templates of their own, and that a slip of the
 * hand is told. Pure.
 */

import { isNestedTooDeep } from './validation.ts';

const words = ['node', 'tick', 'schedule'] as const;
export type TemplateWords = Readonly<Record<(typeof words)[number], string>>;

const word = /\{\{\s*([A-Za-z]+)\s*\}\}/g;

/** What looks like one of the words and is none. */
export function templateProblems(data: unknown): string[] {
	// A circle has no end; whoever checks the form says that it is one.
	if (isNestedTooDeep(data)) return [];
	const problems = new Set<string>();
	for (const text of textsIn(data)) {
		for (const [, name = ''] of text.matchAll(word)) {
			const meant = isWord(name) ? undefined : words.find((one) => isSlipOf(name.toLowerCase(), one));
			if (meant) problems.add(`{{${name}}}: there is no such word; did you mean "{{${meant}}}"?`);
		}
	}
	return [...problems];
}

/** Whether anything would be filled in. */
export function isTemplate(data: unknown): boolean {
	return textsIn(data).some((text) => [...text.matchAll(word)].some(([, name = '']) => isWord(name)));
}

/** The data with each word filled in. */
export function fillIn(data: unknown, values: TemplateWords): unknown {
	if (typeof data === 'string') {
		return data.replace(word, (found, name: string) => (isWord(name) ? values[name] : found));
	}
	if (Array.isArray(data)) return data.map((item) => fillIn(item, values));
	if (typeof data !== 'object' || data === null) return data;
	return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, fillIn(value, values)]));
}

function isWord(name: string): name is (typeof words)[number] {
	return words.some((one) => one === name);
}

/**
 * Capital letters, a letter too few or too many, or two in the wrong order. What differs in a letter (`name`, `code`, `note`) is a
 * word of another program.
 */
function isSlipOf(name: string, meant: string): boolean {
	if (name.length === meant.length) return name === meant || swapped(meant).includes(name);
	const [long, short] = name.length > meant.length ? [name, meant] : [meant, name];
	return long.length === short.length + 1 && shortened(long).includes(short);
}

function shortened(text: string): string[] {
	return [...text].map((_, at) => text.slice(0, at) + text.slice(at + 1));
}

function swapped(text: string): string[] {
	return [...text.slice(1)].map(
		(next, at) => text.slice(0, at) + next + text.charAt(at) + text.slice(at + 2),
	);
}

function textsIn(data: unknown): string[] {
	const texts: string[] = [];
	const waiting = [data];
	while (waiting.length > 0) {
		const next = waiting.pop();
		if (typeof next === 'string') texts.push(next);
		else if (typeof next === 'object' && next !== null)
			for (const value of Object.values(next)) waiting.push(value);
	}
	return texts;
}
