/**
 * Owns one chart: a drawing by uPlot that follows the data, the theme, its width, and the pointer on any of the others.
 * Promises its figures in words beside the picture, and no jump while data come: its height is fixed.
 * Dies with its component.
 */

import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { isDark } from '../theme.ts';
import { absolute } from '../words.ts';
import { optionsOf } from './options.ts';
import { alignedOf, type ChartSpec, type Series, summaryOf, type Window, windows } from './series.ts';
import 'uplot/dist/uPlot.min.css';

const height = 210;
const leastMs = 5 * 60_000;

const clockWords = (at: number) => absolute(at).slice(11, 19);

/** The window, or so much of it as was watched: not less than a few minutes, so that a step is seen as one. */
function beginOf(series: Series | undefined, window: Window, now: number): number {
	const watched = series ? Date.parse(series.from) : 0;
	return Math.max(now - windows[window], Math.min(watched, now - leastMs));
}

export function Chart({
	spec,
	series,
	failed,
	window,
	now,
}: {
	spec: ChartSpec;
	/** Undefined until it is loaded. */
	series: Series | undefined;
	failed: boolean;
	window: Window;
	/** Server time of the right edge. */
	now: number;
}) {
	const box = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot | undefined>(undefined);
	const pointed = useSignal<number | null>(null);
	const range = useRef<[number, number]>([0, 1]);
	range.current = [beginOf(series, window, now), now];
	const data = series && alignedOf(series, spec.lines);
	const latest = useRef(data);
	latest.current = data;

	useEffect(() => {
		const element = box.current;
		if (!element) return;
		const draw = () => {
			plot.current?.destroy();
			plot.current = new uPlot(
				optionsOf(spec, {
					width: Math.max(100, element.clientWidth),
					height,
					range: () => range.current,
					onPoint: (index) => {
						pointed.value = index;
					},
				}),
				latest.current ?? [[], ...spec.lines.map(() => [])],
				element,
			);
		};
		const endTheme = isDark.subscribe(draw);
		const watch = new ResizeObserver(() =>
			plot.current?.setSize({ width: Math.max(100, element.clientWidth), height }),
		);
		watch.observe(element);
		return () => {
			endTheme();
			watch.disconnect();
			plot.current?.destroy();
			plot.current = undefined;
		};
	}, []);

	useEffect(() => {
		if (data) plot.current?.setData(data);
	}, [series, now]);

	const index = useComputed(() => pointed.value);
	const last = data ? data[0].length - 1 : -1;
	const shown = index.value ?? last;
	const at = data?.[0][shown];
	return (
		<section class="panel chart" aria-labelledby={`chart-${spec.id}`}>
			<div class="panel-head">
				<h2 id={`chart-${spec.id}`}>{spec.title}</h2>
				<div class="chart-legend" aria-hidden="true">
					{index.value !== null && at !== undefined && <span class="faint">{clockWords(at)}</span>}
					{spec.lines.map(({ name, tone, dashed }, line) => {
						const value = data?.[line + 1]?.[shown];
						return (
							<span key={name} class="chart-line">
								<span class={`chart-mark ${tone}`} data-dashed={dashed || undefined} />
								{name} <strong>{typeof value === 'number' ? spec.say(value) : '–'}</strong>
							</span>
						);
					})}
				</div>
			</div>
			<figure class="live">
				<div class="chart-box" ref={box} aria-hidden="true" />
				<figcaption class="chart-words">
					{series ? summaryOf(series, spec, clockWords) : failed ? 'Nothing is known.' : 'Loading'}
				</figcaption>
			</figure>
		</section>
	);
}
