/**
 * Owns the small pictures of a schedule: its next ticks on a line, and the outcome of its last tick, a square a node.
 * Promises the same in words for whoever does not see them. Keeps nothing.
 */

import { useComputed } from '@preact/signals';
import type { ScheduleView } from '../../../domain/schedule-view-schema.ts';
import { now } from '../clock.ts';
import { commandPath } from '../command/act.tsx';
import { Link } from '../route.tsx';
import { lookOfState } from '../states.ts';
import { Time } from '../ui/time.tsx';
import { absolute, count, plural, spaced } from '../words.ts';
import { hourMarks, tickLine, ticksOfInterval } from './ticks.ts';

const spanMs = 86_400_000;
/** As many as are asked for of a cron. */
export const askedTicks = 300;

/** The beginning of the picture: it moves once a minute. */
export function useFrom(): number {
	return useComputed(() => Math.floor(now.value / 60_000) * 60_000).value;
}

export function HourScale({ from }: { from: number }) {
	return (
		<div class="tick-scale" aria-hidden="true">
			{hourMarks(from, spanMs).map(({ at, left }) => (
				<span key={at} style={{ insetInlineStart: `${left * 100}%` }}>
					{String(new Date(at).getHours()).padStart(2, '0')}
				</span>
			))}
		</div>
	);
}

/** @param known Ticks that the server named, milliseconds; undefined while it has not. */
export function TickPicture({
	of: view,
	from,
	known,
}: {
	of: ScheduleView;
	from: number;
	known: readonly number[] | undefined;
}) {
	const next = view.next === null ? undefined : Date.parse(view.next);
	if (view.paused || next === undefined) {
		return <div class="tick-line">{view.paused && <span class="tick-none">paused</span>}</div>;
	}
	const end = Math.min(
		from + spanMs,
		view.endAt === null ? Number.POSITIVE_INFINITY : Date.parse(view.endAt),
	);
	const ticks = view.everyMs !== null ? ticksOfInterval(next, view.everyMs, end, 100_000) : (known ?? [next]);
	const isComplete = view.everyMs !== null || (known !== undefined && known.length < askedTicks);
	const { marks, unknownFrom } = tickLine(ticks, { from, spanMs, complete: isComplete });
	const within = ticks.filter((at) => at < from + spanMs).length;
	const label = `${plural(within, 'tick')}${unknownFrom === undefined ? '' : ' and more'} in the next 24 hours, the first ${absolute(next)}`;
	return (
		<div class="tick-line" role="img" aria-label={label} title={label}>
			{marks.map((mark) =>
				mark.kind === 'tick' ? (
					<span key={mark.at} class="tick" style={{ insetInlineStart: `${mark.left * 100}%` }} />
				) : (
					<span
						key={mark.from}
						class="tick band"
						style={{ insetInlineStart: `${mark.left * 100}%`, width: `${mark.width * 100}%` }}
					/>
				),
			)}
			{unknownFrom !== undefined && (
				<span class="tick-more" style={{ insetInlineStart: `${unknownFrom * 100}%` }} />
			)}
		</div>
	);
}

export function LastOutcomes({ last, links = false }: { last: ScheduleView['last']; links?: boolean }) {
	if (!last) return <span class="faint">has not fired</span>;
	const words = Object.entries(last.states).map(([state, amount]) => `${count(amount)} ${spaced(state)}`);
	return (
		<span class="last">
			<span class="squares" aria-hidden={links ? undefined : true}>
				{last.nodes.slice(0, links ? 1000 : 20).map(({ node, handle, state }) => {
					const { tone, word } =
						state === null ? { tone: 'wait', word: 'not reported yet' } : lookOfState(state);
					const title = `${node}: ${word}`;
					return links ? (
						<Link key={handle} to={commandPath(handle)} class={`square tone-${tone}`} title={title}>
							<span class="hidden-text">{title}</span>
						</Link>
					) : (
						<span key={handle} class={`square tone-${tone}`} title={title} />
					);
				})}
			</span>
			<span class="last-words muted">
				{words.join(', ')} · <Time at={last.tick} />
			</span>
		</span>
	);
}
