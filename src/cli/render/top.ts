/**
 * Owns the picture that `steward top` draws: sums, a table of nodes, what the keys do.
 * Promises lines that fit the width, and that nothing a node says of itself steers the terminal.
 * Pure.
 */

import { formatDuration } from '../../base/duration.ts';
import { oneLine } from '../../base/text.ts';
import type { NodeRow } from '../../domain/row-schema.ts';
import { count } from './output.ts';
import { type Screen, type Style, truncate } from './screen.ts';
import type { TopState } from './top-state.ts';

type Paint = Screen['paint'];
type Look = {
	readonly columns: number;
	/** How many nodes there is room for. */
	readonly height: number;
	readonly now: number;
	readonly paint: Paint;
	/** Since when the broker or the centre does not answer, and what it said. */
	readonly lost: { readonly since: number; readonly why: string } | undefined;
};

/** Lines beside those of nodes: sums, what is lost or looked for, titles, keys. */
export const otherLines = 4;
const clockTolerated = 2000;
const widestName = 32;
const narrowestName = 8;
/** Of the width, for the name. */
const nameShare = 0.4;
/** Between columns, and before the first one for the mark. */
const gap = '  ';

type Cell = { readonly text: string; readonly style?: Style | undefined };
type Column = {
	readonly title: string;
	readonly width: number;
	readonly align?: 'right';
	/** Left out first, the higher the sooner, where the terminal is narrow. */
	readonly spare: number;
	readonly cell: (row: NodeRow, now: number) => Cell;
};

const columns: readonly Column[] = [
	{
		title: 'NODE',
		width: 0,
		spare: 0,
		cell: ({ node, conflict }) => ({ text: node, style: conflict ? 'red' : undefined }),
	},
	{ title: 'PRESENCE', width: 14, spare: 1, cell: presenceOf },
	{ title: 'QUEUED', width: 8, align: 'right', spare: 1, cell: ({ queued }) => amount(queued, 'cyan') },
	{
		title: 'OLDEST',
		width: 8,
		align: 'right',
		spare: 2,
		cell: ({ oldestQueuedAt }, now) => ({ text: since(oldestQueuedAt, now) }),
	},
	{ title: 'RUNNING', width: 7, align: 'right', spare: 1, cell: ({ running }) => amount(running, 'yellow') },
	{ title: 'FAILED', width: 7, align: 'right', spare: 2, cell: ({ failing }) => amount(failing, 'red') },
	{
		title: 'CLOCK',
		width: 8,
		align: 'right',
		spare: 3,
		cell: ({ clockOffsetMs }) => clockCell(clockOffsetMs),
	},
	{
		title: 'OUTBOX',
		width: 7,
		align: 'right',
		spare: 3,
		cell: ({ outbox }) => amount(outbox ?? 0, undefined),
	},
	{ title: 'VERSION', width: 10, spare: 4, cell: ({ version }) => ({ text: version ?? '' }) },
	{
		title: 'LABELS',
		width: 24,
		spare: 5,
		cell: ({ labels }) => ({
			text: Object.entries(labels)
				.map(([key, value]) => `${key}=${value}`)
				.join(' '),
			style: 'dim',
		}),
	},
];

const sortedColumn = {
	queued: 'QUEUED',
	oldest: 'OLDEST',
	running: 'RUNNING',
	failing: 'FAILED',
	presence: 'PRESENCE',
	node: 'NODE',
} as const;

/** As many lines as the screen has. */
export function topPicture(state: TopState, look: Look): string[] {
	const { height, paint } = look;
	const body = state.shown.slice(state.from, state.from + height);
	const fitted = fitting(state, look);
	const lines = body.map((row) => rowLine(row, fitted, state, look));
	const empty = state.rows.length === 0 ? 'no node was ever heard of' : 'no node matches: Esc shows all';
	if (lines.length === 0 && height > 0) lines.push(paint('dim', truncate(`  ${empty}`, look.columns)));
	while (lines.length < height) lines.push('');
	return [sums(state, look), middle(state, look), titles(fitted, state, look), ...lines, keys(state, look)];
}

/** All nodes, for a script. */
export function topList(state: TopState, look: Look): string[] {
	const fitted = fitting(state, look);
	const lines = state.shown.map((row) => rowLine(row, fitted, state, look));
	return [sums(state, look), titles(fitted, state, look), ...lines];
}

function sums({ totals }: TopState, { columns: width, now, paint }: Look): string {
	if (!totals) return paint('bold', 'steward top');
	const { nodes, commands, oldestQueuedAt } = totals;
	const oldest = since(oldestQueuedAt, now);
	const presence = [
		`${count(nodes.present)} present`,
		nodes.absent > 0 && `${count(nodes.absent)} absent`,
		nodes.never > 0 && `${count(nodes.never)} never seen`,
		nodes.unknown > 0 && `${count(nodes.unknown)} unknown`,
	].filter(Boolean);
	const facts = [
		`${count(nodes.known)} nodes: ${presence.join(', ')}`,
		`queued ${count(commands.queued)}${oldest === '' ? '' : ` (oldest ${oldest})`}`,
		`running ${count(commands.running + commands.retrying)}`,
		commands.scheduled > 0 && `scheduled ${count(commands.scheduled)}`,
		`succeeded ${count(commands.succeeded)}`,
		`failed ${count(commands.failed + commands.timedOut + commands.interrupted + commands.lost + commands.rejected)}`,
	].filter(Boolean);
	return paint('bold', truncate(facts.join('   '), width));
}

function middle(
	{ filter, isWriting, shown, rows }: TopState,
	{ columns: width, now, lost, paint }: Look,
): string {
	if (lost) {
		const text = `lost for ${largestUnit(now - lost.since)}: ${oneLine(lost.why)}`;
		return paint('red', truncate(text, width));
	}
	if (isWriting) return truncate(`/${filter}▏  Enter keeps, Esc shows all`, width);
	if (filter === '') return '';
	return paint(
		'yellow',
		truncate(`/${filter}   ${count(shown.length)} of ${count(rows.length)} nodes`, width),
	);
}

function titles(fitted: readonly Fitted[], state: TopState, look: Look): string {
	const sorted = sortedColumn[state.sort];
	const cells = fitted.map(({ column, width }) => {
		const title = column.title === sorted ? `${column.title}▾` : column.title;
		return padded(title, width, column.align);
	});
	return look.paint('dim', truncate((gap + cells.join(gap)).trimEnd(), look.columns));
}

function rowLine(row: NodeRow, fitted: readonly Fitted[], state: TopState, look: Look): string {
	const { paint, now } = look;
	const cells = fitted.map(({ column, width }) => {
		const { text, style } = column.cell(row, now);
		const whole = padded(truncate(oneLine(text), width), width, column.align);
		return paint(style, whole);
	});
	const isMarked = row.node === state.marked && look.height < Number.POSITIVE_INFINITY;
	return (isMarked ? paint('bold', '› ') : gap) + cells.join(gap).trimEnd();
}

function keys({ shown, from, sort }: TopState, { columns: width, height, paint }: Look): string {
	const last = Math.min(shown.length, from + height);
	const place =
		shown.length > height ? `   ${count(from + 1)} to ${count(last)} of ${count(shown.length)}` : '';
	return paint('dim', truncate(`q quit   s sort (${sort})   / find   ↑↓ move${place}`, width));
}

type Fitted = { readonly column: Column; readonly width: number };

/** Those for which there is room, and how wide each is: it looks at all rows, so once for a picture. */
function fitting({ rows }: TopState, { columns: total }: Look): Fitted[] {
	const longest = rows.reduce((most, { node }) => Math.max(most, [...oneLine(node)].length), 'NODE▾'.length);
	const name = Math.min(longest, widestName, Math.max(narrowestName, Math.floor(total * nameShare)));
	let room = total;
	const kept = new Set<Column>();
	for (const column of [...columns].sort((a, b) => a.spare - b.spare)) {
		const width = (column.width || name) + gap.length;
		if (width > room) continue;
		room -= width;
		kept.add(column);
	}
	return columns
		.filter((column) => kept.has(column))
		.map((column) => ({ column, width: column.width || name }));
}

function padded(text: string, width: number, align: Column['align']): string {
	const padding = ' '.repeat(Math.max(0, width - [...text].length));
	return align === 'right' ? padding + text : text + padding;
}

function amount(value: number, style: Style | undefined): Cell {
	return value === 0 ? { text: '·', style: 'dim' } : { text: count(value), style };
}

function presenceOf({ presence, since: at, paused, decommissioned }: NodeRow, now: number): Cell {
	if (decommissioned) return { text: 'decommissioned', style: 'dim' };
	if (presence === 'present')
		return paused ? { text: 'paused', style: 'yellow' } : { text: 'present', style: 'green' };
	if (presence === 'never') return { text: 'never seen', style: 'dim' };
	return { text: `${presence} ${since(at, now)}`.trimEnd(), style: presence === 'absent' ? 'yellow' : 'dim' };
}

function clockCell(offsetMs: number | null): Cell {
	if (offsetMs === null) return { text: '' };
	if (Math.abs(offsetMs) < clockTolerated) return { text: 'ok', style: 'dim' };
	return { text: `${offsetMs > 0 ? '-' : '+'}${largestUnit(Math.abs(offsetMs))}`, style: 'red' };
}

/** `3h`: how long ago; empty where there is no time. */
function since(time: string | null, now: number): string {
	return time === null ? '' : largestUnit(Math.max(0, now - Date.parse(time)));
}

function largestUnit(ms: number): string {
	return ms < 1000 ? '0s' : (formatDuration(Math.floor(ms / 1000) * 1000).split(' ')[0] ?? '');
}
