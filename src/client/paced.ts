/**
 * Owns doing one thing to many at a rate: one after the other, each not before its time.
 * Promises that no second sees more than `ratePerSecond` of them, also after one that took long, and that the first failure
 * ends it. Keeps nothing.
 */

import type { Clock } from '../base/clock.ts';

export async function paced<Item, Answer>(
	items: readonly Item[],
	{ ratePerSecond, clock }: { ratePerSecond: number; clock: Clock },
	work: (item: Item) => Promise<Answer>,
): Promise<Answer[]> {
	const everyMs = 1000 / ratePerSecond;
	const answers: Answer[] = [];
	let notBefore = clock.monotonic();
	for (const item of items) {
		const waitMs = notBefore - clock.monotonic();
		if (waitMs > 0) await clock.sleep(waitMs);
		notBefore = Math.max(notBefore, clock.monotonic()) + everyMs;
		answers.push(await work(item));
	}
	return answers;
}
