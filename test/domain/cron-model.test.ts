/** Any expression in any zone: the ticks are exactly the moments that a look at the clocks, moment by moment, finds. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cron, nextOfCron, parseCron } from '../../src/domain/cron.ts';
import { Zone } from '../../src/domain/zone.ts';
import { Clocks, momentsOf, stepMs } from '../support/clock-walk.ts';
import { attempt, fuzz, fuzzTimeoutMs, isReplay } from '../support/fuzz.ts';

const [hourMs, dayMs] = [3_600_000, 86_400_000];

const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];
/** Those that say something of their own are met more often. */
const telling = ['Australia/Lord_Howe', 'Africa/Casablanca', 'Europe/Oslo', 'America/Santiago', 'Asia/Gaza'];
const place = fc.record({
	zone: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...zones) }, fc.constantFrom(...telling)),
	year: fc.integer({ min: 1975, max: 2105 }),
});
/** A day that was left out. */
const leftOut = fc.constantFrom(
	{ zone: 'Pacific/Apia', year: 2011 },
	{ zone: 'Pacific/Kiritimati', year: 1994 },
);

const [months, weekdays] = [
	'jan feb mar apr may jun jul aug sep oct nov dec',
	'SUN Mon tue wed thu fri sat',
].map((names) => names.split(' ')) as [string[], string[]];

const within = (lowest: number, highest: number) => fc.integer({ min: lowest, max: highest });

function range(lowest: number, highest: number): fc.Arbitrary<string> {
	return fc
		.tuple(within(lowest, highest), within(lowest, highest))
		.map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
}

function stepped(lowest: number, highest: number, leastStep = 1): fc.Arbitrary<string> {
	const start = fc.oneof(fc.constant('*'), range(lowest, highest), within(lowest, highest).map(String));
	return fc.tuple(start, within(leastStep, highest)).map(([from, step]) => `${from}/${step}`);
}

function listOf(value: fc.Arbitrary<string | number>, most = 3): fc.Arbitrary<string> {
	return fc.uniqueArray(value, { minLength: 1, maxLength: most }).map((values) => values.join(','));
}

const any = fc.constantFrom('*', '*', '*', '*', '?');
const hour = fc.oneof(
	any,
	listOf(within(0, 23), 5),
	range(0, 23),
	stepped(0, 23),
	range(0, 4),
	within(0, 3).map(String),
);
const day = fc.oneof(
	{ weight: 3, arbitrary: any },
	...[
		listOf(within(1, 31)),
		range(1, 31),
		stepped(1, 31),
		fc.constant('L'),
		within(1, 20).map((n) => `L,${n}`),
	],
);
const month = fc.oneof(
	{ weight: 3, arbitrary: any },
	...[
		listOf(within(1, 12)),
		range(1, 12),
		stepped(1, 12),
		listOf(fc.constantFrom(...months)),
		fc.constant('Oct-dec'),
	],
);
const weekday = fc.oneof(
	{ weight: 3, arbitrary: any },
	...[
		listOf(within(1, 7)),
		range(0, 7),
		stepped(0, 7),
		listOf(fc.constantFrom(...weekdays)),
		fc.constant('mon-Fri'),
	],
	fc.tuple(within(0, 7), within(1, 5)).map(([name, nth]) => `${name}#${nth}`),
	fc.constantFrom(...weekdays, '0', '7', '4').map((name) => `${name}L`),
);
/** Few, since a year is long. */
const minute = fc.oneof(
	listOf(within(0, 59)),
	stepped(0, 59, 15),
	within(0, 57).map((n) => `${n}-${n + 2}`),
);
const dense = fc.oneof(any, listOf(within(0, 59), 6), range(0, 59), stepped(0, 59));
/** Fields of a time are met where the clocks are changed. */
const changing = fc.oneof(
	any,
	range(0, 3),
	range(22, 23),
	fc.constantFrom('0-3/2', '1', '2', '3', '0', '23', '1,2'),
);

const ofYear = fc.tuple(minute, hour, day, month, weekday).map((fields) => fields.join(' '));
const ofSeconds = fc
	.tuple(dense, dense, fc.oneof(hour, changing), any, any, any)
	.map((fields) => fields.join(' '));

function ticksOf(cron: Cron, zone: string, from: number, to: number): number[] {
	const ticks: number[] = [];
	let at = nextOfCron(cron, Zone.of(zone), from - 1);
	while (at !== undefined && at < to) {
		if (at <= (ticks.at(-1) ?? from - 1)) throw new Error(`${at} comes after ${ticks.at(-1)}`);
		ticks.push(at);
		at = nextOfCron(cron, Zone.of(zone), at);
	}
	return ticks;
}

/** Where the ticks first depart from what is expected; nothing where they never do. */
function difference(
	cron: Cron | undefined,
	zone: string,
	from: number,
	to: number,
	expected: readonly number[],
) {
	// Only what never comes is refused.
	const ticks = cron ? ticksOf(cron, zone, from, to) : [];
	const at = Array.from({ length: Math.max(ticks.length, expected.length) }, (_, index) => index).find(
		(index) => ticks[index] !== expected[index],
	);
	if (at === undefined) return {};
	const told = (moments: readonly number[]) => moments.slice(at, at + 2).map((moment) => new Date(moment));
	return { zone, isRefused: !cron, ticks: told(ticks), expected: told(expected) };
}

/** A year is long: fewer runs of these than of others. */
const yearRuns = isReplay ? fuzz : { ...fuzz, numRuns: Math.ceil(fuzz.numRuns / 500) };
const windowRuns = isReplay ? fuzz : { ...fuzz, numRuns: Math.ceil(fuzz.numRuns / 50) };

describe('the ticks are exactly what the clocks show', () => {
	test('a whole year, minute by minute', { timeout: fuzzTimeoutMs }, () => {
		let moments = 0;
		fc.assert(
			fc.property(
				fc.oneof({ weight: 9, arbitrary: place }, leftOut),
				fc.array(ofYear, { minLength: 3, maxLength: 3 }),
				({ zone, year }, expressions) => {
					const clocks = new Clocks(zone);
					const [from, to] = [Date.UTC(year), Date.UTC(year + 1)];
					for (const expression of expressions) {
						const cron = attempt(() => parseCron(expression));
						const expected = momentsOf(expression, clocks, {
							from,
							to,
							step: stepMs.minute,
							lead: 2 * dayMs,
						});
						moments += expected.length;
						expect({ expression, ...difference(cron, zone, from, to, expected) }).toEqual({ expression });
					}
				},
			),
			yearRuns,
		);
		if (!isReplay) expect(moments).toBeGreaterThan(50_000);
	});

	test('the hours around a change, second by second', { timeout: fuzzTimeoutMs }, () => {
		let changes = 0;
		fc.assert(
			fc.property(place, within(3, 365), ofSeconds, ({ zone, year }, number, expression) => {
				const clocks = new Clocks(zone);
				const change = clocks.changesIn(year)[number % 2];
				if (change !== undefined) changes++;
				const middle = change ?? Date.UTC(year) + number * dayMs;
				const [from, to] = [middle - 2 * hourMs, middle + 3 * hourMs];
				const expected = momentsOf(expression, clocks, { from, to, step: stepMs.second, lead: hourMs });
				expect({ expression, ...difference(parseCron(expression), zone, from, to, expected) }).toEqual({
					expression,
				});
			}),
			windowRuns,
		);
		if (!isReplay) expect(changes).toBeGreaterThan(windowRuns.numRuns / 5);
	});
});
