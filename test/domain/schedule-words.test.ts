import { expect, test } from 'vitest';
import { parseSchedule } from '../../src/domain/schedule.ts';
import { differences, startsAnew } from '../../src/domain/schedule-change.ts';
import { scheduleWords } from '../../src/domain/schedule-words.ts';

const schedule = (when: object) =>
	parseSchedule({ name: 'a', toNode: 'ship1', message: { method: 'ping' }, ...when });

test.each([
	[{ cron: '0 3 * * *', timeZone: 'Europe/Oslo' }, 'At 03:00, Europe/Oslo'],
	[{ cron: '*/15 * * * *' }, 'Every 15 minutes, UTC'],
	[{ cron: '0 9 * * 1-5' }, 'At 09:00, Monday through Friday, UTC'],
	[{ cron: '0 0 * * 0' }, 'At 00:00, only on Sunday, UTC'],
	[{ cron: '0 0 * * 5L' }, 'At 00:00, on the last Friday of the month, UTC'],
	[{ cron: '0 0 * * 1#2' }, 'At 00:00, on the second Monday of the month, UTC'],
	[{ cron: '30 0 3 * * *' }, 'At 03:00:30, UTC'],
	[{ cron: '@daily' }, 'At 00:00, UTC'],
	[{ every: '15m' }, 'every 15 minutes'],
	[{ every: '60m' }, 'every hour'],
	[{ every: '1d' }, 'every day'],
	[{ every: '90s' }, 'every 1 minute 30 seconds'],
	[{ every: '1500ms' }, 'every 1 second 500 milliseconds'],
])('%j reads %s', (when, words) => {
	expect(scheduleWords(schedule(when))).toBe(words);
});

test.each([
	'@weekly',
	'@yearly',
	'@annually',
	'@monthly',
	'@hourly',
	'0 0 ? * *',
	'0 0 L * *',
	'0 0 1,15 * *',
])('%s has words', (cron) => {
	expect(scheduleWords(schedule({ cron }))).toMatch(/^[A-Z@0-9].*, UTC$/);
});

test('how a form is written makes no difference, what it means does', () => {
	const one = schedule({ every: '60m', toNode: 'ship1' });
	expect(
		differences(one, schedule({ every: '1h', toNode: undefined, toNodes: ['ship1'], jitter: '0s' })),
	).toEqual([]);
	const other = schedule({ cron: '@daily', toNode: undefined, where: { a: 'b' }, note: 'x', paused: true });
	expect(differences(one, other)).toEqual(['cron', 'every', 'toNodes', 'where', 'paused', 'note']);
	expect(startsAnew(one, schedule({ every: '1h', note: 'x', overlap: 'allow' }), 0)).toBe(false);
	expect(startsAnew(one, schedule({ every: '1h', timeZone: 'Europe/Oslo' }), 0)).toBe(true);
	const ended = schedule({ every: '1h', endAt: '2026-01-01' });
	expect(startsAnew(ended, one, Date.UTC(2025, 11, 31))).toBe(false);
	expect(startsAnew(ended, one, Date.UTC(2026, 0, 2))).toBe(true);
	expect(startsAnew(schedule({ every: '1h', paused: true }), one, 0)).toBe(true);
	expect(startsAnew(one, schedule({ every: '1h', paused: true }), 0)).toBe(false);
});
