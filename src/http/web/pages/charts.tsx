/**
 * Owns the page of charts: what waited, ran, ended and how quickly, over the last quarter of an hour, hour or day.
 * Promises to go on by itself while the page is connected, and to say since when the centre watched. Keeps nothing.
 */

import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { Chart } from '../charts/chart.tsx';
import { charts, isWindow, type Series, type Window, watchedWords } from '../charts/series.ts';
import { now, serverNow } from '../clock.ts';
import { connection } from '../live.ts';
import { useLoad } from '../load.ts';
import { query, setQuery } from '../route.tsx';
import { Banner } from '../ui/banner.tsx';
import { Button } from '../ui/button.tsx';
import { PageHead } from '../ui/panel.tsx';
import { Chip } from '../ui/search-box.tsx';
import { Time } from '../ui/time.tsx';
import './charts.css';

const usual: Window = '1h';
const names = [
	['15m', '15 minutes'],
	['1h', '1 hour'],
	['24h', '24 hours'],
] as const;

export default function Charts() {
	const said = query.value.get('window') ?? usual;
	const window = isWindow(said) ? said : usual;
	const series = useLoad<Series>(`/series?window=${window}`);
	const asked = useRef(serverNow());
	// A series has a new sample each step, and nothing in between.
	useSignalEffect(() => {
		const stepMs = Math.max(5000, series.data.value?.stepMs ?? 5000);
		if (now.value - asked.current < stepMs || connection.value.state !== 'live') return;
		asked.current = now.value;
		series.reload();
	});
	const data = series.data.value;
	const failure = series.error.value;
	const edge = data ? Math.max(data.points.at.at(-1) ?? 0, asked.current) : serverNow();
	const partly = data && watchedWords(data, window, edge);
	return (
		<div class="page charts-page">
			<PageHead
				title="Charts"
				sub={
					<span>
						{partly ? (
							<>
								Watched since <Time at={data?.from ?? edge} form="absolute" /> ({partly})
							</>
						) : data ? (
							'The whole fleet, as this centre saw it'
						) : failure ? (
							'Nothing is known'
						) : (
							'Loading'
						)}
					</span>
				}
				actions={
					<search class="chips" aria-label="How far back">
						{names.map(([one, name]) => (
							<Chip
								key={one}
								pressed={one === window}
								onPress={() => setQuery({ window: one === usual ? '' : one })}
							>
								{name}
							</Chip>
						))}
					</search>
				}
			/>
			{failure && (
				<Banner tone="bad" action={<Button onClick={series.reload}>Try again</Button>}>
					{failure.message}
				</Banner>
			)}
			<div class="charts-grid">
				{charts.map((spec) => (
					<Chart
						key={spec.id}
						spec={spec}
						series={data}
						failed={failure !== undefined}
						window={window}
						now={edge}
					/>
				))}
			</div>
		</div>
	);
}
