/**
 * Owns how dead letters are shown to people: one in full, many as a table, one line for what became of it.
 * Promises that a message which was cut says so, and that text from elsewhere is neutralised.
 * Pure but for the writing.
 */

import { oneLine } from '../../base/text.ts';
import type { DeadLetterView, DeadOutcome } from '../../domain/dead-letter.ts';
import { count } from './output.ts';
import type { Screen, Style } from './screen.ts';
import { printFact, table } from './table.ts';
import { ago, timeWithAgo } from './time.ts';

export function deadTable(letters: readonly DeadLetterView[], screen: Screen, nowMs: number): string {
	return table(
		letters,
		[
			{ title: 'WHEN', cell: ({ at }) => ago(at, nowMs) },
			{ title: 'HANDLE', cell: ({ handle }) => handle },
			{ title: 'KIND', cell: ({ kind }) => kind },
			{ title: 'METHOD', cell: ({ method }) => method, shrinks: true },
			{ title: 'CODE', cell: ({ fault }) => oneLine(fault.code), style: () => 'red' },
			{ title: 'ATTEMPTS', cell: ({ attempts }) => String(attempts), align: 'right' },
			{ title: 'NOTE', cell: note, shrinks: true },
		],
		screen,
	);
}

function note({ replayed, fault }: DeadLetterView): string {
	return replayed ? `replayed as ${replayed.as}` : oneLine(fault.message);
}

/** Everything that is known of a dead letter. */
export function printDead(screen: Screen, letter: DeadLetterView, nowMs: number): void {
	const row = (name: string, text: string | null | undefined | false) => printFact(screen, name, text);
	const { fault, lineage, replayed, attempts, message } = letter;
	screen.line(`${screen.paint('bold', letter.handle)}  ${screen.paint('red', oneLine(fault.code))}`);
	row('why', oneLine(fault.message));
	row('method', `${letter.method} (${letter.kind}), from ${oneLine(letter.sender)}`);
	row('when', timeWithAgo(letter.at, nowMs));
	row('attempts', attempts === 0 ? 'none: it never started' : String(attempts));
	row('lineage', lineage && `${lineage.kind} of ${oneLine(lineage.of)}`);
	row(
		'replayed',
		replayed && `as ${replayed.as} by ${oneLine(replayed.by)}, ${timeWithAgo(replayed.at, nowMs)}`,
	);
	row('message', keptText(letter));
	if (message !== null) screen.line(message);
}

function keptText({ kept, characters }: DeadLetterView): string {
	switch (kept) {
		case 'whole':
			return `${count(characters ?? 0)} characters`;
		case 'beginning':
			return `${count(characters ?? 0)} characters, of which only the beginning is kept: it cannot be replayed`;
		case 'none':
			return 'not kept';
	}
}

const words: Record<DeadOutcome['outcome'], { word: string; style: Style | undefined }> = {
	replayed: { word: 'replayed', style: 'green' },
	duplicate: { word: 'duplicate', style: 'dim' },
	discarded: { word: 'discarded', style: 'green' },
	possible: { word: 'possible', style: undefined },
	refused: { word: 'not possible', style: 'red' },
	notFound: { word: 'not found', style: 'red' },
};

/** `replayed  ship1.a  as ship1.b` */
export function outcomeLine({ handle, outcome, as, why }: DeadOutcome, screen: Screen): string {
	const { word, style } = words[outcome];
	const facts = why === null ? (as === null ? '' : `  as ${as}`) : `  (${oneLine(why)})`;
	return `${screen.paint(style, word)}  ${handle}${facts}`;
}

/** `12 replayed, 1 not possible` */
export function outcomeCounts(counts: ReadonlyMap<DeadOutcome['outcome'], number>): string {
	return [...counts].map(([outcome, number]) => `${count(number)} ${words[outcome].word}`).join(', ');
}
