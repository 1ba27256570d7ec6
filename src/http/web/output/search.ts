/**
 * Owns searching in output: which lines have the words, and which letters of a line they are.
 * Promises that letters in both cases are the same, and that marking changes neither text nor style.
 * Pure.
 */

import type { Line, Span } from './screen.ts';

export type MarkedSpan = Span & { readonly hit: boolean };

function lineText({ spans }: Pick<Line, 'spans'>): string {
	return spans.length === 1 ? (spans[0]?.text ?? '') : spans.map(({ text }) => text).join('');
}

/** Numbers of the lines that have the words, in their order. */
export function linesWith(lines: readonly Line[], words: string): number[] {
	if (words === '') return [];
	const wanted = words.toLowerCase();
	return lines.filter((line) => lineText(line).toLowerCase().includes(wanted)).map(({ number }) => number);
}

/** The spans of a line, cut where the words begin and end. */
export function markWords(line: Pick<Line, 'spans'>, words: string): readonly MarkedSpan[] {
	const plain = line.spans.map((span) => ({ ...span, hit: false }));
	const [text, wanted] = [lineText(line).toLowerCase(), words.toLowerCase()];
	// Some letters are longer in the other case: then places do not agree.
	if (wanted === '' || text.length !== lineText(line).length || !text.includes(wanted)) return plain;
	const edges: number[] = [];
	for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
		edges.push(at, at + wanted.length);
	}
	const found: MarkedSpan[] = [];
	let at = 0;
	for (const span of plain) {
		const cuts = edges.filter((edge) => edge > at && edge < at + span.text.length).map((edge) => edge - at);
		for (const [index, from] of [0, ...cuts].entries()) {
			const to = cuts[index] ?? span.text.length;
			const before = edges.filter((edge) => edge <= at + from).length;
			found.push({ ...span, text: span.text.slice(from, to), hit: before % 2 === 1 });
		}
		at += span.text.length;
	}
	return found;
}

/** The next number after (or before) the present one, round the end. */
export function nextHit(
	hits: readonly number[],
	present: number | undefined,
	step: 1 | -1,
): number | undefined {
	if (hits.length === 0) return undefined;
	if (present === undefined) return step === 1 ? hits[0] : hits.at(-1);
	const further = step === 1 ? hits.find((hit) => hit > present) : hits.findLast((hit) => hit < present);
	return further ?? (step === 1 ? hits[0] : hits.at(-1));
}
