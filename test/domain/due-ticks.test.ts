import { describe, expect, test } from 'vitest';
import { parseSchedule, type ScheduleForm } from '../../src/domain/schedule.ts';
import { decide, dueTicksOf, jitterOf, nextTicks } from '../../src/domain/ticks.ts';
import { decideDue } from './due.ts';

const [secondMs, minuteMs, hourMs, dayMs] = [1000, 60_000, 3_600_000, 86_400_000];
const weekMs = 7 * dayMs;

function scheduleOf(form: Partial<ScheduleForm>) {
	const base = { name: 'nightly', toNode: 'ship1', message: { method: 'ping' } };
	return parseSchedule({ ...base, ...form });
}

const at = (text: string) => Date.parse(text);
const told = (ticks: readonly number[]) =>
	ticks.map((tick) => new Date(tick).toISOString().replace(':00.000Z', 'Z'));

type OutageRow = [ScheduleForm['missed'], string, number, { fired: number; missed: number }];

describe('what becomes of the ticks of an outage', () => {
	const all = { all: { max: 10, notOlderThan: '30m' } };
	// Every minute, from a moment between two ticks.
	const through = at('2026-03-01T00:00:30Z');

	test.each<OutageRow>([
		// One tick, at 00:01:00, that is 29 s late, and 31 s.
		...(['skip', 'once', all] as const).flatMap((missed): OutageRow[] => [
			[missed, 'none', 0, { fired: 0, missed: 0 }],
			[missed, '59 s', 59 * secondMs, { fired: 1, missed: 0 }],
			[missed, '61 s', 61 * secondMs, { fired: 1, missed: 0 }],
		]),
		// At 00:02:01 that of 00:01 is 61 s late.
		['skip', '91 s', 91 * secondMs, { fired: 1, missed: 1 }],
		['once', '91 s', 91 * secondMs, { fired: 1, missed: 1 }],
		[all, '91 s', 91 * secondMs, { fired: 2, missed: 0 }],
		['skip', '1 h', hourMs, { fired: 1, missed: 59 }],
		['once', '1 h', hourMs, { fired: 1, missed: 59 }],
		[all, '1 h', hourMs, { fired: 11, missed: 49 }],
		['skip', '1 week', weekMs, { fired: 1, missed: 10_079 }],
		['once', '1 week', weekMs, { fired: 1, missed: 10_079 }],
		[all, '1 week', weekMs, { fired: 11, missed: 10_069 }],
		[{ all: { max: 1000, notOlderThan: '30m' } }, '1 week', weekMs, { fired: 30, missed: 10_050 }],
	])('%j, every minute, after %s', (missed, _, length, expected) => {
		const { fire, missed: left } = decideDue(scheduleOf({ every: '1m', missed }), through, through + length);
		expect({ fired: fire.length, missed: left }).toEqual(expected);
		const last = Math.floor((through + length) / minuteMs) * minuteMs;
		expect(fire).toEqual(fire.map((_, index) => last - (fire.length - 1 - index) * minuteMs));
	});

	test.each<[ScheduleForm['missed'], number, string[], number]>([
		['skip', 60, ['2026-03-01T02:00Z'], 0],
		['skip', 61, [], 1],
		['once', 61, ['2026-03-01T02:00Z'], 0],
		[all, 61, ['2026-03-01T02:00Z'], 0],
		[all, 1800, ['2026-03-01T02:00Z'], 0],
		[all, 1801, [], 1],
	])('%j, daily, found %d s late', (missed, late, expected, left) => {
		const due = at('2026-03-01T02:00Z');
		const decision = decideDue(
			scheduleOf({ cron: '0 2 * * *', missed }),
			due - hourMs,
			due + late * secondMs,
		);
		expect({ ...decision, fire: told(decision.fire) }).toEqual({ fire: expected, missed: left });
	});

	test('once: the last, and none where one is in time', () => {
		const schedule = scheduleOf({ cron: '0 * * * *', missed: 'once' });
		const since = at('2026-03-01T00:30Z');
		expect(decideDue(schedule, since, at('2026-03-01T05:30Z'))).toEqual({
			fire: [at('2026-03-01T05:00Z')],
			missed: 4,
		});
		expect(decideDue(schedule, since, at('2026-03-01T05:00:30Z'))).toEqual({
			fire: [at('2026-03-01T05:00Z')],
			missed: 4,
		});
	});

	test('a tick counts from the moment after the last decision until this one', () => {
		const schedule = scheduleOf({ every: '1h' });
		expect(decideDue(schedule, hourMs, 2 * hourMs).fire).toEqual([2 * hourMs]);
		expect(decideDue(schedule, hourMs - 1, hourMs).fire).toEqual([hourMs]);
		expect(decideDue(schedule, hourMs, hourMs)).toEqual({ fire: [], missed: 0 });
		expect(decideDue(schedule, 2 * hourMs, hourMs)).toEqual({ fire: [], missed: 0 });
	});

	test('with jitter each is due when it fires, once, however often it is looked', () => {
		const schedule = scheduleOf({ every: '1m', jitter: '10m', missed: 'skip' });
		const [from, to] = [at('2026-03-01T00:00Z'), at('2026-03-01T02:00Z')];
		for (const node of ['ship1', 'ship2', 'ship3']) {
			const shift = jitterOf(schedule, node);
			const fired: number[] = [];
			for (let now = from + 7 * secondMs; now < to; now += 7 * secondMs) {
				const { fire, missed } = decideDue(schedule, now - 7 * secondMs, now, shift);
				expect(missed).toBe(0);
				for (const tick of fire) expect(now - tick - shift).toBeLessThan(7 * secondMs);
				fired.push(...fire);
			}
			expect(fired).toEqual(nextTicks(schedule, from - shift, fired.length));
			expect(fired.length).toBeGreaterThanOrEqual(119);
		}
	});

	test('where the shift is known, no tick is reckoned that is not due', () => {
		const schedule = scheduleOf({ every: '1s', jitter: '16m', missed: 'all' });
		const now = at('2026-03-01T00:00Z');
		for (const node of ['ship1', 'ship2', 'ship3']) {
			const moments = { through: now - 5 * secondMs, now, shift: jitterOf(schedule, node) };
			const ticks = dueTicksOf(schedule, { ...moments, since: 0 });
			expect(ticks).toHaveLength(5);
			expect(decide(schedule.missed, ticks, moments)).toEqual(
				decideDue(schedule, moments.through, now, moments.shift),
			);
			const since = now - moments.shift - 2 * secondMs;
			expect(dueTicksOf(schedule, { ...moments, since })).toEqual(ticks.filter((tick) => tick > since));
		}
	});

	test('with jitter one is late when it is a minute behind its own moment', () => {
		const schedule = scheduleOf({ cron: '0 2 * * *', jitter: '1h', missed: 'skip' });
		const [tick, shift] = [at('2026-03-01T02:00Z'), 40 * minuteMs];
		const decided = (late: number) => decideDue(schedule, tick, tick + shift + late, shift);
		expect(decided(-1)).toEqual({ fire: [], missed: 0 });
		expect(decided(0)).toEqual({ fire: [tick], missed: 0 });
		expect(decided(minuteMs)).toEqual({ fire: [tick], missed: 0 });
		expect(decided(minuteMs + 1)).toEqual({ fire: [], missed: 1 });
	});
});

describe('a long outage of a dense schedule', () => {
	const now = at('2026-03-08T00:00:00Z');

	test.each(['skip', 'once', { all: { max: 1000 } }] as const)(
		'%j: every second for a week, in less than a second of CPU',
		(missed) => {
			const schedule = scheduleOf({ cron: '* * * * * *', missed });
			const before = process.cpuUsage();
			const { fire, missed: left } = decideDue(schedule, now - weekMs, now);
			const { user, system } = process.cpuUsage(before);
			expect((user + system) / 1000).toBeLessThan(1000);
			const count = 61 + (typeof missed === 'object' ? 1000 : 0);
			expect(fire).toEqual(Array.from({ length: count }, (_, index) => now - (count - 1 - index) * secondMs));
			expect(fire.length + left).toBe(100_000);
		},
	);

	test('walks no more than 200,000 ticks', () => {
		let asked = 0;
		const schedule = scheduleOf({ cron: '* * * * * *' });
		// Every look for a tick asks for the end.
		const counting = new Proxy(schedule, {
			get(of, key) {
				if (key === 'endAt') asked++;
				return Reflect.get(of, key);
			},
		});
		decideDue(counting, now - 52 * weekMs, now);
		expect(asked).toBeGreaterThan(100_000);
		expect(asked).toBeLessThan(201_000);
	});

	test('the newest are kept where the first of them are far apart', () => {
		// 86,400 ticks on the first of January, and as many a day from the 15th on.
		const schedule = scheduleOf({
			cron: '* * * 1,15-31 1 *',
			missed: { all: { max: 3, notOlderThan: '60d' } },
		});
		const last = at('2026-01-31T23:59:59Z');
		const { fire } = decideDue(schedule, at('2025-12-31T23:59:59Z'), at('2026-02-01T00:05Z'));
		expect(fire).toEqual([last - 2000, last - 1000, last]);
	});

	test('those of earlier days are made up for as well', () => {
		const schedule = scheduleOf({ cron: '* * * 1 1 *', missed: { all: { max: 200, notOlderThan: '400d' } } });
		const { fire } = decideDue(schedule, at('2023-06-01'), at('2026-01-01T00:01:39Z') + 2 * minuteMs);
		// 61 in time and 159 late of this day, and the last 41 of the year before.
		expect(fire.length).toBe(261);
		expect(told(fire.slice(0, 1))).toEqual(['2025-01-01T23:59:19.000Z']);
		expect(told(fire.slice(40, 42))).toEqual(['2025-01-01T23:59:59.000Z', '2026-01-01T00:00Z']);
	});
});
