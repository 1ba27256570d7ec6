/**
 * Owns how schedules are told in the JSON contract: one as it stands, its ticks, its changes, what became of a wish.
 * Promises times in RFC 3339 UTC and fields that are always there, null where nothing is known.
 * Pure. The shapes themselves are in schedule-view-schema.ts, and described in docs/json.md.
 */

import { rfc3339 } from '../base/clock.ts';
import { formatHandle } from './names.ts';
import { parseSchedule, type Schedule, type ScheduleChange, type ScheduleRecord } from './schedule.ts';
import type {
	ScheduleChangeView,
	ScheduleOutcome,
	ScheduleTickView,
	ScheduleView,
} from './schedule-view-schema.ts';
import { scheduleWords } from './schedule-words.ts';
import type { CommandState } from './state.ts';
import { nextTicks, tickId } from './ticks.ts';
import { timeOrNull } from './view.ts';
import { localTime } from './zone.ts';

export type {
	ScheduleChangeView,
	ScheduleOutcome,
	ScheduleTickView,
	ScheduleView,
} from './schedule-view-schema.ts';

/** The newest command of a schedule on a node; `state` null where its node alone knows of it so far. Times in milliseconds. */
export type LastOnNode = {
	readonly node: string;
	readonly id: string;
	readonly tick: number;
	readonly state: CommandState | null;
};

/** What a node said of a schedule that it fires by itself. Times in milliseconds. */
export type OnNode = {
	readonly node: string;
	readonly version: number | null;
	readonly next: number | null;
	readonly last: number | null;
	readonly missed: number;
};

/** What is known of a schedule beside its record. */
export type ScheduleFacts = {
	readonly now: number;
	readonly targets: number;
	readonly last: readonly LastOnNode[];
	readonly on: readonly OnNode[];
	readonly counts: ScheduleView['counts'];
	/** Why nobody vouches for it, where somebody has to. */
	readonly problem: string | undefined;
};

/** @param mostNodes Nodes that are named; the states count all. */
export function scheduleView(
	record: ScheduleRecord,
	schedule: Schedule,
	facts: ScheduleFacts,
	mostNodes: number,
): ScheduleView {
	const { recurrence, target, missed } = schedule;
	const all = missed.policy === 'all' ? missed : undefined;
	const [next] = upcoming(record, schedule, facts.now, 1);
	const stateOf = new Map(facts.last.map((one) => [`${one.node} ${one.tick}`, one.state]));
	return {
		name: record.name,
		version: record.version,
		words: scheduleWords(schedule),
		problem: facts.problem ?? null,
		cron: recurrence.kind === 'cron' ? recurrence.cron.expression : null,
		everyMs: recurrence.kind === 'every' ? recurrence.everyMs : null,
		timeZone: schedule.zone.name,
		toNodes: 'nodes' in target ? [...target.nodes] : null,
		where: 'where' in target ? target.where : null,
		targets: facts.targets,
		message: recordOf(record.form.message),
		placement: schedule.placement,
		missed: { policy: missed.policy, max: all?.max ?? null, notOlderThanMs: all?.notOlderThanMs ?? null },
		overlap: schedule.overlap,
		jitterMs: schedule.jitterMs,
		startAt: timeOrNull(schedule.startAt),
		endAt: timeOrNull(schedule.endAt),
		paused: schedule.paused,
		note: schedule.note,
		since: rfc3339(record.since),
		next: schedule.paused || facts.problem !== undefined ? null : timeOrNull(next),
		last: lastView(facts.last, mostNodes),
		counts: facts.counts,
		changed: changedOf(record),
		on: facts.on.slice(0, mostNodes).map(({ node, version, next, last, missed }) => ({
			node,
			version,
			inEffect: version === record.version,
			next: timeOrNull(next),
			last: timeOrNull(last),
			lastState: stateOf.get(`${node} ${last}`) ?? null,
			missed,
		})),
	};
}

function unreadableWords({ problem }: { readonly problem: string }): string {
	return `cannot be read: ${problem}`;
}

/** One whose form this program cannot read: nothing of it is fired by it. What the form says stands in `message` alone. */
export function unreadableView(
	record: ScheduleRecord,
	unreadable: { readonly problem: string },
	counts: ScheduleView['counts'],
): ScheduleView {
	const { name, version, form, since } = record;
	return {
		...{ name, version, words: unreadableWords(unreadable), problem: unreadable.problem },
		...{ cron: null, everyMs: null, timeZone: 'UTC', toNodes: null, where: null, targets: 0 },
		...{ message: recordOf(form.message), placement: form.placement === 'node' ? 'node' : 'centre' },
		...{ missed: { policy: 'once', max: null, notOlderThanMs: null }, overlap: 'skip', jitterMs: 0 },
		...{ startAt: null, endAt: null, paused: form.paused === true, since: rfc3339(since), counts },
		...{ note: typeof form.note === 'string' ? form.note : '', next: null, last: null, on: [] },
		changed: changedOf(record),
	};
}

function changedOf({ changes, since }: ScheduleRecord): ScheduleView['changed'] {
	const { at = since, by = '' } = changes.at(-1) ?? {};
	return { at: rfc3339(at), by };
}

function lastView(last: readonly LastOnNode[], mostNodes: number): ScheduleView['last'] {
	if (last.length === 0) return null;
	const states: Record<string, number> = {};
	for (const { state } of last) states[state ?? 'unreported'] = (states[state ?? 'unreported'] ?? 0) + 1;
	return {
		tick: rfc3339(last.reduce((newest, { tick }) => Math.max(newest, tick), 0)),
		states,
		nodes: last.slice(0, mostNodes).map(({ node, id, tick, state }) => ({
			node,
			handle: formatHandle({ node, id }),
			tick: rfc3339(tick),
			state,
		})),
	};
}

/** The tick of a schedule on a node that fired it by itself, and of which the centre may not have heard yet. */
export function lastOf(name: string, node: string, tick: number, state: CommandState | null): LastOnNode {
	return { node, id: tickId(name, node, tick), tick, state };
}

/** The next ticks after `now` as they are told; also of a schedule that is paused. */
export function ticksAfter(
	record: Pick<ScheduleRecord, 'name' | 'since'>,
	schedule: Schedule,
	now: number,
	count: number,
): ScheduleTickView[] {
	const { name, zone } = schedule;
	return upcoming(record, schedule, now, count).map((tick) => ({
		name,
		tick: rfc3339(tick),
		timeZone: zone.name,
		local: localTime(tick, zone.name),
	}));
}

function upcoming(
	{ since }: Pick<ScheduleRecord, 'since'>,
	schedule: Schedule,
	now: number,
	count: number,
): number[] {
	return nextTicks(schedule, Math.max(now, since), count);
}

export function changeView(
	{ name }: Pick<ScheduleRecord, 'name'>,
	change: ScheduleChange,
): ScheduleChangeView {
	return { ...change, name, at: rfc3339(change.at), reason: change.reason ?? '' };
}

const ticksOfPreview = 10;

/** What a form would be, were it stored. @throws StewardError `invalid` with all problems */
export function previewOf(form: unknown, now: number): ScheduleOutcome {
	const schedule = parseSchedule(form);
	const record = { name: schedule.name, form: recordOf(form), since: now, version: null };
	return outcomeView('valid', record, schedule, now, { count: ticksOfPreview });
}

/** @param count Ticks that are told. */
export function outcomeView(
	outcome: ScheduleOutcome['outcome'],
	record: Pick<ScheduleRecord, 'name' | 'form' | 'since'> & { readonly version: number | null },
	schedule: Schedule | { readonly problem: string },
	now: number,
	{ count = 1, fields = [] }: { count?: number; fields?: readonly string[] } = {},
): ScheduleOutcome {
	const { name, version, form } = record;
	const told = { name, outcome, version, fields: [...fields], form };
	if ('problem' in schedule) {
		const { problem } = schedule;
		return { ...told, words: unreadableWords(schedule), problem, paused: form.paused === true, next: [] };
	}
	const { paused } = schedule;
	const isOver = outcome === 'removed' || (paused && outcome !== 'valid');
	const next = isOver ? [] : ticksAfter(record, schedule, now, count);
	return { ...told, words: scheduleWords(schedule), problem: null, paused, next };
}

function recordOf(value: unknown): Record<string, unknown> {
	return typeof value === 'object' && value !== null ? { ...value } : {};
}
