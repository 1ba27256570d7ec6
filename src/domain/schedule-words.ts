/**
 * Owns how a schedule reads to people: when it fires, in words.
 * Promises words for every schedule that is valid; where nobody has better ones, the expression itself.
 * Pure.
 */

import cronstrue from 'cronstrue';
import type { Schedule } from './schedule.ts';

const units = [
	['day', 86_400_000],
	['hour', 3_600_000],
	['minute', 60_000],
	['second', 1000],
	['millisecond', 1],
] as const;

/** `At 03:00, Europe/Oslo`, or `every 15 minutes`. */
export function scheduleWords({ recurrence, zone }: Pick<Schedule, 'recurrence' | 'zone'>): string {
	if (recurrence.kind === 'every') return `every ${durationWords(recurrence.everyMs)}`;
	return `${cronWords(recurrence.cron.expression)}, ${zone.name}`;
}

function cronWords(expression: string): string {
	try {
		return cronstrue.toString(expression, { use24HourTimeFormat: true });
	} catch {
		// It knows fewer forms than cron has: those it does not know say it themselves.
		return expression;
	}
}

/** `15 minutes`, `hour`, `1 hour 30 minutes`: nothing is rounded. */
function durationWords(ms: number): string {
	let rest = ms;
	const parts: string[] = [];
	for (const [unit, size] of units) {
		const amount = Math.floor(rest / size);
		rest -= amount * size;
		if (amount > 0) parts.push(`${amount} ${unit}${amount === 1 ? '' : 's'}`);
	}
	const [first = ''] = parts;
	return parts.length === 1 && first.startsWith('1 ') ? first.slice(2) : parts.join(' ');
}
