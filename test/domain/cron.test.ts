/** Every instant here was worked out by hand from the rules of the zone; what programs say of them comes second. */

import { describe, expect, test } from 'vitest';
import { isStewardError, messageOf } from '../../src/base/errors.ts';
import { nextOfCron, parseCron } from '../../src/domain/cron.ts';
import { Zone } from '../../src/domain/zone.ts';

type Row = readonly [expression: string, zone: string, after: string, expected: readonly string[]];

/** As they are written here: to the minute, or to the second where there are some. */
function utc(at: number): string {
	return new Date(at).toISOString().replace(/(:00)?\.000Z$/, 'Z');
}

function ticksAfter(expression: string, zone: string, after: string, count: number): string[] {
	const cron = parseCron(expression);
	const ticks: string[] = [];
	let at: number | undefined = Date.parse(after);
	while (ticks.length < count) {
		at = nextOfCron(cron, Zone.of(zone), at);
		if (at === undefined) break;
		ticks.push(utc(at));
	}
	return ticks;
}

function table(title: string, rows: readonly Row[]): void {
	describe(title, () => {
		test.each(rows)('%s in %s after %s', (expression, zone, after, expected) => {
			expect(ticksAfter(expression, zone, after, expected.length)).toEqual(expected);
		});
	});
}

// 2026-03-29 02:00 +01:00 is 03:00 +02:00; 2026-10-25 03:00 +02:00 is 02:00 +01:00.
const oslo = 'Europe/Oslo';
table('an hour, forward and back', [
	['30 2 * * *', oslo, '2026-03-27T12:00Z', ['2026-03-28T01:30Z', '2026-03-29T01:30Z', '2026-03-30T00:30Z']],
	['30 2 * * *', oslo, '2026-10-23T12:00Z', ['2026-10-24T00:30Z', '2026-10-25T00:30Z', '2026-10-26T01:30Z']],
	// 03:00 and 03:30 are where 02:00 and 02:30 went.
	[
		'0,30 2,3 * * *',
		oslo,
		'2026-03-28T12:00Z',
		['2026-03-29T01:00Z', '2026-03-29T01:30Z', '2026-03-30T00:00Z'],
	],
	[
		'15 2-3 * * *',
		oslo,
		'2026-10-24T12:00Z',
		['2026-10-25T00:15Z', '2026-10-25T02:15Z', '2026-10-26T01:15Z'],
	],
	[
		'15 0-23 * * *',
		oslo,
		'2026-10-24T23:30Z',
		['2026-10-25T00:15Z', '2026-10-25T01:15Z', '2026-10-25T02:15Z'],
	],
	['15 ? * * *', oslo, '2026-10-24T23:30Z', ['2026-10-25T00:15Z', '2026-10-25T01:15Z', '2026-10-25T02:15Z']],
	[
		'0 */2 * * *',
		oslo,
		'2026-10-24T21:00Z',
		['2026-10-24T22:00Z', '2026-10-25T00:00Z', '2026-10-25T01:00Z', '2026-10-25T03:00Z'],
	],
	['0 */2 * * *', oslo, '2026-03-28T22:00Z', ['2026-03-28T23:00Z', '2026-03-29T02:00Z', '2026-03-29T04:00Z']],
	[
		'0 2-4/2 * * *',
		oslo,
		'2026-10-24T12:00Z',
		['2026-10-25T00:00Z', '2026-10-25T01:00Z', '2026-10-25T03:00Z'],
	],
	// A step as the hour, and an hour that is not there: nothing that day.
	['30 2/24 * * *', oslo, '2026-03-28T12:00Z', ['2026-03-30T00:30Z']],
	// 2026-03-08 02:00 -05:00 is 03:00 -04:00; 2026-11-01 02:00 -04:00 is 01:00 -05:00.
	['30 2 * * *', 'America/New_York', '2026-03-07T12:00Z', ['2026-03-08T07:30Z', '2026-03-09T06:30Z']],
	['30 1 * * *', 'America/New_York', '2026-10-31T12:00Z', ['2026-11-01T05:30Z', '2026-11-02T06:30Z']],
	[
		'30 * * * *',
		'America/New_York',
		'2026-11-01T04:45Z',
		['2026-11-01T05:30Z', '2026-11-01T06:30Z', '2026-11-01T07:30Z'],
	],
	['0 9 * * 1-5', 'America/New_York', '2026-03-06T15:00Z', ['2026-03-09T13:00Z', '2026-03-10T13:00Z']],
	// Back for Ramadan: 2024-03-10 03:00 +01:00 is 02:00 +00:00, and 2024-04-14 02:00 +00:00 is 03:00 +01:00.
	['30 2 * * *', 'Africa/Casablanca', '2024-03-09T12:00Z', ['2024-03-10T01:30Z', '2024-03-11T02:30Z']],
	['30 2 * * *', 'Africa/Casablanca', '2024-04-13T12:00Z', ['2024-04-14T02:30Z', '2024-04-15T01:30Z']],
]);

// 2026-10-04 02:00 +10:30 is 02:30 +11:00; 2026-04-05 02:00 +11:00 is 01:30 +10:30.
const lordHowe = 'Australia/Lord_Howe';
table('half an hour, and quarters', [
	['15 2 * * *', lordHowe, '2026-10-03T00:00Z', ['2026-10-03T15:45Z', '2026-10-04T15:15Z']],
	[
		'*/15 * * * *',
		lordHowe,
		'2026-10-03T15:10Z',
		['2026-10-03T15:15Z', '2026-10-03T15:30Z', '2026-10-03T15:45Z', '2026-10-03T16:00Z'],
	],
	['45 1 * * *', lordHowe, '2026-04-03T20:00Z', ['2026-04-04T14:45Z', '2026-04-05T15:15Z']],
	[
		'*/30 * * * *',
		lordHowe,
		'2026-04-04T14:10Z',
		['2026-04-04T14:30Z', '2026-04-04T15:00Z', '2026-04-04T15:30Z'],
	],
	[
		'0 * * * *',
		lordHowe,
		'2026-04-04T13:30Z',
		['2026-04-04T14:00Z', '2026-04-04T15:30Z', '2026-04-04T16:30Z'],
	],
	['0 0 * * *', 'Asia/Kathmandu', '2026-01-01T00:00Z', ['2026-01-01T18:15Z', '2026-01-02T18:15Z']],
	['0 */6 * * *', 'Asia/Kathmandu', '2026-01-01T00:00Z', ['2026-01-01T00:15Z', '2026-01-01T06:15Z']],
	// 1986-01-01 00:00 +05:30 is 00:15 +05:45.
	['10 0 * * *', 'Asia/Kathmandu', '1985-12-31T00:00Z', ['1985-12-31T18:40Z', '1986-01-01T18:25Z']],
]);

table('a whole day, and midnight', [
	// 2011-12-30 00:00 -10:00 is 2011-12-31 00:00 +14:00.
	[
		'0 12 * * *',
		'Pacific/Apia',
		'2011-12-29T00:00Z',
		['2011-12-29T22:00Z', '2011-12-30T22:00Z', '2011-12-31T22:00Z'],
	],
	['0 12 30 12 *', 'Pacific/Apia', '2011-06-01T00:00Z', ['2011-12-30T22:00Z', '2012-12-29T22:00Z']],
	['0 */12 30 12 *', 'Pacific/Apia', '2011-06-01T00:00Z', ['2012-12-29T10:00Z', '2012-12-29T22:00Z']],
	['0 0 * * 5', 'Pacific/Apia', '2011-12-24T00:00Z', ['2011-12-30T10:00Z', '2012-01-05T10:00Z']],
	// 1994-12-31 00:00 -10:00 is 1995-01-01 00:00 +14:00: the day that is left out ends in another year of UTC.
	[
		'0 6,18 31 12 *',
		'Pacific/Kiritimati',
		'1994-06-01T00:00Z',
		['1994-12-31T16:00Z', '1995-01-01T04:00Z', '1995-12-30T16:00Z'],
	],
	['0 18 31 12 *', 'Pacific/Kiritimati', '1995-01-01T00:30Z', ['1995-01-01T04:00Z']],
	// 2026-09-06 00:00 -04:00 is 01:00 -03:00; 2026-04-05 00:00 -03:00 is 2026-04-04 23:00 -04:00.
	['@daily', 'America/Santiago', '2026-09-05T05:00Z', ['2026-09-06T04:00Z', '2026-09-07T03:00Z']],
	['@daily', 'America/Santiago', '2026-04-04T12:00Z', ['2026-04-05T04:00Z', '2026-04-06T04:00Z']],
	['30 23 * * *', 'America/Santiago', '2026-04-04T12:00Z', ['2026-04-05T02:30Z', '2026-04-06T03:30Z']],
	// 2026-03-29 00:00 +02:00 is 01:00 +03:00.
	['@daily', 'Asia/Beirut', '2026-03-28T00:00Z', ['2026-03-28T22:00Z', '2026-03-29T21:00Z']],
]);

table('days', [
	['0 0 29 2 *', 'UTC', '2026-01-01T00:00Z', ['2028-02-29T00:00Z', '2032-02-29T00:00Z']],
	['0 0 29 2 *', 'UTC', '2096-03-01T00:00Z', ['2104-02-29T00:00Z']],
	['0 0 * 2 1#5', 'UTC', '2072-02-28T00:00Z', ['2072-02-29T00:00Z', '2112-02-29T00:00Z']],
	['0 0 L * *', 'UTC', '2028-01-31T12:00Z', ['2028-02-29T00:00Z', '2028-03-31T00:00Z', '2028-04-30T00:00Z']],
	['0 0 15,L 2 *', 'UTC', '2099-03-01T00:00Z', ['2100-02-15T00:00Z', '2100-02-28T00:00Z']],
	['0 8 * * 5L', 'UTC', '2026-03-01T00:00Z', ['2026-03-27T08:00Z', '2026-04-24T08:00Z', '2026-05-29T08:00Z']],
	['0 8 * * 7L', 'UTC', '2026-03-01T00:00Z', ['2026-03-29T08:00Z', '2026-04-26T08:00Z']],
	[
		'0 8 * * friL,3',
		'UTC',
		'2026-03-24T00:00Z',
		['2026-03-25T08:00Z', '2026-03-27T08:00Z', '2026-04-01T08:00Z'],
	],
	['0 8 * * 1#2', 'UTC', '2026-03-01T00:00Z', ['2026-03-09T08:00Z', '2026-04-13T08:00Z']],
	['0 8 * * Fri#5', 'UTC', '2026-03-01T00:00Z', ['2026-05-29T08:00Z', '2026-07-31T08:00Z']],
	['0 0 13 * 5', 'UTC', '2026-04-09T00:00Z', ['2026-04-10T00:00Z', '2026-04-13T00:00Z', '2026-04-17T00:00Z']],
	[
		'0 0 L * 1#1',
		'UTC',
		'2026-03-30T00:00Z',
		['2026-03-31T00:00Z', '2026-04-06T00:00Z', '2026-04-30T00:00Z'],
	],
	['0 0 30 2 1', 'UTC', '2026-01-01T00:00Z', ['2026-02-02T00:00Z', '2026-02-09T00:00Z']],
	['0 0 13 * ?', 'UTC', '2026-04-09T00:00Z', ['2026-04-13T00:00Z', '2026-05-13T00:00Z']],
	['0 0 31 * *', 'UTC', '2026-03-31T00:00Z', ['2026-05-31T00:00Z', '2026-07-31T00:00Z']],
	['0 0 1 JAN,jul *', 'UTC', '2026-02-01T00:00Z', ['2026-07-01T00:00Z', '2027-01-01T00:00Z']],
	['0 12 * * mon-FRI', 'UTC', '2026-03-06T12:00Z', ['2026-03-09T12:00Z', '2026-03-10T12:00Z']],
	['0 0 * * 7', 'UTC', '2026-03-02T00:00Z', ['2026-03-08T00:00Z', '2026-03-15T00:00Z']],
	[
		'0 0 * * 5-7',
		'UTC',
		'2026-03-05T12:00Z',
		['2026-03-06T00:00Z', '2026-03-07T00:00Z', '2026-03-08T00:00Z', '2026-03-13T00:00Z'],
	],
	[
		'0 0 */10 * *',
		'UTC',
		'2026-01-30T00:00Z',
		['2026-01-31T00:00Z', '2026-02-01T00:00Z', '2026-02-11T00:00Z'],
	],
]);

table('times of a day', [
	['0 * * * *', 'UTC', '2026-01-01T10:00:00.000Z', ['2026-01-01T11:00Z']],
	['0 * * * *', 'UTC', '2026-01-01T09:59:59.999Z', ['2026-01-01T10:00Z']],
	['0 * * * *', 'UTC', '2026-01-01T10:00:00.001Z', ['2026-01-01T11:00Z']],
	[
		'*/7 * * * *',
		'UTC',
		'2026-01-01T00:55Z',
		['2026-01-01T00:56Z', '2026-01-01T01:00Z', '2026-01-01T01:07Z'],
	],
	[
		'5/20 8-9 * * *',
		'UTC',
		'2026-01-01T08:25Z',
		['2026-01-01T08:45Z', '2026-01-01T09:05Z', '2026-01-01T09:25Z', '2026-01-01T09:45Z', '2026-01-02T08:05Z'],
	],
	[
		'*/20 30 7 * * *',
		'UTC',
		'2026-01-01T07:30:10Z',
		['2026-01-01T07:30:20Z', '2026-01-01T07:30:40Z', '2026-01-02T07:30Z'],
	],
	['15 59 23 31 12 *', 'UTC', '2026-12-31T23:59:15Z', ['2027-12-31T23:59:15Z']],
	['* * * * * *', 'UTC', '2026-12-31T23:59:58.500Z', ['2026-12-31T23:59:59Z', '2027-01-01T00:00Z']],
	['  0\t12  * * *\n', 'UTC', '2026-01-01T00:00Z', ['2026-01-01T12:00Z']],
]);

table('names', [
	['@yearly', 'UTC', '2026-01-01T00:00Z', ['2027-01-01T00:00Z']],
	['@annually', 'UTC', '2026-01-01T00:00Z', ['2027-01-01T00:00Z']],
	['@monthly', 'UTC', '2026-01-01T00:00Z', ['2026-02-01T00:00Z']],
	['@weekly', 'UTC', '2026-03-01T00:00Z', ['2026-03-08T00:00Z']],
	['@daily', 'UTC', '2026-03-01T00:00Z', ['2026-03-02T00:00Z']],
	['@hourly', oslo, '2026-10-24T23:30Z', ['2026-10-25T00:00Z', '2026-10-25T01:00Z']],
	['@minutely', 'UTC', '2026-03-01T00:00Z', ['2026-03-01T00:01Z']],
	['@secondly', 'UTC', '2026-03-01T00:00Z', ['2026-03-01T00:00:01Z']],
	['@weekdays', 'UTC', '2026-03-06T00:00Z', ['2026-03-09T00:00Z']],
	['@weekends', 'UTC', '2026-03-01T00:00Z', ['2026-03-07T00:00Z', '2026-03-08T00:00Z']],
]);

test('what never comes is told, and does not take long to find out', () => {
	// The last Sunday of March at 02:30 by real time: the clocks never show it.
	expect(ticksAfter('30 2/24 * 3 0L', oslo, '2026-01-01T00:00Z', 1)).toEqual([]);
});

describe('what is refused', () => {
	test.each([
		['', '5 fields'],
		[
			'* * * *',
			'5 fields (minute hour day month weekday), 6 with seconds before them, or a name such as @daily',
		],
		['* * * * * * *', '5 fields'],
		['@midnite', 'a name such as @daily'],
		['@daily @hourly', 'a name such as @daily'],
		['@toString', 'a name such as @daily'],
		['60 * * * *', 'minute: got value 60 expected range 0-59'],
		['0 24 * * *', 'hour: got value 24 expected range 0-23'],
		['0 0 0 * *', 'day: got value 0 expected range 1-31'],
		['0 0 * 13 *', 'month: got value 13 expected range 1-12'],
		['0 0 * * 8', 'weekday: got value 8 expected range 0-7'],
		['60 0 0 * * *', 'second: got value 60 expected range 0-59'],
		['30-10 * * * *', 'minute: invalid range: 30-10'],
		['*/0 * * * *', 'minute: cannot repeat at every 0 time'],
		['*/90 * * * *', 'minute: a step of 90 is more than there are; use "every" instead'],
		['1,,2 * * * *', 'minute: not a value, range, step or list: "1,,2"'],
		['1.5 * * * *', 'minute: not a value'],
		['1-2-3 * * * *', 'minute: not a value'],
		['-1 * * * *', 'minute: not a value'],
		['5,5 * * * *', 'minute: duplicate values found: 5'],
		['0 0 * foo *', 'month: cannot resolve alias "foo"'],
		// cron-parser reads these: as December, as the 12th month, as any two digits, as days that never come.
		['0 0 * janfeb *', 'month: not a value'],
		['0 0 * 1feb *', 'month: not a value'],
		['HH * * * *', 'minute: no H; jitter spreads the nodes'],
		['0,H * * * *', 'minute: no H'],
		['H(0-5) * * * *', 'minute: no H'],
		['0 0 * * SUNH', 'weekday: no H'],
		['0 0 * * 5#1.5', 'weekday: not a value'],
		['0 0 * * *#2', 'weekday: not a value'],
		['0 0 * * 1#6', 'weekday: not a value'],
		['0 0 * * L', 'weekday: not a value'],
		['0 0 L-2 * *', 'day: not a value'],
		['0 0 15W * *', 'day: not a value'],
		['0 0 30 2 *', 'invalid explicit day of month definition'],
		['0 0 31 4,6 *', 'invalid explicit day of month definition'],
	])('%j', (expression, problem) => {
		expect(refusalOf(expression)).toContain(problem);
	});

	test('every field that is wrong is told at once', () => {
		expect(refusalOf('60 25 0 13 9')).toBe(
			'expected a cron expression (minute: got value 60 expected range 0-59; hour: got value 25 expected range 0-23; ' +
				'day: got value 0 expected range 1-31; month: got value 13 expected range 1-12; ' +
				'weekday: got value 9 expected range 0-7), got "60 25 0 13 9"',
		);
	});

	test('a long text is not repeated', () => {
		expect(refusalOf(`${'9'.repeat(100_000)} * * * *`).length).toBeLessThan(300);
		expect(refusalOf('x'.repeat(100_000)).length).toBeLessThan(300);
		expect(refusalOf(`${'1,'.repeat(600)}1 * * * *`).length).toBeLessThan(500);
	});
});

function refusalOf(expression: string): string {
	try {
		parseCron(expression);
	} catch (error) {
		expect(isStewardError(error, 'invalid')).toBe(true);
		return messageOf(error);
	}
	return '';
}
