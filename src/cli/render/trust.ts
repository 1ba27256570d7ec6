/**
 * Owns how trust lists, the versions of documents, and what became of publishing one are shown to people.
 * Promises that names and reasons of others are neutralised.
 * Pure but for the writing.
 */

import { rfc3339 } from '../../base/clock.ts';
import { oneLine } from '../../base/text.ts';
import { readBody } from '../../domain/document.ts';
import type { DocumentOutcome, DocumentView } from '../../domain/document-view.ts';
import type { TrustedKey } from '../../domain/trust.ts';
import type { Screen } from './screen.ts';
import { table } from './table.ts';
import { timeWithAgo } from './time.ts';

const mostNames = 8;

export function printTrust(screen: Screen, view: DocumentView, nowMs: number): void {
	screen.line(headline(screen, view, nowMs));
	const read = readBody('trust', view.body);
	if (!('value' in read)) return;
	for (const root of read.value.roots) screen.line(`  root  ${root}`);
	if (read.value.keys.length === 0) return screen.line('  no key may sign a command');
	const keys = [...read.value.keys].sort((a, b) => (a.name < b.name ? -1 : 1));
	screen.line(
		table(
			keys,
			[
				{ title: 'NAME', cell: ({ name }) => oneLine(name) },
				{ title: 'ROLE', cell: ({ role }) => role },
				{ title: 'KEY', cell: ({ key }) => key },
				{
					title: 'COUNTS',
					cell: (key) => spanText(key, nowMs),
					style: (key) => (counts(key, nowMs) ? undefined : 'dim'),
				},
			],
			screen,
		),
	);
}

function counts({ from = 0, until = Number.POSITIVE_INFINITY }: TrustedKey, nowMs: number): boolean {
	return nowMs >= from && nowMs < until;
}

function spanText(key: TrustedKey, nowMs: number): string {
	const { from, until } = key;
	if (from !== undefined && from > nowMs) return `from ${rfc3339(from)}`;
	if (until === undefined) return 'always';
	return until > nowMs ? `until ${timeWithAgo(rfc3339(until), nowMs)}` : `no more since ${rfc3339(until)}`;
}

export function headline(screen: Screen, view: DocumentView, nowMs: number): string {
	const { kind, version, publishedAt, by, reason } = view;
	const why = reason === '' ? '' : `: ${oneLine(reason)}`;
	return `${screen.paint('bold', `${kind} list ${version}`)}  by ${oneLine(by)}, ${timeWithAgo(publishedAt, nowMs)}${why}`;
}

export function historyTable(views: readonly DocumentView[], screen: Screen, nowMs: number): string {
	return table(
		views,
		[
			{ title: 'VERSION', cell: ({ version }) => String(version), align: 'right' },
			{ title: 'PUBLISHED', cell: ({ publishedAt }) => timeWithAgo(publishedAt, nowMs) },
			{ title: 'BY', cell: ({ by }) => oneLine(by) },
			{ title: 'SIGNED BY', cell: ({ signers }) => signers.map((key) => key.slice(0, 8)).join(',') },
			{ title: 'REASON', cell: ({ reason }) => oneLine(reason), shrinks: true },
		],
		screen,
	);
}

export function printOutcome(screen: Screen, { outcome, document, nodes }: DocumentOutcome): void {
	const { kind, version } = document;
	screen.line(`${screen.paint('green', outcome)}  ${kind} list ${version}`);
	if (!nodes) return;
	const { have, waiting, absent } = nodes;
	const isAll = waiting.length + absent.length === 0;
	screen.line(
		`  in effect on ${have.length} node${have.length === 1 ? '' : 's'}${isAll ? ', all that take it' : ''}`,
	);
	if (absent.length > 0) screen.line(`  absent, get it when they are back: ${namesText(absent)}`);
}

function namesText(names: readonly string[]): string {
	const others = names.length - mostNames;
	const shown = names.slice(0, mostNames).join(', ');
	return others > 0 ? `${shown} and ${others} more` : shown;
}
