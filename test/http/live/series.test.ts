import { expect, test } from 'vitest';
import type { IndexedSummary } from '../../../src/central/ledger-table.ts';
import type { Totals } from '../../../src/domain/row-schema.ts';
import { type CommandState, commandStates } from '../../../src/domain/state.ts';
import { Series } from '../../../src/http/live/series.ts';
import { seriesView } from '../../../src/http/live/series-view.ts';

const begin = Date.parse('2026-01-01T00:00:00Z');

function told(state: CommandState, startedAt: number | null = null): IndexedSummary {
	return {
		...{ state, method: 'm', lane: 'normal', queuedAt: begin, seq: 1, startedAt, starts: 1, endedAt: null },
		...{ deadlineAt: null, settledAt: null, lostAt: null, schedule: null, revision: 1 },
	};
}

function totals(
	over: Partial<Record<CommandState, number>> = {},
	oldestQueuedAt: string | null = null,
): Totals {
	const states = Object.fromEntries(commandStates.map((state) => [state, over[state] ?? 0]));
	return {
		nodes: { known: 0, present: 0, absent: 0, never: 0, unknown: 0 },
		commands: states as Totals['commands'],
		oldestQueuedAt,
	};
}

function watched() {
	let now = begin;
	const series = new Series(() => now);
	series.sample(totals(), true);
	return {
		series,
		pass(ms: number, over: Totals = totals()) {
			now += ms;
			series.sample(over, true);
		},
	};
}

test('each step says what was there at its end, and what happened in it', () => {
	const { series, pass } = watched();
	series.command('a.1', undefined, told('running', begin + 40));
	series.command('a.1', told('running', begin + 40), told('succeeded', begin + 40));
	series.command('a.2', undefined, told('failed', begin + 60));
	series.command('a.3', undefined, told('cancelled'));
	pass(5000, totals({ queued: 7, running: 2 }, '2026-01-01T00:00:01.000Z'));
	pass(5000);
	const { points, stepMs, from } = seriesView(series, 3_600_000);
	expect([stepMs, from]).toEqual([5000, '2026-01-01T00:00:00.000Z']);
	expect(points.at.map((at) => at - begin)).toEqual([0, 5000, 10_000]);
	expect(points).toMatchObject({
		...{ queued: [0, 7, 0], running: [0, 2, 0], succeeded: [0, 1, 0], failed: [0, 1, 0] },
		...{ oldestMs: [null, 4000, null], deliveryP50Ms: [null, 60, null], deliveryP95Ms: [null, 60, null] },
	});
});

test('an end that is told twice has happened once, and what comes late of one that has ended is none', () => {
	const { series, pass } = watched();
	series.command('a.1', undefined, told('succeeded', begin));
	series.command('a.1', told('succeeded', begin), told('succeeded', begin));
	pass(5000);
	expect(seriesView(series, 60_000).points.succeeded).toEqual([0, 1]);
});

test('what is read again after a loss has not happened again', () => {
	const { series, pass } = watched();
	series.reset();
	series.command('a.1', undefined, told('succeeded', begin));
	pass(5000);
	series.command('a.2', undefined, told('succeeded', begin));
	pass(5000);
	expect(seriesView(series, 60_000).points.succeeded).toEqual([0, 0, 1]);
});

test('while the index is read nothing is known, and nothing is said', () => {
	const series = new Series(() => begin);
	series.sample(totals({ queued: 9 }), false);
	expect(seriesView(series, 60_000).points.at).toEqual([]);
});

test('of two hours each step is kept, of a day each minute, and no more', () => {
	const { series, pass } = watched();
	for (let step = 0; step < (26 * 3_600_000) / 5000; step++) {
		series.command(`a.${step}`, undefined, told('succeeded', begin));
		pass(5000);
	}
	const fine = seriesView(series, 2 * 3_600_000);
	expect(fine.points.at).toHaveLength(1440);
	const day = seriesView(series, 24 * 3_600_000);
	expect([day.stepMs, day.points.at.length]).toEqual([60_000, 1440]);
	expect(new Set(day.points.succeeded)).toEqual(new Set([12]));
	expect(seriesView(series, 60_000).points.at).toHaveLength(12);
});
