import { describe, expect, test } from 'vitest';
import type { AttemptView, CommandView } from '../../../src/domain/view-schema.ts';
import { runShare, stretchesOf } from '../../../src/http/web/command/timeline.ts';
import { hereWords, localWords } from '../../../src/http/web/schedule/tick-words.ts';
import { hourMarks, tickLine, ticksOfInterval } from '../../../src/http/web/schedule/ticks.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 23) + seconds * 1000).toISOString();
const now = Date.parse(at(10_000));

function attempt(
	number: number,
	from: number,
	to: number | null,
	outcome: string | null = 'failed',
): AttemptView {
	return {
		attempt: number,
		startedAt: at(from),
		endedAt: to === null ? null : at(to),
		outcome: to === null ? null : outcome,
		exitCode: to === null ? null : 3,
		signal: null,
		fault: null,
	};
}

type Life = Parameters<typeof stretchesOf>[0];

function life(more: Partial<Life>): Life {
	return {
		...{ state: 'queued', history: [], queuedAt: at(0), startedAt: null, endedAt: null },
		...{ attempts: [], nextAttemptAt: null, notBefore: null },
		...more,
	};
}

const told = (view: Life) =>
	stretchesOf(view, now).map(({ kind, from, to, label }) => [kind, from, to, label]);

describe('the life of a command', () => {
	test('waits as long as it has not started', () => {
		expect(told(life({}))).toEqual([['waiting', at(0), null, 'waited for its node']]);
		expect(told(life({ state: 'expired', endedAt: at(60) }))).toEqual([
			['waiting', at(0), at(60), 'waited for its node'],
		]);
	});

	test('begins with the wait for its time, where it had one', () => {
		const scheduled = { state: 'scheduled', at: at(-100), by: '_operator', note: '', late: false } as const;
		expect(told(life({ state: 'scheduled', queuedAt: null, history: [scheduled] }))).toEqual([
			['scheduled', at(-100), null, 'waited for its time'],
		]);
		expect(told(life({ history: [scheduled] })).map(([kind]) => kind)).toEqual(['scheduled', 'waiting']);
	});

	test('has each attempt, and the waits between them', () => {
		const attempts = [attempt(1, 10, 20), attempt(2, 30, null)];
		expect(told(life({ state: 'running', startedAt: at(10), attempts }))).toEqual([
			['waiting', at(0), at(10), 'waited for its node'],
			['attempt', at(10), at(20), 'attempt 1: failed, exit 3'],
			['between', at(20), at(30), 'waited for the next attempt'],
			['attempt', at(30), null, 'attempt 2: runs'],
		]);
		expect(
			told(life({ state: 'retrying', startedAt: at(10), attempts: attempts.slice(0, 1) })).at(-1),
		).toEqual(['between', at(20), null, 'waited for the next attempt']);
	});

	test('ends with its last attempt, or with what was called off behind it', () => {
		const attempts = [attempt(1, 10, 20)];
		const ended = (endedAt: number, state: CommandView['state']) =>
			told(life({ state, startedAt: at(10), endedAt: at(endedAt), attempts })).map(([kind]) => kind);
		expect(ended(20, 'failed')).toEqual(['waiting', 'attempt']);
		expect(ended(500, 'cancelled')).toEqual(['waiting', 'attempt', 'between']);
	});

	test('says so where nobody heard how an attempt ended', () => {
		const view = life({
			state: 'lost',
			startedAt: at(10),
			endedAt: at(900),
			attempts: [attempt(1, 10, null)],
		});
		expect(told(view).at(-1)).toEqual(['attempt', at(10), at(900), 'attempt 1: nobody heard how it ended']);
	});

	test('shows two seconds beside a week', () => {
		const week = 7 * 86_400;
		const stretches = stretchesOf(
			life({
				state: 'succeeded',
				startedAt: at(week),
				endedAt: at(week + 2),
				attempts: [attempt(1, week, week + 2)],
			}),
			now,
		);
		const shares = stretches.map(({ share }) => share);
		expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
		expect(Math.min(...shares)).toBeGreaterThan(0.1);
	});

	test('knows how far a run is towards its bound', () => {
		const running = { state: 'running', attempts: [attempt(1, 9_970, null)], runForMs: 60_000 } as const;
		expect(runShare({ ...running, attempts: [...running.attempts] }, now)).toBe(0.5);
		expect(runShare({ ...running, attempts: [...running.attempts], runForMs: null }, now)).toBeUndefined();
		expect(runShare({ state: 'queued', attempts: [], runForMs: 60_000 }, now)).toBeUndefined();
	});
});

describe('the next ticks', () => {
	const span = { from: 0, spanMs: 1000, complete: true };

	test('stand where they are, and dense ones are one band', () => {
		const { marks, unknownFrom } = tickLine([100, 500, 503, 506, 900, 1500], span);
		expect(marks).toEqual([
			{ kind: 'tick', at: 100, left: 0.1 },
			expect.objectContaining({ kind: 'band', from: 500, to: 506, count: 3 }),
			{ kind: 'tick', at: 900, left: 0.9 },
		]);
		expect(unknownFrom).toBeUndefined();
	});

	test('say from where on nobody asked', () => {
		expect(tickLine([100, 500], { ...span, complete: false }).unknownFrom).toBe(0.5);
		expect(tickLine([100, 1001], { ...span, complete: false }).unknownFrom).toBeUndefined();
		expect(tickLine([], { ...span, complete: false }).unknownFrom).toBe(0);
	});

	test('of an interval are reckoned, in bounds', () => {
		expect(ticksOfInterval(10, 5, 30, 100)).toEqual([10, 15, 20, 25, 30]);
		expect(ticksOfInterval(10, 5, 30, 2)).toEqual([10, 15]);
		expect(ticksOfInterval(40, 5, 30, 100)).toEqual([]);
	});

	test('have full hours to be read by', () => {
		const from = new Date(2026, 10, 23, 10, 20).getTime();
		const marks = hourMarks(from, 86_400_000);
		expect(marks.length).toBeGreaterThan(4);
		expect(marks.every(({ at, left }) => new Date(at).getMinutes() === 0 && left >= 0 && left <= 1)).toBe(
			true,
		);
	});
});

describe('the words of a tick', () => {
	test('are those of its zone, with seconds where there are some', () => {
		expect(localWords('2026-11-24T03:00:00+01:00')).toBe('Tue 24 Nov 2026, 03:00');
		expect(localWords('2026-11-24T03:00:15+01:00')).toBe('Tue 24 Nov 2026, 03:00:15');
		expect(localWords('odd')).toBe('odd');
	});

	test('say the browser’s clock where it shows something else', () => {
		const tick = new Date(2026, 10, 24, 3, 0).toISOString();
		expect(hereWords(tick, '2026-11-24T03:00:00+00:00')).toBe('');
		expect(hereWords(tick, '2026-11-24T21:00:00+00:00')).toBe('03:00 here');
		expect(hereWords(tick, '2026-11-23T21:00:00+00:00')).toBe('Tue 03:00 here');
	});
});
