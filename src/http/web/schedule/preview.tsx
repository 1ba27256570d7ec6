/**
 * Owns what a form would be, as the server says it: in words, and its next ten ticks in the schedule's zone and in the browser's.
 * Promises to ask a moment after the last key, to drop answers that come too late, and all that is wrong at once. Keeps nothing.
 */

import { type ReadonlySignal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ScheduleOutcome, ScheduleTickView } from '../../../domain/schedule-view-schema.ts';
import { ApiError, api } from '../api.ts';
import type { Form } from '../send/draft.ts';
import { Icon } from '../ui/icon.tsx';
import { Panel, Skeleton } from '../ui/panel.tsx';
import { Time } from '../ui/time.tsx';
import { hereWords, localWords } from './tick-words.ts';

export type Previewed = { readonly outcome: ScheduleOutcome } | { readonly problems: readonly string[] };

const waitMs = 300;

export function usePreview(form: Form): ReadonlySignal<Previewed | undefined> {
	const previewed = useSignal<Previewed | undefined>(undefined);
	const said = JSON.stringify(form);
	useEffect(() => {
		const asking = new AbortController();
		const ask = async () => {
			try {
				const outcome = await api<ScheduleOutcome>('/schedules/preview', {
					method: 'POST',
					body: form,
					signal: asking.signal,
				});
				previewed.value = { outcome };
			} catch (error) {
				if (asking.signal.aborted) return;
				if (!(error instanceof ApiError)) throw error;
				previewed.value = { problems: error.problem?.problems ?? [error.message] };
			}
		};
		const timer = setTimeout(ask, waitMs);
		return () => {
			clearTimeout(timer);
			asking.abort();
		};
	}, [said]);
	return previewed;
}

export function Preview({ of: previewed }: { of: Previewed | undefined }) {
	return (
		<Panel title="What it would do">
			<div class="preview-room" aria-live="polite">
				{!previewed ? (
					<Skeleton lines={8} />
				) : 'problems' in previewed ? (
					<ul class="problem-list" aria-label="What is missing or wrong">
						{previewed.problems.map((problem) => (
							<li key={problem} class="field-error">
								<Icon name="warning" size={14} />
								<span>{problem}</span>
							</li>
						))}
					</ul>
				) : (
					<>
						<p class="preview-words">{previewed.outcome.words}</p>
						<TickList ticks={previewed.outcome.next} />
					</>
				)}
			</div>
		</Panel>
	);
}

export function TickList({ ticks }: { ticks: readonly ScheduleTickView[] }) {
	if (ticks.length === 0) return <p class="muted">No tick is to come.</p>;
	const zone = ticks[0]?.timeZone ?? 'UTC';
	return (
		<>
			<p class="field-hint tick-zone">By the clocks of {zone}</p>
			<ol class="tick-list" aria-label="Its next ticks">
				{ticks.map(({ tick, local }) => {
					const here = hereWords(tick, local);
					return (
						<li key={tick}>
							<time dateTime={tick}>{localWords(local)}</time>
							<span class="faint">{here}</span>
							<Time at={tick} class="muted" />
						</li>
					);
				})}
			</ol>
		</>
	);
}
