import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseSchedule, type ScheduleForm } from '../../src/domain/schedule.ts';
import { jitterOf, nextTick, nextTicks, tickEnvelope, tickId } from '../../src/domain/ticks.ts';

const [minuteMs, hourMs] = [60_000, 3_600_000];

function scheduleOf(form: Partial<ScheduleForm>) {
	const base = { name: 'nightly', toNode: 'ship1', message: { method: 'ping' } };
	return parseSchedule({ ...base, ...form });
}

const at = (text: string) => Date.parse(text);
const told = (ticks: readonly number[]) =>
	ticks.map((tick) => new Date(tick).toISOString().replace(':00.000Z', 'Z'));

describe('the next tick', () => {
	test.each<[Partial<ScheduleForm>, string, string[]]>([
		// Counted from the epoch.
		[{ every: '1h' }, '2026-01-01T00:10Z', ['2026-01-01T01:00Z', '2026-01-01T02:00Z']],
		[{ every: '1h' }, '2026-01-01T01:00Z', ['2026-01-01T02:00Z', '2026-01-01T03:00Z']],
		[{ every: '7d' }, '1970-01-01T00:00Z', ['1970-01-08T00:00Z', '1970-01-15T00:00Z']],
		[{ every: '90m' }, '1970-01-01T02:00Z', ['1970-01-01T03:00Z', '1970-01-01T04:30Z']],
		// Counted from its start, which is a tick itself.
		[
			{ every: '1h', startAt: '2026-01-01T00:07Z' },
			'2025-01-01T00:00Z',
			['2026-01-01T00:07Z', '2026-01-01T01:07Z'],
		],
		[
			{ every: '1h', startAt: '2026-01-01T00:07Z' },
			'2026-01-01T00:07Z',
			['2026-01-01T01:07Z', '2026-01-01T02:07Z'],
		],
		[
			{ every: '1h', startAt: '2026-01-01T00:07', timeZone: 'Europe/Oslo' },
			'2025-12-31T00:00Z',
			['2025-12-31T23:07Z', '2026-01-01T00:07Z'],
		],
		// A length is a length, whatever the clocks show.
		[
			{ every: '1d', startAt: '2026-03-28T12:00', timeZone: 'Europe/Oslo' },
			'2026-03-28T11:00Z',
			['2026-03-29T11:00Z', '2026-03-30T11:00Z'],
		],
		[
			{ every: '1h', endAt: '2026-01-01T02:00Z' },
			'2026-01-01T00:30Z',
			['2026-01-01T01:00Z', '2026-01-01T02:00Z'],
		],
		[{ every: '1h', endAt: '2026-01-01T01:59:59Z' }, '2026-01-01T00:30Z', ['2026-01-01T01:00Z']],
		[
			{ cron: '0 * * * *', startAt: '2026-01-01T02:00Z', endAt: '2026-01-01T03:00Z' },
			'2025-01-01T00:00Z',
			['2026-01-01T02:00Z', '2026-01-01T03:00Z'],
		],
		[
			{ cron: '0 * * * *', startAt: '2026-01-01T02:00:01Z', endAt: '2026-01-01T03:59Z' },
			'2025-01-01T00:00Z',
			['2026-01-01T03:00Z'],
		],
		[
			{ cron: '0 * * * *', startAt: '2026-01-01T02:00Z', endAt: '2026-01-01T02:00Z' },
			'2025-01-01T00:00Z',
			['2026-01-01T02:00Z'],
		],
		[{ cron: '0 * * * *', endAt: '2025-01-01' }, '2026-01-01T00:00Z', []],
		[
			{ cron: '0 8 * * *', timeZone: 'Europe/Oslo' },
			'2026-03-28T00:00Z',
			['2026-03-28T07:00Z', '2026-03-29T06:00Z'],
		],
		// Of what is later than the year 9999 nobody could say when it is.
		[{ every: '5000000d' }, '2026-01-01T00:00Z', []],
		[{ cron: '@yearly' }, '9998-06-01T00:00Z', ['9999-01-01T00:00Z']],
	])('%j after %s', (form, after, expected) => {
		const ticks = nextTicks(scheduleOf(form), at(after), 2);
		expect(told(ticks)).toEqual(expected);
		expect(nextTick(scheduleOf(form), at(after))).toBe(ticks[0]);
	});

	test('until a moment, which counts', () => {
		const schedule = scheduleOf({ every: '1h' });
		expect(nextTicks(schedule, 0, 10, 2 * hourMs)).toEqual([hourMs, 2 * hourMs]);
		expect(nextTicks(schedule, 0, 10, 2 * hourMs - 1)).toEqual([hourMs]);
		expect(nextTicks(schedule, 0, 0)).toEqual([]);
	});
});

describe('jitter', () => {
	const schedule = scheduleOf({ every: '1m', jitter: '10m' });

	test('is within its bounds, and the same whoever asks', () => {
		for (let index = 0; index < 1000; index++) {
			const shift = jitterOf(schedule, `ship${index}`);
			expect(Number.isInteger(shift) && shift >= 0 && shift < 10 * minuteMs).toBe(true);
			expect(jitterOf(scheduleOf({ every: '2m', jitter: '10m' }), `ship${index}`)).toBe(shift);
		}
		expect(jitterOf(scheduleOf({ every: '1m' }), 'ship1')).toBe(0);
	});

	test('is no nearer for names that differ in their last letter', () => {
		for (const fleet of ['ship', 'north-', 'a']) {
			const shifts = [...'0123456789'].map((digit) => jitterOf(schedule, fleet + digit));
			expect(Math.max(...shifts) - Math.min(...shifts)).toBeGreaterThan(5 * minuteMs);
		}
	});

	// Chi-square with 19 degrees of freedom: above 43.8 once in a thousand times, were it drawn by lot.
	test.each<[string, (index: number) => number]>([
		['nodes', (index) => jitterOf(schedule, `ship${index}`)],
		['nodes of long names', (index) => jitterOf(schedule, `${'north-'.repeat(8)}${index}`)],
		['schedules', (index) => jitterOf({ ...schedule, name: `backup-${index}` }, 'ship1')],
	])('is spread evenly over %s', (_, shiftOf) => {
		const [count, buckets] = [10_000, Array.from({ length: 20 }, () => 0)];
		for (let index = 0; index < count; index++) {
			const bucket = Math.floor((shiftOf(index) / (10 * minuteMs)) * 20);
			buckets[bucket] = (buckets[bucket] ?? 0) + 1;
		}
		const expected = count / 20;
		expect(buckets.reduce((sum, met) => sum + (met - expected) ** 2 / expected, 0)).toBeLessThan(43.8);
	});
});

describe('the command of a tick', () => {
	const digestOf = (...parts: unknown[]) =>
		createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 26);

	test('has an id that depends on schedule, node and moment alone', () => {
		expect(tickId('nightly', 'ship1', 1000)).toBe(digestOf('tick', 'nightly', 'ship1', 1000));
		const ids = ['a', 'b'].flatMap((name) =>
			['a', 'b'].flatMap((node) => [1, 2].map((tick) => tickId(name, node, tick))),
		);
		expect(new Set(ids).size).toBe(8);
	});

	test('says of which tick it is, and has its words filled in', () => {
		const message = {
			method: 'shellCommand',
			data: { command: ['echo', '{{node}} {{tick}} {{schedule}}'] },
			attempts: 3,
		};
		const tick = at('2026-03-29T01:30Z');
		const envelope = tickEnvelope(scheduleOf({ cron: '* * * * *', message }), {
			node: 'ship7',
			tick,
			version: 4,
		});
		expect(envelope).toMatchObject({
			...{
				id: tickId('nightly', 'ship7', tick),
				node: 'ship7',
				method: 'shellCommand',
				sender: 'central',
			},
			data: { command: ['echo', 'ship7 2026-03-29T01:30:00.000Z nightly'] },
			schedule: { name: 'nightly', tick, version: 4 },
		});
	});
});
