/**
 * Owns the ticks of a schedule: when they are, what each is called, what each sends, and which of those that are due fire.
 * Promises that a tick's id depends on the schedule's name, the node and the tick's moment alone, whoever fires it; and that ticks
 * are strictly increasing. Pure.
 */

import { rfc3339 } from '../base/clock.ts';
import { derivedId, fnv1a } from '../base/ids.ts';
import { nextOfCron } from './cron.ts';
import { type Envelope, envelopeFor } from './envelope.ts';
import { type CommandLane, centralNode } from './names.ts';
import type { Missed, Schedule } from './schedule.ts';
import { fillIn } from './template.ts';

/** A tick that fires no later than this is not missed, milliseconds. */
export const lateAfterMs = 60_000;
/** Ticks that are counted one by one after an outage; of more the oldest are left out of the count. */
const mostCounted = 100_000;
/** No two ticks are nearer to each other, milliseconds. */
const nearestMs = 1000;
/** What comes later has no date of four digits. */
const lastMoment = Date.parse('9999-12-31T00:00:00Z');

/** The first tick after `after`, undefined where there is none any more. Milliseconds since the epoch. */
export function nextTick(schedule: Schedule, after: number): number | undefined {
	const { recurrence, zone, startAt } = schedule;
	const end = Math.min(schedule.endAt ?? lastMoment, lastMoment);
	const from = startAt === null ? after : Math.max(after, startAt - 1);
	if (from >= end) return undefined;
	let tick: number | undefined;
	if (recurrence.kind === 'cron') tick = nextOfCron(recurrence.cron, zone, from);
	else {
		// Counted from its start, else from the epoch: the same for whoever counts.
		const anchor = startAt ?? 0;
		tick = anchor + (Math.floor((from - anchor) / recurrence.everyMs) + 1) * recurrence.everyMs;
	}
	return tick === undefined || tick > end ? undefined : tick;
}

/** The next ticks after `after` and until `until`, `count` of them at the most. */
export function nextTicks(
	schedule: Schedule,
	after: number,
	count: number,
	until = Number.POSITIVE_INFINITY,
): number[] {
	const ticks: number[] = [];
	let tick = nextTick(schedule, after);
	while (tick !== undefined && tick <= until && ticks.length < count) {
		ticks.push(tick);
		tick = nextTick(schedule, tick);
	}
	return ticks;
}

/** How much later than their moments the ticks of a schedule fire for this node, milliseconds: the same for whoever asks. */
export function jitterOf({ name, jitterMs }: Schedule, node: string): number {
	if (jitterMs === 0) return 0;
	let hash = fnv1a(`${name} ${node}`);
	// Names that differ in their last letter are near each other without this.
	hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0;
	hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) >>> 0;
	hash = (hash ^ (hash >>> 16)) >>> 0;
	return Math.floor((hash / 2 ** 32) * jitterMs);
}

/** The id of the command that a tick is for a node. */
export function tickId(name: string, node: string, tick: number): string {
	return derivedId('tick', name, node, tick);
}

/** The command that a tick is for a node. */
export function tickEnvelope(
	schedule: Schedule,
	{
		node,
		tick,
		version,
		methodLane,
	}: { node: string; tick: number; version: number; methodLane?: CommandLane | undefined },
): Envelope {
	const { name } = schedule;
	let { message } = schedule;
	if (schedule.isTemplate)
		message = { ...message, data: fillIn(message.data, { node, tick: rfc3339(tick), schedule: name }) };
	const envelope = envelopeFor(message, node, tickId(name, node, tick), centralNode, methodLane);
	return { ...envelope, schedule: { name, tick, version } };
}

/** Which of the ticks that are due fire, in order, and how many were missed. */
export type Decision = { readonly fire: readonly number[]; readonly missed: number };

/**
 * What becomes of the ticks of one node that were due after `through` and until `now`: `ticks` has them, in order, and perhaps more.
 * `shift` is how much later than its moment each of them fires, {@link jitterOf}.
 */
export function decide(
	missed: Missed,
	ticks: readonly number[],
	{ through, now, shift }: { through: number; now: number; shift: number },
): Decision {
	const from = firstAfter(ticks, through - shift);
	const inTimeFrom = Math.max(from, firstAfter(ticks, now - shift - lateAfterMs - 1));
	const to = firstAfter(ticks, now - shift);
	const inTime = ticks.slice(inTimeFrom, to);
	const madeUp = madeUpFor(missed, ticks.slice(from, inTimeFrom), inTime, now);
	return { fire: [...madeUp, ...inTime], missed: inTimeFrom - from - madeUp.length };
}

function madeUpFor(
	missed: Missed,
	late: readonly number[],
	inTime: readonly number[],
	now: number,
): readonly number[] {
	switch (missed.policy) {
		case 'skip':
			return [];
		case 'once':
			// One that is in time makes up for those before it.
			return inTime.length > 0 ? [] : late.slice(-1);
		case 'all':
			return late.filter((tick) => now - tick <= missed.notOlderThanMs).slice(-missed.max);
	}
}

/**
 * The ticks that are due after `through` and until `now` for any node, in order. After a long outage of a dense schedule its
 * oldest are left out.
 */
export function dueTicks(schedule: Schedule, through: number, now: number): readonly number[] {
	return newestOf(schedule, through - schedule.jitterMs, now);
}

/** As {@link dueTicks}, for the node that fires each of them `shift` later, {@link jitterOf}; none until `since`. */
export function dueTicksOf(
	schedule: Schedule,
	{ through, since, now, shift }: { through: number; since: number; now: number; shift: number },
): readonly number[] {
	return newestOf(schedule, Math.max(since, through - shift), now - shift);
}

/** The ticks after `from` and until `until`, in order: the newest, where they are more than are counted. */
function newestOf(schedule: Schedule, from: number, until: number): readonly number[] {
	const ticks = nextTicks(schedule, from, mostCounted, until);
	return ticks.length < mostCounted ? ticks : newestTicks(schedule, from, until);
}

/** The last ticks after `from` and until `until`, in order, as many as are counted. */
function newestTicks(schedule: Schedule, from: number, until: number): number[] {
	const pieces: number[][] = [];
	let left = mostCounted;
	let last = lastTick(schedule, from, until);
	while (last !== undefined && left > 0) {
		// There is no room for more than are left.
		const start = Math.max(from, last - left * nearestMs);
		const piece = nextTicks(schedule, start, left, last);
		pieces.unshift(piece);
		left -= piece.length;
		last = lastTick(schedule, from, start);
	}
	return pieces.flat();
}

/** The last tick after `from` and until `until`. Finds it by halves, since ticks are reckoned forward. */
function lastTick(schedule: Schedule, from: number, until: number): number | undefined {
	let last = nextTick(schedule, from);
	if (last === undefined || last > until) return undefined;
	let end = until;
	while (end - last >= nearestMs) {
		const middle = Math.floor((last + end) / 2);
		const next = nextTick(schedule, middle);
		if (next !== undefined && next <= until) last = next;
		else end = middle;
	}
	return last;
}

/** Index of the first of these, which are in order, that is greater than `limit`. */
export function firstAfter(ordered: readonly number[], limit: number): number {
	let [low, high] = [0, ordered.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((ordered[middle] ?? 0) > limit) high = middle;
		else low = middle + 1;
	}
	return low;
}
