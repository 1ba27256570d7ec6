import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/base/duration.ts';

describe('as people write it', () => {
	test.each([
		['250ms', 250],
		['0s', 0],
		['1s', 1000],
		['10m', 600_000],
		['1h30m', 5_400_000],
		['1h 30m', 5_400_000],
		['7d', 604_800_000],
		['2w', 1_209_600_000],
		['1.5h', 5_400_000],
		['0.5ms', 1],
		['1d2h3m4s5ms', 93_784_005],
	])('%s', (text, ms) => {
		expect(parseDuration(text)).toBe(ms);
	});

	test.each([
		'',
		' ',
		'5',
		'5.s',
		'.5s',
		's',
		'-5s',
		'5 s',
		'5S',
		'5s ',
		' 5s',
		'1h  30m',
		'1h,30m',
		'5y',
		'1e3s',
		'Infinity',
		'never',
		'999999999999w',
		`${'9'.repeat(400)}d`,
	])('not %j', (text) => {
		expect(parseDuration(text)).toBeUndefined();
	});

	test('a long text that is none is told at once', () => {
		const before = process.cpuUsage();
		expect(parseDuration(`${'1m'.repeat(100_000)}x`)).toBeUndefined();
		const { user, system } = process.cpuUsage(before);
		expect((user + system) / 1000).toBeLessThan(2000);
	});
});

describe('as people read it', () => {
	test.each([
		[0, '0ms'],
		[-5, '0ms'],
		[850, '850ms'],
		[999.4, '999ms'],
		[999.6, '1s'],
		[1000, '1s'],
		[59_499, '59s'],
		[59_500, '1m'],
		[130_000, '2m 10s'],
		[3_600_000, '1h'],
		[3_601_000, '1h'],
		[273_600_000, '3d 4h'],
		[86_400_000 + 60_000, '1d'],
		[700 * 86_400_000, '700d'],
	])('%d ms: %s', (ms, text) => {
		expect(formatDuration(ms)).toBe(text);
	});

	test('what is read can be written again, and means the same to the last unit shown', () => {
		for (const ms of [0, 1, 999, 1000, 61_000, 130_000, 3_600_000, 5_400_000, 273_600_000, 604_800_000]) {
			expect(parseDuration(formatDuration(ms))).toBe(ms);
		}
	});
});
