import { expect, test } from 'vitest';
import { largestWindowBytes, SendWindow } from '../../../src/node/output/send-window.ts';

test('grows on a fast link up to its bound, and never has more under way than it is wide', () => {
	const window = new SendWindow();
	let underWay: number[] = [];
	let most = 0;
	for (let round = 0; round < 20; round++) {
		while (window.mayTake(window.chunkBytes)) {
			window.sent(window.chunkBytes);
			underWay.push(window.chunkBytes);
		}
		most = Math.max(
			most,
			underWay.reduce((sum, bytes) => sum + bytes, 0),
		);
		for (const bytes of underWay) window.answered(bytes, 20);
		underWay = [];
	}
	expect(most).toBe(largestWindowBytes);
	expect(window.chunkBytes).toBe(65_536);
});

test('shrinks on a thin link, so that what shares it waits little; and grows again', () => {
	const window = new SendWindow();
	for (let round = 0; round < 10; round++) {
		window.sent(window.chunkBytes);
		window.answered(window.chunkBytes, 3000);
	}
	expect(window.chunkBytes).toBe(4096);
	window.sent(4096);
	expect(window.mayTake(1)).toBe(false);
	window.answered(4096, 700);
	expect(window.chunkBytes).toBe(4096);
	window.sent(4096);
	window.answered(4096, 100);
	expect(window.chunkBytes).toBe(8192);
});

test('what is larger than the window goes alone; after a loss nothing is under way', () => {
	const window = new SendWindow();
	expect(window.mayTake(1_000_000)).toBe(true);
	window.sent(1_000_000);
	expect(window.mayTake(1)).toBe(false);
	window.reset();
	expect(window.mayTake(1_000_000)).toBe(true);
});
