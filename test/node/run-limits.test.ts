import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { RunLimits } from '../../src/node/delivery/run-limits.ts';
import { manualClock } from '../support/clock.ts';

function makeLimits() {
	const clock = manualClock();
	const grace = new AbortController();
	return { clock, grace, limits: new RunLimits({ runForMs: 1000, graceOver: grace.signal, clock }) };
}

test('runs that begin together are ended together, each with its full time', async () => {
	const { clock, limits } = makeLimits();
	const [first, second] = [limits.begin(), limits.begin()];
	await turn();
	await clock.advance(600);
	const later = limits.begin();
	first.end();
	await clock.advance(600);
	expect(second.signal.aborted).toBe(true);
	expect(String(second.signal.reason)).toContain('too long');
	expect(later.signal.aborted).toBe(false);
	await clock.advance(600);
	expect(later.signal.aborted).toBe(true);
});

test('what has ended in time is aborted by nothing any more, and who begins then has a clock of its own', async () => {
	const { clock, grace, limits } = makeLimits();
	const [first, second] = [limits.begin(), limits.begin()];
	first.end();
	second.end();
	const next = limits.begin();
	expect(next.signal).not.toBe(first.signal);
	await clock.advance(1500);
	grace.abort();
	expect(first.signal.aborted).toBe(false);
	expect(next.signal.aborted).toBe(true);
	next.end();
	expect(clock.pending).toBe(0);
});

test('all that runs ends when the grace of the node is over', () => {
	const { grace, limits } = makeLimits();
	const run = limits.begin();
	grace.abort();
	expect(String(run.signal.reason)).toContain('the node stops');
});
