/**
 * Owns the moments that a cron expression means in a time zone.
 * Promises the rules of ARCHITECTURE.md ("Time") wherever clocks are put forward or back. With a fixed hour each local time counts
 * once: one that exists twice the first time, one that does not exist later by the gap. With a wildcard or a step as the hour real
 * time counts, and every moment whose local time matches is one. Pure. (cron-parser's own walk through time takes gaps for whole
 * hours: it leaves out half of an hour, or a day, where clocks move by 30 minutes.)
 */

import { type CronFields, firstMeant, isMeant, readCronFields } from './cron-fields.ts';
import type { Stretch, Zone } from './zone.ts';

const dayMs = 86_400_000;
/** The fifth Monday of a February is 40 years away at the most (2072 to 2112); what does not come until then never comes. */
const longestYears = 41;

export type Cron = CronFields & { readonly expression: string };

/** Many schedules say the same: those that were read last, so that 50,000 schedules hold a few of them and are read quickly. */
const known = new Map<string, Cron>();
const mostKnown = 1000;

/** @throws StewardError `invalid`: the message says what is wrong with the expression */
export function parseCron(expression: string): Cron {
	const text = expression.trim().replaceAll(/\s+/g, ' ');
	const found = known.get(text);
	if (found) return found;
	const cron = { expression: text, ...readCronFields(text) };
	if (known.size >= mostKnown) known.clear();
	known.set(text, cron);
	return cron;
}

/** The first moment after `after`, undefined where there is none for decades. All in milliseconds since the epoch. */
export function nextOfCron(cron: Cron, zone: Zone, after: number): number | undefined {
	const end = new Date(after).getUTCFullYear() + longestYears;
	for (let stretch = zone.stretchAt(after); ; stretch = zone.stretchAt(stretch.to)) {
		const next = cron.isRealTime
			? nextOfRealTime(cron, stretch, after)
			: nextOfLocalTime(cron, stretch, after);
		if (next !== undefined) return next;
		if (new Date(stretch.to).getUTCFullYear() > end) return undefined;
	}
}

function nextOfRealTime(cron: Cron, { from, to, offset }: Stretch, after: number): number | undefined {
	const wall = nextWall(cron, Math.max(after, from - 1) + offset, to + offset);
	return wall === undefined ? undefined : wall - offset;
}

function nextOfLocalTime(cron: Cron, stretch: Stretch, after: number): number | undefined {
	const { from, to, offset, before } = stretch;
	const start = Math.max(after, from - 1);
	// What the clocks show a second time after they were put back has had its moment.
	const usual = nextWall(cron, Math.max(start + offset, from + before - 1), to + offset);
	// What they never showed comes later by the gap.
	const end = Math.min(from + offset, to + before);
	const shifted = start + before < end ? nextWall(cron, start + before, end) : undefined;
	if (shifted === undefined) return usual === undefined ? undefined : usual - offset;
	return Math.min(shifted - before, usual === undefined ? shifted - before : usual - offset);
}

/** The first local time after `after` and before `end`, undefined where there is none. */
function nextWall(cron: Cron, after: number, end: number): number | undefined {
	let day = Math.floor(after / dayMs) * dayMs;
	while (day < end) {
		const date = new Date(day);
		const month = date.getUTCMonth() + 1;
		if (!isMeant(cron.months, month)) {
			day = Date.UTC(date.getUTCFullYear(), month);
			continue;
		}
		const time = meansDay(cron, date) ? timeAfter(cron, after - day) : undefined;
		if (time !== undefined) return day + time < end ? day + time : undefined;
		day += dayMs;
	}
	return undefined;
}

/** Whether it means this day of a month that it means. As cron has it: where both day and weekday are said, one of them is enough. */
function meansDay(cron: Cron, date: Date): boolean {
	if (cron.isAnyDay) return cron.isAnyWeekday || meansWeekday(cron, date);
	const day = date.getUTCDate();
	if (isMeant(cron.days, day) || (cron.hasLastDay && daysLeft(date) === 0)) return true;
	return !cron.isAnyWeekday && meansWeekday(cron, date);
}

function meansWeekday({ weekdays, nthWeekday, lastWeekdays }: Cron, date: Date): boolean {
	const weekday = date.getUTCDay();
	const isNth = nthWeekday === 0 || Math.ceil(date.getUTCDate() / 7) === nthWeekday;
	return (isNth && isMeant(weekdays, weekday)) || (isMeant(lastWeekdays, weekday) && daysLeft(date) < 7);
}

/** Of the month, after this day. */
function daysLeft(date: Date): number {
	const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0));
	return last.getUTCDate() - date.getUTCDate();
}

/** The first time of a day that is later than `after`, which may be before the day. Milliseconds since midnight. */
function timeAfter({ hours, minutes, seconds }: Cron, after: number): number | undefined {
	const from = Math.max(0, Math.floor(after / 1000) + 1);
	const [h, m, s] = [Math.floor(from / 3600), Math.floor(from / 60) % 60, from % 60];
	if (isMeant(hours, h)) {
		const second = isMeant(minutes, m) ? firstMeant(seconds, s) : -1;
		if (second >= 0) return timeOf(h, m, second);
		const minute = firstMeant(minutes, m + 1);
		if (minute >= 0) return timeOf(h, minute, firstMeant(seconds));
	}
	const hour = firstMeant(hours, h + 1);
	return hour < 0 ? undefined : timeOf(hour, firstMeant(minutes), firstMeant(seconds));
}

function timeOf(hour: number, minute: number, second: number): number {
	return ((hour * 60 + minute) * 60 + second) * 1000;
}
