import { expect, test } from 'vitest';
import { places, whereabouts } from '../../../src/http/web/places.ts';
import { lookOfPresence, lookOfState, toneOfOffset } from '../../../src/http/web/states.ts';
import {
	absolute,
	bytes,
	count,
	longDuration,
	offsetWords,
	plural,
	relative,
	shortDuration,
	spaced,
	wholeSeconds,
} from '../../../src/http/web/words.ts';

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];

test.each([
	[0, '0 s', '0 ms'],
	[850, '0 s', '850 ms'],
	[3240, '3 s', '3.2 s'],
	[9999, '9 s', '9.9 s'],
	[59 * second, '59 s', '59 s'],
	[2 * minute + 10 * second, '2 min', '2 min 10 s'],
	[3 * hour, '3 h', '3 h'],
	[47 * hour + 5 * minute, '47 h', '1 d 23 h'],
	[12 * day + 4 * hour, '12 d', '12 d 4 h'],
	[800 * day, '2 y', '800 d'],
	[-5, '0 s', '0 ms'],
])('%d ms is short %j and long %j', (ms, short, long) => {
	expect(shortDuration(ms)).toBe(short);
	expect(longDuration(ms)).toBe(long);
});

test('says how long ago, and how far ahead', () => {
	expect(relative(1000, 1500)).toBe('now');
	expect(relative(0, 90 * second)).toBe('1 min ago');
	expect(relative(90 * second, 0)).toBe('in 1 min');
	expect(relative(5 * second, 0)).toBe('in 5 s');
	expect(relative(7 * day - minute, 0)).toBe('in 7 d');
	expect(relative(0, 7 * day - minute)).toBe('6 d ago');
});

test('says a time as the clock of the browser shows it, with its zone', () => {
	const at = Date.UTC(2026, 10, 23, 2, 21, 38);
	const [date, time, zone] = absolute(at).split(' ');
	const shift = -new Date(at).getTimezoneOffset() * minute;
	expect(`${date}T${time}`).toBe(new Date(at + shift).toISOString().slice(0, 19));
	expect(zone).toMatch(/^UTC([+−]\d+(:\d\d)?)?$/);
	expect(absolute(Number.NaN)).toBe('not a time');
});

test('says amounts, sizes and differences of clocks', () => {
	expect(count(10_000)).toBe('10,000');
	expect(plural(1, 'node')).toBe('1 node');
	expect([8000, 61_000].map(wholeSeconds)).toEqual(['8 s', '1 min 1 s']);
	expect(plural(1200, 'query', 'queries')).toBe('1,200 queries');
	expect(bytes(999)).toBe('999 B');
	expect(bytes(1536)).toBe('1.5 kB');
	expect(bytes(104_857_600)).toBe('105 MB');
	expect(offsetWords(-3400)).toBe('−3.4 s');
	expect(offsetWords(12)).toBe('+12 ms');
	expect(offsetWords(95_000)).toBe('+1 min');
	expect(offsetWords(0.2)).toBe('0 ms');
	expect(spaced('timedOut')).toBe('timed out');
});

test('marks a clock that is off', () => {
	expect([null, 900, -1001, 30_001].map(toneOfOffset)).toEqual([undefined, undefined, 'warn', 'bad']);
	expect(lookOfState('timedOut').word).toBe('timed out');
	expect(lookOfPresence('never').word).toBe('never seen');
});

test.each([
	['/', { page: 'fleet', place: '/', id: '' }],
	['/nodes/ship1', { page: 'node', place: '/', id: 'ship1' }],
	['/nodes/', { page: 'fleet', place: '/', id: '' }],
	['/commands/ship1.01K', { page: 'command', place: '/commands', id: 'ship1.01K' }],
	['/schedules/a%20b', { page: 'schedule', place: '/schedules', id: 'a b' }],
	['/nodes/%E0%A4%A', undefined],
	['/nodes/a/b', undefined],
	['/charts/x', undefined],
	['/constructor', undefined],
])('the address %j names %j', (path, here) => {
	expect(whereabouts(path)).toEqual(here);
});

test('every place of the frame names a page, by a key of its own', () => {
	expect(places.map(({ to }) => whereabouts(to)?.place)).toEqual(places.map(({ to }) => to));
	expect(new Set(places.map(({ key }) => key)).size).toBe(places.length);
});
