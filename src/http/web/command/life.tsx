/**
 * Owns the picture of a command's life: one bar of its stretches, and below it each thing that happened.
 * Promises that the bar says its lengths in words, because they are not to scale. Keeps nothing.
 */

import { useComputed } from '@preact/signals';
import type { CommandView } from '../../../domain/view-schema.ts';
import { now } from '../clock.ts';
import { lookOfState, type Tone } from '../states.ts';
import { Icon } from '../ui/icon.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Elapsed, Time } from '../ui/time.tsx';
import { longDuration } from '../words.ts';
import { isEnded, runShare, type Stretch, stretchesOf } from './timeline.ts';
import './command.css';

export function Life({ view }: { view: CommandView }) {
	// The shares of what is open grow slowly: once a minute is enough.
	const minute = useComputed(() => Math.floor(now.value / 60_000)).value;
	const stretches = stretchesOf(
		view,
		Math.max(minute * 60_000, Date.parse(view.queuedAt ?? view.startedAt ?? '') || 0),
	);
	return (
		<div class="life">
			{/* biome-ignore lint/a11y/noNoninteractiveTabindex: with many attempts it scrolls, and is reachable by the keyboard */}
			<ol class="life-bar" aria-label="Stretches of its life" tabIndex={0}>
				{stretches.map((stretch) => (
					<li
						key={`${stretch.kind}-${stretch.from}`}
						class={`life-stretch ${stretch.kind} tone-${toneOf(stretch)}`}
						style={{ flexGrow: stretch.share }}
						title={stretch.label}
					>
						<span class="life-name">{nameOf(stretch)}</span>
						<span class="life-length">
							{stretch.to === null ? (
								<Elapsed since={stretch.from} />
							) : (
								longDuration(Date.parse(stretch.to) - Date.parse(stretch.from))
							)}
						</span>
					</li>
				))}
			</ol>
			<RunProgress view={view} />
			<ol class="life-list">
				{view.history.map((one) => {
					const { icon, tone, word } = lookOfState(one.state);
					return (
						<li key={`${one.state}-${one.at}-${one.note}`} class={one.late ? 'late' : ''}>
							<Icon name={icon} tone={tone} />
							<span class="life-word">{one.late ? `${word}, too late to count` : word}</span>
							<div class="life-what muted">
								<LongText lines={2}>
									{one.note !== '' && `${one.note} · `}by {one.by}
								</LongText>
							</div>
							<Time at={one.at} form="absolute" class="faint life-when" />
						</li>
					);
				})}
			</ol>
		</div>
	);
}

function RunProgress({ view }: { view: CommandView }) {
	const share = runShare(view, now.value);
	if (share === undefined) return null;
	const label = `${Math.round(share * 100)} % of the longest run (${longDuration(view.runForMs ?? 0)})`;
	return (
		<div class="run-progress">
			<progress max={1} value={share} aria-label="Share of its longest run" />
			<span class="muted">{label}</span>
		</div>
	);
}

function nameOf({ kind, attempt, to }: Stretch): string {
	switch (kind) {
		case 'scheduled':
			return to === null ? 'waits for its time' : 'its time';
		case 'waiting':
			return to === null ? 'waits' : 'waited';
		case 'between':
			return to === null ? 'next attempt in' : 'between';
		case 'attempt':
			return attempt && attempt.attempt > 1 ? `attempt ${attempt.attempt}` : to === null ? 'runs' : 'ran';
	}
}

const tones: Readonly<Record<string, Tone>> = { succeeded: 'ok', cancelled: 'wait' };

function toneOf({ kind, attempt, to }: Stretch): Tone {
	if (kind !== 'attempt' || !attempt) return 'wait';
	if (to === null) return 'busy';
	return tones[attempt.outcome ?? ''] ?? 'bad';
}

/** The latest start, counting down while it can still be missed. */
export function Deadline({ view }: { view: CommandView }) {
	if (view.deadline === null)
		return (
			<span class="muted">
				{view.state === 'scheduled' ? 'counts from its time' : 'none: it waits for ever'}
			</span>
		);
	if (view.startedAt !== null || isEnded(view.state)) return <Time at={view.deadline} form="absolute" />;
	const isNear = Date.parse(view.deadline) - now.value < 3_600_000;
	return (
		<span class={isNear ? 'tone-warn' : ''}>
			<Time at={view.deadline} />
			<span class="faint">
				{' '}
				· <Time at={view.deadline} form="absolute" />
			</span>
		</span>
	);
}
