/**
 * Owns how times read to people: how long ago, how long it took.
 * Promises that the exact time stands beside it wherever there is room.
 * Pure.
 */

import { formatDuration } from '../../base/duration.ts';

/** `3m ago`, `in 6d 23h`, `just now`. What is past needs its largest unit only. */
export function ago(time: string, nowMs: number): string {
	const elapsedMs = nowMs - Date.parse(time);
	if (Math.abs(elapsedMs) < 1000) return 'just now';
	const duration = formatDuration(Math.abs(elapsedMs));
	return elapsedMs > 0 ? `${duration.split(' ')[0]} ago` : `in ${duration}`;
}

/** `2026-11-22T10:00:00.000Z (3m ago)` */
export function timeWithAgo(time: string, nowMs: number): string {
	return `${time} (${ago(time, nowMs)})`;
}

/** Time between two, `850ms` or `2m 10s`; empty where one is not known. */
export function took(from: string | null, to: string | null): string {
	if (from === null || to === null) return '';
	return formatDuration(Math.max(0, Date.parse(to) - Date.parse(from)));
}
