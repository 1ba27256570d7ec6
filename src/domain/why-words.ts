/**
 * Owns the words that the answers to "why" have in common: how long, how far away, with which exit code.
 * Promises that what is not known is called so.
 * Pure.
 */

import { formatDuration } from '../base/duration.ts';
import type { Presence } from './view.ts';

export function exitText(exitCode: number | null | undefined): string {
	return exitCode === null || exitCode === undefined ? '' : ` with exit code ${exitCode}`;
}

export function awayText(node: string, presence: Presence, now: number): string {
	const since = presence.since ? ` since ${presence.since} (${elapsed(presence.since, now)})` : '';
	switch (presence.status) {
		case 'absent':
			return `${node} is absent${since}`;
		case 'unknown':
			return `whether ${node} is there is unknown: no centre${since || ' watches'}`;
		case 'never':
			return `${node} was never seen`;
		case 'present':
			return `${node} is present`;
	}
}

export function elapsed(since: string, now: number): string {
	return formatDuration(Math.max(0, now - Date.parse(since)));
}

export function relative(time: string, now: number): string {
	const ms = Date.parse(time) - now;
	return ms >= 0 ? `in ${formatDuration(ms)}` : `${formatDuration(-ms)} ago`;
}

export function lowered(text: string): string {
	return text.charAt(0).toLowerCase() + text.slice(1);
}
