/**
 * Owns how schedules are shown to people: many as a table, one in full, its ticks, its changes.
 * Promises that text from elsewhere is neutralised, and that what a node has not heard of yet is called so.
 * Pure but for the writing.
 */

import { formatDuration } from '../../base/duration.ts';
import { neutralise, oneLine } from '../../base/text.ts';
import type { UnsignedSchedule } from '../../client/schedule-reading.ts';
import type {
	ScheduleChangeView,
	ScheduleOutcome,
	ScheduleTickView,
	ScheduleView,
} from '../../domain/schedule-view.ts';
import type { CommandState } from '../../domain/state.ts';
import { localTime } from '../../domain/zone.ts';
import { count } from './output.ts';
import { type Screen, type Style, truncate } from './screen.ts';
import { stateStyle } from './states.ts';
import { printFact, table } from './table.ts';
import { ago, timeWithAgo } from './time.ts';

/** More nodes are counted by their states. */
const namedNodes = 3;
const shownData = 200;

export function scheduleTable(views: readonly ScheduleView[], screen: Screen, nowMs: number): string {
	return table(
		views,
		[
			{ title: 'NAME', cell: ({ name }) => name },
			{
				title: 'WHEN',
				cell: (view) => oneLine(whenText(view)),
				style: ({ problem }) => (problem === null ? undefined : 'red'),
				shrinks: true,
			},
			{ title: 'NODES', cell: nodesText, shrinks: true },
			{ title: 'BY', cell: placementText, style: (view) => (isOnItsWay(view) ? 'yellow' : undefined) },
			{ title: 'NEXT', cell: (view) => nextText(view, nowMs) },
			{ title: 'LAST', cell: ({ last }) => (last ? ago(last.tick, nowMs) : '-') },
			{ title: 'OUTCOME', cell: outcomeText, style: outcomeStyle, shrinks: true },
			{ title: 'MISSED', cell: ({ counts }) => count(counts.missed), align: 'right' },
			{ title: 'NOTE', cell: ({ note }) => oneLine(note), shrinks: true },
		],
		screen,
	);
}

/** Its form cannot be read: a schedule that can has one of the two. */
function isUnreadable({ cron, everyMs }: ScheduleView): boolean {
	return cron === null && everyMs === null;
}

function whenText(view: ScheduleView): string {
	return view.problem === null || isUnreadable(view) ? view.words : `fires nothing: ${view.problem}`;
}

function nodesText(view: ScheduleView): string {
	const { toNodes, where, targets } = view;
	if (isUnreadable(view)) return '-';
	if (toNodes) return toNodes.join(',');
	const labels = Object.entries(where ?? {}).map(([key, value]) => oneLine(`${key}=${value}`));
	return `${labels.join(',')} (${targets})`;
}

function isOnItsWay({ on }: ScheduleView): boolean {
	return on.some(({ inEffect }) => !inEffect);
}

function placementText(view: ScheduleView): string {
	return `${view.placement}${isOnItsWay(view) ? ' (on its way)' : ''}`;
}

function nextText({ problem, next, paused }: ScheduleView, nowMs: number): string {
	if (problem !== null) return 'never';
	if (paused) return 'paused';
	return next === null ? 'over' : ago(next, nowMs);
}

function outcomeText({ last }: ScheduleView): string {
	if (!last) return '-';
	const { states, nodes } = last;
	if (sumOf(states) <= namedNodes)
		return nodes.map(({ node, state }) => `${node} ${state ?? 'unreported'}`).join(', ');
	return Object.entries(states)
		.map(([state, number]) => `${count(number)} ${state}`)
		.join(', ');
}

function sumOf(counts: Readonly<Record<string, number>>): number {
	return Object.values(counts).reduce((sum, one) => sum + one, 0);
}

function outcomeStyle({ last }: ScheduleView): Style | undefined {
	const styles = Object.keys(last?.states ?? {}).map((state) => styleOf(state));
	return (['red', 'yellow', 'cyan', 'green'] as const).find((style) => styles.includes(style));
}

function styleOf(state: string | null): Style {
	return state === null || state === 'unreported' ? 'yellow' : stateStyle(state as CommandState);
}

/** Everything that is known of a schedule. */
export function printSchedule(screen: Screen, view: ScheduleView, nowMs: number): void {
	const row = (name: string, text: string | null | undefined | false) => printFact(screen, name, text);
	const { message, missed, last, counts, jitterMs } = view;
	const { method, data, ...policy } = message;
	const state = view.paused ? '  paused' : '';
	screen.line(`${screen.paint('bold', view.name)}  version ${view.version}${screen.paint('yellow', state)}`);
	row('problem', view.problem !== null && screen.paint('red', oneLine(view.problem)));
	if (isUnreadable(view)) {
		row('', 'nothing of it fires: install the newer steward that wrote it, or schedules add --replace it');
		row('form', 'schedules show --form shows it as it is stored');
		row('changed', `${timeWithAgo(view.changed.at, nowMs)} by ${oneLine(view.changed.by)}`);
		return;
	}
	row('', view.problem !== null && 'the centre fires nothing of it, and tells no node of it');
	row('when', `${view.words}${view.cron === null ? '' : `  (${view.cron})`}`);
	row('nodes', nodesText(view));
	row('sends', oneLine(truncate(`${String(method)} ${JSON.stringify(data ?? null)}`, shownData)));
	row('policy', Object.keys(policy).length > 0 && oneLine(truncate(JSON.stringify(policy), shownData)));
	row('fired by', view.placement === 'node' ? 'its nodes, also without a link' : 'the centre');
	row('missed', missedText(missed));
	row('overlap', overlapText[view.overlap]);
	row('jitter', jitterMs > 0 && `up to ${formatDuration(jitterMs)}`);
	row('starts', view.startAt && timeWithAgo(view.startAt, nowMs));
	row('ends', view.endAt && timeWithAgo(view.endAt, nowMs));
	row('note', oneLine(view.note));
	row('changed', `${timeWithAgo(view.changed.at, nowMs)} by ${oneLine(view.changed.by)}`);
	const next = view.next && `${localTime(Date.parse(view.next), view.timeZone)} (${ago(view.next, nowMs)})`;
	row('next', next ?? nextText(view, nowMs));
	row(
		'counts',
		`${count(counts.fired)} fired, ${count(counts.missed)} missed, ${count(counts.skipped)} skipped`,
	);
	row('last', last && `${localTime(Date.parse(last.tick), view.timeZone)} (${ago(last.tick, nowMs)})`);
	for (const { handle, tick, state } of last?.nodes ?? []) {
		const earlier = tick === last?.tick ? '' : `  of ${timeWithAgo(tick, nowMs)}`;
		row('', `${handle}  ${screen.paint(styleOf(state), state ?? 'unreported')}${earlier}`);
	}
	const more = sumOf(last?.states ?? {}) - (last?.nodes.length ?? 0);
	row('', more > 0 && `and ${count(more)} more`);
	for (const on of view.on) row('on', onText(on, nowMs));
}

function missedText({ policy, max, notOlderThanMs }: ScheduleView['missed']): string {
	switch (policy) {
		case 'skip':
			return 'skip: what could not fire in time does not fire';
		case 'once':
			return 'once: of what could not fire in time the last one fires';
		case 'all':
			return `all: of what could not fire in time the last ${count(max ?? 0)} fire, not older than ${formatDuration(notOlderThanMs ?? 0)}`;
	}
}

const overlapText: Record<ScheduleView['overlap'], string> = {
	allow: 'allow: queued beside the one before',
	skip: 'skip: left out while the one before is not done',
	replace: 'replace: the one before is called off if it has not started',
};

function onText(
	{ node, version, inEffect, next, last, lastState, missed }: ScheduleView['on'][number],
	nowMs: number,
): string {
	const has = version === null ? 'has none' : `has version ${version}`;
	const facts = [
		inEffect ? has : `${has}: the change is on its way`,
		next && `next ${ago(next, nowMs)}`,
		last && `last ${ago(last, nowMs)} ${lastState ?? 'unreported'}`,
		missed > 0 && `${count(missed)} missed`,
	];
	return `${node}  ${facts.filter(Boolean).join(', ')}`;
}

/** In the schedule's own zone, and in that of who looks. */
export function tickTable(
	ticks: readonly ScheduleTickView[],
	screen: Screen,
	nowMs: number,
	ownZone: string,
): string {
	const zone = ticks[0]?.timeZone ?? ownZone;
	const isOwn = zone === ownZone;
	return table(
		ticks,
		[
			{ title: isOwn ? `${zone} (here)` : zone, cell: ({ tick }) => shown(tick, zone) },
			...(isOwn
				? []
				: [{ title: `${ownZone} (here)`, cell: ({ tick }: ScheduleTickView) => shown(tick, ownZone) }]),
			{ title: 'WHEN', cell: ({ tick }) => ago(tick, nowMs) },
		],
		screen,
	);
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** `Thu 2026-12-24T08:00:00+01:00` */
function shown(tick: string, timeZone: string): string {
	const local = localTime(Date.parse(tick), timeZone);
	return `${weekdays[new Date(`${local.slice(0, 10)}T00:00Z`).getUTCDay()]} ${local}`;
}

export function changeTable(changes: readonly ScheduleChangeView[], screen: Screen, nowMs: number): string {
	return table(
		changes,
		[
			{ title: 'WHEN', cell: ({ at }) => ago(at, nowMs) },
			{ title: 'BY', cell: ({ by }) => oneLine(by) },
			{ title: 'CHANGE', cell: ({ change }) => change },
			{ title: 'VERSION', cell: ({ version }) => String(version), align: 'right' },
			{ title: 'FIELDS', cell: ({ fields }) => fields.join(', '), shrinks: true },
			{ title: 'REASON', cell: ({ reason }) => oneLine(reason), shrinks: true },
		],
		screen,
	);
}

/** `added  nightly  version 1  At 03:00, Europe/Oslo  next 2026-12-24T03:00:00+01:00 (in 3h)` */
export function outcomeLine(outcome: ScheduleOutcome, screen: Screen, nowMs: number): string {
	const { name, version, words, fields, next } = outcome;
	const [tick] = next;
	const isSame = outcome.outcome === 'unchanged';
	return [
		screen.paint(isSame ? 'dim' : 'green', outcome.outcome),
		screen.paint('bold', name),
		version !== null && `version ${version}`,
		oneLine(words),
		outcome.outcome === 'changed' && `(${fields.join(', ')})`,
		tick && `next ${tick.local} (${ago(tick.tick, nowMs)})`,
	]
		.filter(Boolean)
		.join('  ');
}

/** A line for a shell that brings a schedule back; `echo` would turn `\\n` into a new line in some of them. */
export function againLine(form: ScheduleOutcome['form'], program: string): string {
	const quoted = neutralise(JSON.stringify(form)).replaceAll("'", "'\\''");
	return `printf '%s\\n' '${quoted}' | ${program} schedules add --file -`;
}

/** All that a signature would vouch for. */
export function printUnsigned(
	screen: Screen,
	{ name, version, removed, form, by, problem }: UnsignedSchedule,
): void {
	const what = removed ? '  that it was removed' : '';
	screen.line(`${screen.paint('bold', name)}  version ${version}${what}  changed last by ${oneLine(by)}`);
	screen.line(`  ${screen.paint('red', oneLine(problem))}`);
	screen.line(`  ${neutralise(JSON.stringify(form))}`);
}

/** What would fire. */
export function printDryRun(screen: Screen, outcome: ScheduleOutcome, nowMs: number, ownZone: string): void {
	const { name, words, paused, next } = outcome;
	const head = [screen.paint('green', 'valid'), screen.paint('bold', name), words, paused && '(paused)'];
	screen.line(head.filter(Boolean).join('  '));
	if (next.length === 0) screen.line('no tick is to come');
	else screen.line(tickTable(next, screen, nowMs, ownZone));
}
