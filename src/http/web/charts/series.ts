/**
 * Owns what the charts draw: the server's series as lines, with holes where nobody watched, and what each chart says in words.
 * Promises nothing in a hole, and the same figures in the words as in the picture. Pure.
 */

import { count, longDuration } from '../words.ts';

/** `GET /series`. */
export type Series = {
	readonly stepMs: number;
	/** Since when it was watched. */
	readonly from: string;
	readonly points: {
		readonly at: readonly number[];
		readonly queued: readonly number[];
		readonly running: readonly number[];
		/** Within the step. */
		readonly succeeded: readonly number[];
		readonly failed: readonly number[];
		readonly oldestMs: readonly (number | null)[];
		readonly deliveryP50Ms: readonly (number | null)[];
		readonly deliveryP95Ms: readonly (number | null)[];
	};
};

export const windows = { '15m': 15 * 60_000, '1h': 3_600_000, '24h': 24 * 3_600_000 } as const;
export type Window = keyof typeof windows;
export const isWindow = (text: string): text is Window => Object.hasOwn(windows, text);

type Values = readonly (number | null)[];
export type LineSpec = {
	readonly name: string;
	readonly tone: 'accent' | 'ok' | 'bad' | 'muted' | 'warn';
	/** Beside its colour, so that two lines can be told apart without. */
	readonly dashed?: boolean;
	readonly filled?: boolean;
	readonly of: (series: Series) => Values;
};
export type ChartSpec = {
	readonly id: string;
	readonly title: string;
	readonly lines: readonly LineSpec[];
	readonly say: (value: number) => string;
	/** What the steps of its axis are. */
	readonly unit: 'whole' | 'rate' | 'duration';
};

const aMinute = (values: readonly number[], stepMs: number): Values =>
	values.map((value) => (value * 60_000) / stepMs);

const rate = (value: number) =>
	value >= 10 || value === 0 ? count(Math.round(value)) : String(Math.round(value * 10) / 10);

export const charts: readonly ChartSpec[] = [
	{
		id: 'load',
		title: 'Waiting and running',
		unit: 'whole',
		say: (value) => count(Math.round(value)),
		lines: [
			{ name: 'queued', tone: 'accent', filled: true, of: ({ points }) => points.queued },
			{ name: 'running', tone: 'ok', dashed: true, of: ({ points }) => points.running },
		],
	},
	{
		id: 'outcomes',
		title: 'Outcomes a minute',
		unit: 'rate',
		say: rate,
		lines: [
			{
				name: 'succeeded',
				tone: 'ok',
				filled: true,
				of: ({ points, stepMs }) => aMinute(points.succeeded, stepMs),
			},
			{
				name: 'ended badly',
				tone: 'bad',
				dashed: true,
				of: ({ points, stepMs }) => aMinute(points.failed, stepMs),
			},
		],
	},
	{
		id: 'oldest',
		title: 'Oldest waiting',
		unit: 'duration',
		say: longDuration,
		lines: [{ name: 'oldest', tone: 'warn', filled: true, of: ({ points }) => points.oldestMs }],
	},
	{
		id: 'delivery',
		title: 'From queued to started',
		unit: 'duration',
		say: longDuration,
		lines: [
			{ name: 'half within', tone: 'accent', filled: true, of: ({ points }) => points.deliveryP50Ms },
			{ name: '95 % within', tone: 'muted', dashed: true, of: ({ points }) => points.deliveryP95Ms },
		],
	},
];

/** Beyond this many steps without a point nobody watched: the line is broken. */
const holeSteps = 2.5;

/** Times and one list for each line, with a point of nothing in each hole. */
export function alignedOf(series: Series, lines: readonly LineSpec[]): [number[], ...(number | null)[][]] {
	const { stepMs, points } = series;
	const raw = lines.map((line) => line.of(series));
	const at: number[] = [];
	const out: (number | null)[][] = lines.map(() => []);
	points.at.forEach((time, index) => {
		const before = points.at[index - 1];
		if (before !== undefined && time - before > stepMs * holeSteps) {
			at.push(before + stepMs);
			for (const values of out) values.push(null);
		}
		at.push(time);
		for (const [line, values] of out.entries()) values.push(raw[line]?.[index] ?? null);
	});
	return [at, ...out];
}

/** What the chart shows, for who does not see it: each line now, and its highest. */
export function summaryOf(
	series: Series,
	{ lines, say }: ChartSpec,
	timeWords: (at: number) => string,
): string {
	const parts = lines.map((line) => {
		const values = line.of(series);
		const last = values.at(-1);
		let highest = -1;
		values.forEach((value, index) => {
			if (value !== null && (highest < 0 || value > (values[highest] ?? 0))) highest = index;
		});
		const top = values[highest];
		const now = last === undefined || last === null ? 'none now' : `${say(last)} now`;
		if (top === undefined || top === null || top === 0) return `${line.name}: ${now}`;
		return `${line.name}: ${now}, at most ${say(top)} (${timeWords(series.points.at[highest] ?? 0)})`;
	});
	return `${parts.join('; ')}.`;
}

/** How long this centre has watched, where it is less than the window: it knows nothing of before. */
export function watchedWords({ from }: Series, window: Window, now: number): string | undefined {
	const watched = now - Date.parse(from);
	if (watched >= windows[window] - 60_000) return undefined;
	return watched < 60_000 ? 'less than a minute' : longDuration(watched);
}
