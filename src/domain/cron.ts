/**
 * Owns cron: an expression, checked, and the moments that it means in a time zone.
 * Promises the rules of ARCHITECTURE.md ("Time") wherever clocks are put forward or back. With a fixed hour each local time counts
 * once: one that exists twice the first time, one that does not exist later by the gap. With a wildcard or a step as the hour real
 * time counts, and every moment whose local time matches is one. Pure. (cron-parser reads the expression. Its own walk through
 * time takes gaps for whole hours: it leaves out half of an hour, or a day, where clocks move by 30 minutes.)
 */

import { CronExpressionParser, type CronFieldCollection } from 'cron-parser';
import { StewardError } from '../base/errors.ts';
import type { Stretch, Zone } from './zone.ts';

const dayMs = 86_400_000;
/** February 29 is eight years away at the most; what does not come until then never comes. */
const longestYears = 12;

export type Cron = {
	readonly expression: string;
	/** The times of a day in milliseconds, in order. */
	readonly times: readonly number[];
	/** Whether the moments are those of real time, or each local time counts once. */
	readonly isRealTime: boolean;
	/** Whether it means this day; `day` is a multiple of a day in milliseconds. */
	readonly meansDay: (day: number) => boolean;
};

/** @throws StewardError `invalid`: the message says what is wrong with the expression */
export function parseCron(expression: string): Cron {
	const text = expression.trim().replaceAll(/\s+/g, ' ');
	const words = text.split(' ');
	if (!text.startsWith('@') && words.length !== 5 && words.length !== 6) {
		throw invalid(
			'5 fields (minute hour day month weekday), 6 with seconds before them, or a name such as @daily',
			text,
		);
	}
	// What it stands for is drawn anew by each parse: a tick would have no name.
	if (words.some((word) => /^H/.test(word))) throw invalid('no H: jitter spreads the nodes', text);
	let fields: CronFieldCollection;
	try {
		fields = CronExpressionParser.parse(text, { tz: 'UTC' }).fields;
	} catch (error) {
		throw invalid(`a cron expression (${problemOf(error)})`, text, error);
	}
	const hour = words.at(-4) ?? '';
	const numbers = (values: readonly (number | string)[]) => values.map(Number).sort((a, b) => a - b);
	const hours = numbers(fields.hour.values);
	const times = hours.flatMap((h) =>
		numbers(fields.minute.values).flatMap((m) =>
			numbers(fields.second.values).map((s) => ((h * 60 + m) * 60 + s) * 1000),
		),
	);
	const isRealTime = fields.hour.isWildcard || hour.includes('/') || hours.length === 24;
	return { expression: text, times, isRealTime, meansDay: dayMatcher(fields) };
}

/** The first moment after `after`, undefined where there is none for years. All in milliseconds since the epoch. */
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
	const shifted = offset > before ? nextWall(cron, start + before, from + offset) : undefined;
	const moments = [
		...(usual === undefined ? [] : [usual - offset]),
		...(shifted === undefined ? [] : [shifted - before]),
	];
	return moments.length === 0 ? undefined : Math.min(...moments);
}

/** The first local time after `after` and before `end`, undefined where there is none. */
function nextWall({ times, meansDay }: Cron, after: number, end: number): number | undefined {
	for (let day = Math.floor(after / dayMs) * dayMs; day < end; day += dayMs) {
		if (!meansDay(day)) continue;
		const wall = day + dayMs > after ? firstAfter(times, after - day) : undefined;
		if (wall !== undefined) return day + wall < end ? day + wall : undefined;
	}
	return undefined;
}

/** The first of these, which are in order, that is greater. */
function firstAfter(times: readonly number[], after: number): number | undefined {
	let [low, high] = [0, times.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((times[middle] ?? 0) > after) high = middle;
		else low = middle + 1;
	}
	return times[low];
}

/** As cron has it: where both day and weekday are said, one of them is enough. */
function dayMatcher({ dayOfMonth, month, dayOfWeek }: CronFieldCollection): (day: number) => boolean {
	const months = new Set<unknown>(month.values);
	const days = new Set<unknown>(dayOfMonth.values);
	const weekdays = new Set<unknown>(dayOfWeek.values.map((value) => (value === 7 ? 0 : value)));
	const lastWeekdays = new Set(
		dayOfWeek.values
			.flatMap((value) => /^(\d)L$/.exec(String(value))?.[1] ?? [])
			.map((digit) => Number(digit) % 7),
	);
	const { nthDay } = dayOfWeek;
	return (day) => {
		const date = new Date(day);
		if (!months.has(date.getUTCMonth() + 1)) return false;
		const [dayInMonth, weekday] = [date.getUTCDate(), date.getUTCDay()];
		const daysLeft =
			new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate() - dayInMonth;
		const isDay = days.has(dayInMonth) || (dayOfMonth.hasLastChar && daysLeft === 0);
		const isNth = nthDay === 0 || Math.ceil(dayInMonth / 7) === nthDay;
		const isWeekday = (weekdays.has(weekday) && isNth) || (lastWeekdays.has(weekday) && daysLeft < 7);
		if (dayOfMonth.isWildcard) return dayOfWeek.isWildcard || isWeekday;
		return dayOfWeek.isWildcard ? isDay : isDay || isWeekday;
	};
}

/** The words of cron-parser without its own opening. */
function problemOf(error: unknown): string {
	const text = error instanceof Error ? error.message : String(error);
	const words = text.replace(/^(Constraint error|Validation error|Invalid cron expression), /, '');
	return words.charAt(0).toLowerCase() + words.slice(1);
}

function invalid(expected: string, got: string, cause?: unknown): StewardError {
	return new StewardError('invalid', `expected ${expected}, got "${got}"`, { cause });
}
