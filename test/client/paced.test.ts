import { expect, test } from 'vitest';
import { paced } from '../../src/client/paced.ts';
import { manualClock } from '../support/clock.ts';

test('each waits for its time, and one that took long is not made up for', async () => {
	const clock = manualClock();
	const begun: number[] = [];
	const working = paced([1, 2, 3, 4], { ratePerSecond: 10, clock }, async (item) => {
		begun.push(clock.monotonic());
		// The second takes three times as long as there is between two.
		if (item === 2) await clock.sleep(300);
		return item;
	});
	await clock.advance(10_000);
	expect(begun).toEqual([0, 100, 400, 500]);
	expect(await working).toEqual([1, 2, 3, 4]);
	expect(clock.pending).toBe(0);
});

test('the first failure ends it', async () => {
	const clock = manualClock();
	const begun: number[] = [];
	const working = paced([1, 2, 3], { ratePerSecond: 1000, clock }, async (item) => {
		begun.push(item);
		if (item === 2) throw new Error('not today');
	});
	const failed = expect(working).rejects.toThrow('not today');
	await clock.advance(10);
	await failed;
	expect(begun).toEqual([1, 2]);
});
