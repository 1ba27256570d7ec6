/**
 * Owns the language in which a fleet is searched: words, labels, presence and conditions, each of which `!` turns round.
 * Promises that every text means something (what is no condition is searched for in names and labels), and that what a chip adds is
 * what one would have typed.
 * Pure.
 */

import type { NodeRow } from '../../../domain/row-schema.ts';

export type Match = (row: NodeRow) => boolean;

/** What can be asked with one word. */
export const conditions: Readonly<Record<string, { readonly words: string; readonly holds: Match }>> = {
	present: { words: 'is there', holds: ({ presence }) => presence === 'present' },
	absent: { words: 'was there, and is away', holds: ({ presence }) => presence === 'absent' },
	never: { words: 'nobody ever heard of it', holds: ({ presence }) => presence === 'never' },
	unknown: { words: 'no centre watched', holds: ({ presence }) => presence === 'unknown' },
	queued: { words: 'commands wait for it', holds: ({ queued }) => queued > 0 },
	running: { words: 'something runs', holds: ({ running }) => running > 0 },
	failing: { words: 'something ended badly within a day', holds: ({ failing }) => failing > 0 },
	paused: { words: 'a lane is paused, or a method stopped', holds: ({ paused }) => paused },
	clock: { words: 'its clock is off', holds: ({ clockOffsetMs }) => Math.abs(clockOffsetMs ?? 0) > 1000 },
	conflict: { words: 'two machines use its name', holds: ({ conflict }) => conflict },
	decommissioned: { words: 'out of service', holds: ({ decommissioned }) => decommissioned },
};

/** The terms of a text: divided by spaces, those between quotes kept together, with their quotes. */
export function termsOf(text: string): string[] {
	return text.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
}

/** All terms have to hold. */
export function matchOf(text: string): Match {
	const matches = termsOf(text).map(matchOfTerm);
	return (row) => matches.every((match) => match(row));
}

function matchOfTerm(term: string): Match {
	if (term.startsWith('!') && term.length > 1) {
		const match = matchOfTerm(term.slice(1));
		return (row) => !match(row);
	}
	const condition = Object.hasOwn(conditions, term) ? conditions[term] : undefined;
	if (condition) return condition.holds;
	const label = /^([^=!"]+)(!?=)(.*)$/s.exec(term);
	if (label) {
		const [, name = '', sign, wanted = ''] = label;
		const holds = labelMatch(name, unquoted(wanted));
		return sign === '=' ? holds : (row) => !holds(row);
	}
	const word = unquoted(term).toLowerCase();
	return ({ node, labels }) =>
		node.toLowerCase().includes(word) ||
		Object.values(labels).some((value) => value.toLowerCase().includes(word));
}

/** Without a value: the node has such a label. A star at the end stands for whatever follows. */
function labelMatch(name: string, wanted: string): Match {
	if (wanted === '') return ({ labels }) => Object.hasOwn(labels, name);
	if (wanted.endsWith('*')) {
		const beginning = wanted.slice(0, -1);
		return ({ labels }) => Object.hasOwn(labels, name) && labels[name]?.startsWith(beginning) === true;
	}
	return ({ labels }) => labels[name] === wanted;
}

function unquoted(text: string): string {
	return text.replaceAll('"', '');
}

/** As a term of the language. */
export function labelTerm(name: string, value: string): string {
	return /[\s"]/.test(value) ? `${name}="${value.replaceAll('"', '')}"` : `${name}=${value}`;
}

export function hasTerm(text: string, term: string): boolean {
	return termsOf(text).includes(term);
}

/** The text with the term, or without it where it had it. Of `rivals` (only one of which can hold) none stays. */
export function toggleTerm(text: string, term: string, rivals: readonly string[] = []): string {
	const terms = termsOf(text);
	if (terms.includes(term)) return terms.filter((one) => one !== term).join(' ');
	return [...terms.filter((one) => one !== `!${term}` && !rivals.includes(one)), term].join(' ');
}

export type LabelCount = { readonly name: string; readonly value: string; readonly count: number };

/** Labels that divide a fleet: those with few values, the most common first. */
export function labelCounts(rows: Iterable<NodeRow>, most: number): LabelCount[] {
	const names = new Map<string, Map<string, number>>();
	for (const { labels } of rows) {
		for (const name in labels) {
			const value = labels[name] ?? '';
			const values = names.get(name) ?? new Map<string, number>();
			names.set(name, values);
			values.set(value, (values.get(value) ?? 0) + 1);
		}
	}
	const found: LabelCount[] = [];
	for (const [name, values] of names) {
		for (const [value, count] of values) found.push({ name, value, count });
	}
	const kinds = (name: string) => names.get(name)?.size ?? 0;
	return found
		.sort(
			(a, b) =>
				Number(kinds(a.name) > most) - Number(kinds(b.name) > most) ||
				b.count - a.count ||
				(`${a.name}=${a.value}` < `${b.name}=${b.value}` ? -1 : 1),
		)
		.slice(0, most);
}
