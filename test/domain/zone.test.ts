import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isStewardError } from '../../src/base/errors.ts';
import { isTimeZone, localTime, parseTime, Zone } from '../../src/domain/zone.ts';
import { Clocks } from '../support/clock-walk.ts';
import { attempt, fuzz, fuzzTimeoutMs } from '../support/fuzz.ts';

describe('the moment that a written time means', () => {
	test.each([
		['2026-12-24T08:00', 'Europe/Oslo', '2026-12-24T07:00:00.000Z'],
		['2026-12-24 08:00', 'Europe/Oslo', '2026-12-24T07:00:00.000Z'],
		['2026-06-24T08:00:30', 'Europe/Oslo', '2026-06-24T06:00:30.000Z'],
		['2026-06-24T08:00:30.5', 'Europe/Oslo', '2026-06-24T06:00:30.500Z'],
		['2026-12-24', 'Europe/Oslo', '2026-12-23T23:00:00.000Z'],
		// With an offset of its own the zone says nothing.
		['2026-12-24T08:00Z', 'Europe/Oslo', '2026-12-24T08:00:00.000Z'],
		['2026-12-24T08:00+05:45', 'Europe/Oslo', '2026-12-24T02:15:00.000Z'],
		['2026-12-24T08:00-03:30', 'Europe/Oslo', '2026-12-24T11:30:00.000Z'],
		['2028-02-29T00:00', 'UTC', '2028-02-29T00:00:00.000Z'],
		['2026-01-01T00:00', 'Asia/Kathmandu', '2025-12-31T18:15:00.000Z'],
		// Does not exist: later by the gap. Exists twice: the first time.
		['2026-03-29T02:30', 'Europe/Oslo', '2026-03-29T01:30:00.000Z'],
		['2026-03-29T03:00', 'Europe/Oslo', '2026-03-29T01:00:00.000Z'],
		['2026-10-25T02:30', 'Europe/Oslo', '2026-10-25T00:30:00.000Z'],
		['2026-10-25T03:00', 'Europe/Oslo', '2026-10-25T02:00:00.000Z'],
		['2026-10-04T02:15', 'Australia/Lord_Howe', '2026-10-03T15:45:00.000Z'],
		['2026-04-05T01:45', 'Australia/Lord_Howe', '2026-04-04T14:45:00.000Z'],
		['2026-04-05T02:00', 'Australia/Lord_Howe', '2026-04-04T15:30:00.000Z'],
		['2011-12-30T12:00', 'Pacific/Apia', '2011-12-30T22:00:00.000Z'],
		['2011-12-31T12:00', 'Pacific/Apia', '2011-12-30T22:00:00.000Z'],
		['1994-12-31T18:00', 'Pacific/Kiritimati', '1995-01-01T04:00:00.000Z'],
		['2026-09-06T00:00', 'America/Santiago', '2026-09-06T04:00:00.000Z'],
	])('%s in %s', (text, zone, expected) => {
		expect(new Date(parseTime(text, zone) ?? Number.NaN).toISOString()).toBe(expected);
	});

	test.each([
		...[
			'',
			'tomorrow',
			'2026',
			'2026-12',
			'2026-1-1',
			'24.12.2026',
			'2026-12-24T8:00',
			'2026-12-24T08',
			'1766563200',
		],
		...[
			'2026-02-29',
			'2026-02-31',
			'2026-13-01',
			'2026-00-10',
			'2026-01-00',
			'2100-02-29',
			'1969-12-31',
			'0026-01-01',
		],
		...[
			'2026-12-24T24:00',
			'2026-12-24T23:60',
			'2026-12-24T23:59:60',
			'2026-12-24T08:00+24:00',
			'2026-12-24T08:00+01:60',
		],
		...[
			'2026-12-24T08:00z',
			'2026-12-24T08:00 +01:00',
			'2026-12-24T08:00+1',
			' 2026-12-24',
			'2026-12-24T08:00\n',
		],
	])('%j is no time', (text) => {
		expect(parseTime(text, 'Europe/Oslo')).toBeUndefined();
	});
});

test.each([
	['2026-12-24T07:00:00Z', 'Europe/Oslo', '2026-12-24T08:00:00+01:00'],
	['2026-06-24T07:00:00Z', 'Europe/Oslo', '2026-06-24T09:00:00+02:00'],
	['2026-10-25T00:30:00Z', 'Europe/Oslo', '2026-10-25T02:30:00+02:00'],
	['2026-10-25T01:30:00Z', 'Europe/Oslo', '2026-10-25T02:30:00+01:00'],
	['2026-01-01T00:00:00Z', 'UTC', '2026-01-01T00:00:00+00:00'],
	['2026-01-01T00:00:00Z', 'Asia/Kathmandu', '2026-01-01T05:45:00+05:45'],
	['2026-01-01T00:00:00Z', 'America/St_Johns', '2025-12-31T20:30:00-03:30'],
	['2011-12-30T09:59:59Z', 'Pacific/Apia', '2011-12-29T23:59:59-10:00'],
	['2011-12-30T10:00:00Z', 'Pacific/Apia', '2011-12-31T00:00:00+14:00'],
	// Years of four digits are all that there are.
	['9999-12-31T23:30:00Z', 'Europe/Oslo', '9999-12-31T23:59:59+01:00'],
])('%s in %s is %s', (moment, zone, expected) => {
	expect(localTime(Date.parse(moment), zone)).toBe(expected);
});

describe('names', () => {
	test.each([
		'UTC',
		'Europe/Oslo',
		'europe/oslo',
		'America/Argentina/Buenos_Aires',
		'Etc/GMT+5',
		'Asia/Katmandu',
	])('%s is a time zone', (name) => {
		expect(isTimeZone(name)).toBe(true);
		expect(Zone.of(name).name).toBe(name);
	});

	test.each(['', '+01:00', '-0300', 'Europe/Olso', 'Oslo', 'Europe/Oslo ', 'UTC+1', '../UTC', '\0'])(
		'%j is none',
		(name) => {
			expect(isTimeZone(name)).toBe(false);
			expect(attempt(() => Zone.of(name))).toBeUndefined();
		},
	);

	test('a wrong one is told with the name', () => {
		const error = (() => {
			try {
				return Zone.of('Europe/Olso');
			} catch (caught) {
				return caught;
			}
		})();
		expect(isStewardError(error, 'invalid') && error.message).toBe(
			'timeZone: expected an IANA time zone such as Europe/Oslo or UTC, got "Europe/Olso"',
		);
	});
});

const [dayMs, from, to] = [86_400_000, Date.UTC(1975), Date.UTC(2106)];
const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];
const moment = fc.integer({ min: from / 1000, max: to / 1000 }).map((seconds) => seconds * 1000);
const clocks = new Map(zones.map((zone) => [zone, undefined as Clocks | undefined]));

function clocksOf(zone: string): Clocks {
	const made = clocks.get(zone) ?? new Clocks(zone);
	clocks.set(zone, made);
	return made;
}

const runs = { ...fuzz, numRuns: Math.ceil(fuzz.numRuns / 20) };

test('any zone shows at any moment what Intl says, and the stretch holds as long as it says', {
	timeout: fuzzTimeoutMs,
}, () => {
	fc.assert(
		fc.property(fc.constantFrom(...zones), moment, (name, at) => {
			const [zone, shown] = [Zone.of(name), clocksOf(name)];
			const stretch = zone.stretchAt(at);
			expect(at >= stretch.from && at < stretch.to).toBe(true);
			for (const inside of [at, stretch.from, stretch.to - 1000]) {
				expect(inside + stretch.offset).toBe(shown.wallAt(inside));
			}
			expect(stretch.from - 1000 + stretch.before).toBe(shown.wallAt(stretch.from - 1000));
		}),
		runs,
	);
});

test('any local time that exists is read as the first moment that shows it', {
	timeout: fuzzTimeoutMs,
}, () => {
	fc.assert(
		fc.property(fc.constantFrom(...zones), moment, (name, at) => {
			const [zone, shown] = [Zone.of(name), clocksOf(name)];
			const wall = shown.wallAt(at);
			const read = zone.momentOf(wall);
			expect(shown.wallAt(read)).toBe(wall);
			expect(read).toBeLessThanOrEqual(at);
			expect(at - read).toBeLessThan(2 * dayMs);
			expect(parseTime(localTime(at, name), 'UTC')).toBe(at);
		}),
		runs,
	);
});
