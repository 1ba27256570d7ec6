import { expect, test } from 'vitest';
import { longestSessionMs, Sessions } from '../../../src/http/security/sessions.ts';
import { manualClock } from '../../support/clock.ts';

const hourMs = 3_600_000;

test('a session is found by what its browser keeps and by nothing else, and holds none of that', () => {
	const sessions = new Sessions(manualClock());
	const id = sessions.begin('token1');
	expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/);
	expect(sessions.begin('token1')).not.toBe(id);
	const found = sessions.find(id);
	expect(found).toMatchObject({ token: 'token1' });
	expect(found?.key).not.toContain(id);
	expect(sessions.find(found?.key ?? '')).toBeUndefined();
	expect(sessions.find('')).toBeUndefined();
});

test('it ends 12 hours after it was used last, and after 7 days of use', async () => {
	const clock = manualClock();
	const sessions = new Sessions(clock);
	const [used, left] = [sessions.begin('a'), sessions.begin('b')];
	for (let hours = 0; hours < 7 * 24; hours += 11) {
		expect(sessions.find(used)).toBeDefined();
		if (hours === 11) expect(sessions.find(left)).toBeDefined();
		if (hours === 33) expect(sessions.find(left)).toBeUndefined();
		await clock.advance(11 * hourMs);
	}
	expect(clock.monotonic()).toBeGreaterThanOrEqual(longestSessionMs);
	expect(sessions.find(used)).toBeUndefined();
	expect(sessions.isOpen(used)).toBe(false);
});

test('of more than it keeps, those go that were used longest ago; what has ended goes first', async () => {
	const clock = manualClock();
	const sessions = new Sessions(clock);
	const [first, second] = [sessions.begin('first'), sessions.begin('second')];
	for (let count = 2; count < 10_000; count++) sessions.begin('many');
	expect(sessions.find(first)).toBeDefined();
	sessions.begin('one more');
	expect([sessions.find(second), sessions.find(first)?.token]).toEqual([undefined, 'first']);
	await clock.advance(13 * hourMs);
	const late = sessions.begin('late');
	expect([sessions.find(first), sessions.find(late)?.token]).toEqual([undefined, 'late']);
});

test('who signs out is known no more', () => {
	const sessions = new Sessions(manualClock());
	const id = sessions.begin('token1');
	sessions.end(sessions.find(id)?.key ?? '');
	expect(sessions.find(id)).toBeUndefined();
});
