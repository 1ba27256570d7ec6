import { expect, test } from 'vitest';
import {
	alignedOf,
	charts,
	type Series,
	summaryOf,
	watchedWords,
} from '../../../src/http/web/charts/series.ts';

const start = Date.UTC(2026, 0, 1, 12);
const at = [0, 5, 10, 60, 65].map((seconds) => start + seconds * 1000);
const series: Series = {
	stepMs: 5000,
	from: new Date(start).toISOString(),
	points: {
		at,
		queued: [1, 7, 3, 2, 4],
		running: [0, 0, 0, 0, 0],
		succeeded: [1, 0, 2, 0, 1],
		failed: [0, 0, 0, 1, 0],
		oldestMs: [1000, null, 3000, null, null],
		deliveryP50Ms: [null, null, null, null, null],
		deliveryP95Ms: [null, null, null, null, null],
	},
};
const [load, outcomes, oldest, delivery] = charts;
const clock = (time: number) => new Date(time).toISOString().slice(11, 19);

test('breaks the lines where nobody watched', () => {
	if (!load) throw new Error('no chart');
	const [times, queued, running] = alignedOf(series, load.lines);
	expect(times.map((time) => (time - start) / 1000)).toEqual([0, 5, 10, 15, 60, 65]);
	expect(queued).toEqual([1, 7, 3, null, 2, 4]);
	expect(running).toEqual([0, 0, 0, null, 0, 0]);
});

test('counts outcomes by the minute, whatever the step', () => {
	expect(outcomes?.lines[0]?.of(series)).toEqual([12, 0, 24, 0, 12]);
});

test('says in words what the picture shows', () => {
	const words = [load, oldest, delivery].map((chart) => chart && summaryOf(series, chart, clock));
	expect(words).toEqual([
		'queued: 4 now, at most 7 (12:00:05); running: 0 now.',
		'oldest: none now, at most 3.0 s (12:00:10).',
		'half within: none now; 95 % within: none now.',
	]);
});

test('says how much of the window was watched, and nothing where it was all', () => {
	expect(watchedWords(series, '15m', start + 30_000)).toBe('less than a minute');
	expect(watchedWords(series, '15m', start + 300_000)).toBe('5 min');
	expect(watchedWords(series, '15m', start + 900_000)).toBeUndefined();
});
