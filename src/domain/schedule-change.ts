/**
 * Owns what is different between two versions of a schedule, and what that means for its ticks.
 * Promises that how a form is written makes no difference: `60m` is `1h`, and a default that is said is one that is not.
 * Pure.
 */

import { contentDigest } from '../base/ids.ts';
import type { Schedule } from './schedule.ts';

/** What a stored form means, as far as this program can tell. */
type Before = Schedule | { readonly problem: string };

/** Fields of the form that mean something else; all of them where nobody can tell. */
export function differences(before: Before, after: Schedule): string[] {
	if ('problem' in before) return Object.keys(meaningOf(after));
	const [was, is] = [meaningOf(before), meaningOf(after)];
	return Object.keys(is).filter((field) => contentDigest(was[field]) !== contentDigest(is[field]));
}

function meaningOf(schedule: Schedule): Readonly<Record<string, unknown>> {
	const { recurrence, zone, target, message, placement, missed, overlap, jitterMs } = schedule;
	return {
		cron: recurrence.kind === 'cron' ? recurrence.cron.expression : null,
		every: recurrence.kind === 'every' ? recurrence.everyMs : null,
		timeZone: zone.name,
		toNodes: 'nodes' in target ? target.nodes : null,
		where: 'where' in target ? target.where : null,
		...{ message, placement, missed, overlap, jitter: jitterMs },
		...{ startAt: schedule.startAt, endAt: schedule.endAt, paused: schedule.paused, note: schedule.note },
	};
}

const fieldsOfTicks: readonly string[] = [
	...['cron', 'every', 'timeZone', 'toNodes', 'where', 'startAt', 'placement'],
];

/** Whether its ticks count from the change on: none of before is one that it missed. */
export function startsAnew(before: Before, after: Schedule, now: number): boolean {
	if ('problem' in before) return true;
	const fields = differences(before, after);
	const isResumed = before.paused && !after.paused;
	// What was over has missed nothing since.
	const isRevived = fields.includes('endAt') && before.endAt !== null && before.endAt < now;
	return isResumed || isRevived || fields.some((field) => fieldsOfTicks.includes(field));
}
