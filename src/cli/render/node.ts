/**
 * Owns how nodes are shown to people: many as a table, one in full.
 * Promises that labels and other words of the node are neutralised.
 * Pure but for the writing.
 */

import { formatDuration } from '../../base/duration.ts';
import { counted, oneLine } from '../../base/text.ts';
import type { NodeView } from '../../domain/view.ts';
import type { Screen, Style } from './screen.ts';
import { printFact, table } from './table.ts';
import { ago, timeWithAgo } from './time.ts';

const presenceStyle = {
	present: 'green',
	absent: 'red',
	never: 'dim',
	unknown: 'yellow',
} as const satisfies Record<NodeView['presence'], Style>;

export function nodeTable(views: readonly NodeView[], screen: Screen, nowMs: number): string {
	return table(
		views,
		[
			{ title: 'NODE', cell: ({ node }) => node },
			{
				title: 'PRESENCE',
				cell: (view) => `${view.presence}${standingMark(view)}${holdMark(view)}`,
				style: ({ presence }) => presenceStyle[presence],
			},
			{ title: 'SEEN', cell: (view) => seenText(view, nowMs) },
			{ title: 'QUEUED', cell: ({ queued }) => numberText(queued), align: 'right' },
			{ title: 'RUNNING', cell: ({ running }) => String(running.length), align: 'right' },
			{ title: 'OUTBOX', cell: ({ outbox }) => numberText(outbox), align: 'right' },
			{ title: 'VERSION', cell: ({ version }) => oneLine(version ?? '-') },
			{ title: 'LABELS', cell: labelsText, shrinks: true },
		],
		screen,
	);
}

/** Where it stands with the centre, where that is not as usual. */
function standingMark({ decommissioned, queueFull, loud }: NodeView): string {
	const words = [decommissioned && 'decommissioned', queueFull && 'queue full', loud && 'loud'].filter(
		Boolean,
	);
	return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

/** What a node holds back, in a word. */
function holdMark({ lanes, stopped }: NodeView): string {
	const kinds = new Set(lanes.flatMap(({ pause }) => (pause ? [pause.kind] : [])));
	const words = [
		kinds.has('drain') && 'drained',
		kinds.has('pause') && 'paused',
		stopped.length > 0 && `${stopped.length} stopped`,
	].filter((word) => word !== false);
	return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

const pauseWords = { pause: 'paused', drain: 'drained', stop: 'waits' } as const;

function pauseText(
	{ by, reason, since }: NonNullable<NodeView['lanes'][number]['pause']>,
	nowMs: number,
): string {
	return oneLine(`by ${by} since ${timeWithAgo(since, nowMs)}${reason === '' ? '' : `: ${reason}`}`);
}

function seenText({ presence, since, lastSeenAt }: NodeView, nowMs: number): string {
	if (presence === 'present') return 'now';
	const last = since ?? lastSeenAt;
	return last ? ago(last, nowMs) : '-';
}

function numberText(value: number | null): string {
	return value === null ? '-' : String(value);
}

function labelsText({ labels }: NodeView): string {
	return Object.entries(labels)
		.map(([key, value]) => oneLine(`${key}=${value}`))
		.join(',');
}

/** Everything that is known of a node. */
export function printNode(screen: Screen, view: NodeView, nowMs: number): void {
	const row = (name: string, text: string | null | undefined | false) => printFact(screen, name, text);
	const { platform } = view;
	screen.line(
		`${screen.paint('bold', view.node)}  ${screen.paint(presenceStyle[view.presence], view.presence)}`,
	);
	row('since', view.since && timeWithAgo(view.since, nowMs));
	const { decommissioned, queueFull, loud } = view;
	if (decommissioned) {
		const { by, reason, at, settledAt, cancelled, lost } = decommissioned;
		const settled =
			settledAt === null ? 'not all settled yet' : `${cancelled} called off, ${lost} given up as lost`;
		row(
			'service',
			`decommissioned by ${by}, ${timeWithAgo(at, nowMs)}${reason && `: ${reason}`} (${settled})`,
		);
	}
	row(
		'full',
		queueFull &&
			`${counted(queueFull.limit, 'command waits', 'commands wait')} for it: more are refused since ${queueFull.since}`,
	);
	row('loud', loud && `${loud.perSecond} messages a second, ${timeWithAgo(loud.at, nowMs)}`);
	row('last seen', view.lastSeenAt && timeWithAgo(view.lastSeenAt, nowMs));
	row('started', view.startedAt && timeWithAgo(view.startedAt, nowMs));
	row('version', view.version && oneLine(view.version));
	row(
		'platform',
		platform && oneLine(`${platform.os} ${platform.arch}, ${platform.runtime}, host ${platform.hostname}`),
	);
	row('labels', labelsText(view));
	row('clock', view.clockOffsetMs === null ? null : clockText(view.clockOffsetMs));
	row('queued', numberText(view.queued));
	row('outbox', view.outbox === null ? null : `${view.outbox} that it still owes, as it last said`);
	for (const { lane, capacity, running, status, pause } of view.lanes) {
		const why = pause ? `; ${pauseWords[pause.kind]} ${pauseText(pause, nowMs)}` : '';
		row('lane', `${lane}: ${status}, ${running} of ${capacity} in use${why}`);
	}
	for (const stopped of view.stopped) {
		row('stopped', `${oneLine(stopped.method)} ${pauseText(stopped, nowMs)}`);
	}
	for (const run of view.running) {
		row(
			'runs',
			`${run.handle}  ${oneLine(run.method)}  attempt ${run.attempt}, since ${timeWithAgo(run.startedAt, nowMs)}`,
		);
	}
	for (const { name, kind, description } of view.methods) {
		row('method', oneLine(`${name} (${kind})${description ? `: ${description}` : ''}`));
	}
	if (view.conflict) {
		const { machines, noticedAt } = view.conflict;
		row(
			'conflict',
			screen.paint(
				'red',
				`${machines.length} machines use this name (noticed ${timeWithAgo(noticedAt, nowMs)})`,
			),
		);
	}
}

function clockText(offsetMs: number): string {
	const amount = formatDuration(Math.abs(offsetMs));
	return offsetMs === 0
		? "as the broker's"
		: `${amount} ${offsetMs > 0 ? 'behind' : 'ahead of'} the broker's`;
}
