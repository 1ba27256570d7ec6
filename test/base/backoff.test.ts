import { describe, expect, test } from 'vitest';
import { type Backoff, backoffMs, defaultBackoff } from '../../src/base/backoff.ts';

const steady = () => 0;
const most = () => 1 - Number.EPSILON;

describe('the wait before the next attempt', () => {
	test('doubles up to the cap', () => {
		const waits = [1, 2, 3, 4, 9, 10, 100, 5000].map((attempt) => backoffMs(defaultBackoff, attempt, steady));
		expect(waits).toEqual([1000, 2000, 4000, 8000, 256_000, 300_000, 300_000, 300_000]);
	});

	test('stays where it is when it is fixed', () => {
		const fixed: Backoff = { kind: 'fixed', initialMs: 700, capMs: 10_000, jitter: 0 };
		for (const attempt of [1, 2, 30, 1000]) expect(backoffMs(fixed, attempt, most)).toBe(700);
	});

	test('is never longer than the cap, also the first one', () => {
		for (const kind of ['fixed', 'exponential'] as const) {
			expect(backoffMs({ kind, initialMs: 5000, capMs: 1000, jitter: 0 }, 1, steady)).toBe(1000);
		}
	});

	test('is spread over the share that may be random', () => {
		for (const jitter of [0, 0.25, 0.5, 1]) {
			for (let attempt = 1; attempt < 40; attempt++) {
				const backoff = { ...defaultBackoff, jitter };
				const longest = backoffMs(backoff, attempt, steady);
				const shortest = backoffMs(backoff, attempt, most);
				expect(longest).toBeLessThanOrEqual(backoff.capMs);
				expect(shortest).toBe(Math.round(longest * (1 - jitter)));
				for (const random of [0.1, 0.5, 0.9]) {
					const wait = backoffMs(backoff, attempt, () => random);
					expect(wait).toBeGreaterThanOrEqual(shortest);
					expect(wait).toBeLessThanOrEqual(longest);
					expect(Number.isInteger(wait)).toBe(true);
				}
			}
		}
	});
});
