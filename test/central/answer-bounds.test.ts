import { expect, test } from 'vitest';
import { boundedNode, howManyFit } from '../../src/central/answer-bounds.ts';
import { nodeView } from '../../src/domain/view.ts';
import { nodeState } from '../client/setup.ts';

test('as many items go into an answer as a message holds, and never none', () => {
	const items = Array.from({ length: 10 }, () => 'x'.repeat(10_000));
	expect(howManyFit(items, 1024 * 1024)).toBe(10);
	expect(howManyFit(items, 38_000)).toBe(3);
	expect(howManyFit(items, 1000)).toBe(1);
	expect(howManyFit([undefined, ...items], 38_000)).toBe(4);
	expect(howManyFit([], 1000)).toBe(0);
});

test('a node that fits is told as it is; of one that does not the beginning is, and that it is', () => {
	const view = (labels: Record<string, string>) =>
		nodeView(
			'ship1',
			{ v: 1, state: nodeState('ship1', labels), lastSeenAt: 1, conflict: null },
			{ status: 'present', since: null },
			3,
		);
	const usual = view({ role: 'tug' });
	expect(boundedNode(usual, 1024 * 1024)).toBe(usual);
	const large = view(Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`k${n}`, 'v'.repeat(9000)])));
	const bounded = boundedNode(large, 1024 * 1024);
	expect(JSON.stringify(bounded).length).toBeLessThan(100_000);
	expect(bounded).toMatchObject({ node: 'ship1', presence: 'present', queued: 3 });
	expect(bounded.labels.k0).toMatch(/^v{200}… \(cut: 9000 characters\)$/);
});
