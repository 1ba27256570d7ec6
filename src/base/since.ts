/**
 * Owns how people say since when: a duration ago, or a moment.
 * Promises milliseconds since the epoch, or nothing for what is neither.
 * Pure.
 */

import { parseDuration } from './duration.ts';

export const sinceRule = 'expected a duration such as "1h" or a time such as "2026-11-22T10:00:00Z"';

/** `1h` is an hour before `nowMs`. */
export function parseSince(text: string, nowMs: number): number | undefined {
	const ms = parseDuration(text);
	if (ms !== undefined) return nowMs - ms;
	const moment = Date.parse(text);
	return /^\d{4}-\d\d-\d\d(T|$)/.test(text) && !Number.isNaN(moment) ? moment : undefined;
}
