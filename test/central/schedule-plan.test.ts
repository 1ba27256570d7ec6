import { expect, test } from 'vitest';
import { planOf } from '../../src/central/schedule-plan.ts';
import { minuteMs, recordOf, start } from './firing.ts';

test('with jitter each node has its own moment within it, and each tick comes once', () => {
	const nodes = Array.from({ length: 500 }, (_, n) => `ship${n}`);
	const form = { name: 'spread', every: '1m', jitter: '1m', toNode: undefined, toNodes: nodes };
	const plan = planOf(recordOf(form), undefined);
	if (!plan) throw new Error('no plan');
	plan.aimAt(nodes);
	plan.advance(plan.through, {});
	const fired = new Map<string, number[]>();
	for (let rounds = 0; plan.nextDue < start + 5 * minuteMs; rounds++) {
		expect(rounds).toBeLessThan(5000);
		const now = plan.nextDue;
		for (const { node, fire } of plan.decide(now)) fired.set(node, [...(fired.get(node) ?? []), ...fire]);
		plan.advance(now, {});
	}
	expect(fired.size).toBe(500);
	for (const ticks of fired.values()) expect(new Set(ticks).size).toBe(ticks.length);
});
