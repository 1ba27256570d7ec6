/**
 * Owns how a chart is drawn: colours of the theme, axes, one pointer over all charts.
 * Promises the same colours as everything else on the page has. Keeps nothing.
 */

import uPlot from 'uplot';
import type { ChartSpec } from './series.ts';

const sync = uPlot.sync('charts');

/** What the browser makes of a colour of style.css in the present theme. */
function colourOf(name: string): string {
	const probe = document.createElement('span');
	probe.style.color = `var(--${name})`;
	document.body.append(probe);
	const { color } = getComputedStyle(probe);
	probe.remove();
	return color;
}

/** The colour, mostly let through; `rgb(…)` and `color(…)` alike. */
const faded = (colour: string) =>
	colour.replace(/\)$/, colour.includes(',') ? ', 0.10)' : ' / 0.10)').replace(/^rgb\(/, 'rgba(');

const two = (amount: number) => String(amount).padStart(2, '0');

function timeOfAxis(at: number): string {
	const date = new Date(at);
	return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function optionsOf(
	{ lines, say, unit }: ChartSpec,
	{
		width,
		height,
		range,
		onPoint,
	}: {
		width: number;
		height: number;
		/** First and last moment, milliseconds. */
		range: () => [number, number];
		/** Index of the data below the pointer; null where it is away. */
		onPoint: (index: number | null) => void;
	},
): uPlot.Options {
	const [grid, words] = [colourOf('line'), colourOf('faint')];
	const font = `11px ${getComputedStyle(document.body).fontFamily}`;
	const axis = {
		stroke: words,
		font,
		grid: { stroke: grid, width: 1 },
		ticks: { show: false },
	};
	return {
		width,
		height,
		ms: 1,
		padding: [12, 14, 0, 0],
		legend: { show: false },
		cursor: {
			sync: { key: sync.key },
			drag: { x: false, y: false },
			points: { size: 6 },
		},
		scales: {
			x: { time: true, range },
			y: { range: (_plot, _low, high) => [0, niceTop(high, unit)] },
		},
		axes: [
			{ ...axis, size: 28, gap: 4, space: 70, values: (_plot, splits) => splits.map(timeOfAxis) },
			{
				...axis,
				size: 62,
				gap: 6,
				space: 36,
				values: (_plot, splits) => splits.map((value) => (value === 0 ? '0' : say(value))),
				incrs: steps[unit],
			},
		],
		series: [
			{},
			...lines.map(({ name, tone, dashed, filled }) => {
				const colour = colourOf(tone);
				return {
					label: name,
					stroke: colour,
					width: 1.5,
					...(dashed ? { dash: [5, 4] } : {}),
					...(filled ? { fill: faded(colour) } : {}),
					// A line needs two: one that stands alone is a dot.
					points: { show: true, size: 4, fill: colour, filter: alone },
					spanGaps: false,
				};
			}),
		],
		hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
	};
}

const decades = (most: number) =>
	Array.from({ length: most }, (_, zeros) => [1, 2, 5].map((step) => step * 10 ** zeros)).flat();
const wholeSteps = decades(8);
const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
/** As clocks are divided. */
const durationSteps = [
	...decades(3),
	...[1, 2, 5, 10, 15, 30].map((step) => step * 1000),
	...[1, 2, 5, 10, 15, 30].map((step) => step * minute),
	...[1, 2, 3, 6, 12].map((step) => step * hour),
	...decades(4).map((step) => step * day),
];

const steps = {
	whole: wholeSteps,
	rate: [0.1, 0.2, 0.5, ...wholeSteps],
	duration: durationSteps,
} satisfies Record<ChartSpec['unit'], number[]>;

const alone: uPlot.Series.Points.Filter = (plot, line, show) => {
	const values = plot.data[line];
	if (!show || !values) return null;
	const found: number[] = [];
	for (const [index, value] of values.entries()) {
		if (value !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null)
			found.push(index);
	}
	return found;
};

/** A little above the highest, so that no line lies on the edge; something where all is zero. */
function niceTop(high: number | null, unit: ChartSpec['unit']): number {
	const top = (high ?? 0) * 1.15;
	if (unit === 'whole') return Math.max(4, Math.ceil(top));
	if (top > 0) return top;
	return unit === 'rate' ? 4 : 1000;
}
