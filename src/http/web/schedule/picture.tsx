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
import { Icon } from '../ui/icon.tsx';
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

type Last = NonNullable<ScheduleView['last']>;

function lookOf(state: Last['nodes'][number]['state']) {
	return state === null
		? ({ icon: 'dashed', tone: 'wait', word: 'not reported yet' } as const)
		: lookOfState(state);
}

export function LastOutcomes({ last }: { last: ScheduleView['last'] }) {
	if (!last) return <span class="faint">has not fired</span>;
	return (
		<span class="last">
			<span class="squares" aria-hidden="true">
				{last.nodes.map(({ node, handle, state }) => {
					const { tone, word } = lookOf(state);
					return <span key={handle} class={`square tone-${tone}`} title={`${node}: ${word}`} />;
				})}
			</span>
			<LastWords last={last} />
		</span>
	);
}

/** More than these are squares only. */
const mostNames = 48;

/** The same with the way to each of its commands. */
export function LastCommands({ last }: { last: ScheduleView['last'] }) {
	if (!last) return <span class="faint">It has not fired.</span>;
	const hasNames = last.nodes.length <= mostNames;
	return (
		<div class="last">
			<ul class={hasNames ? 'last-names' : 'squares wide'}>
				{last.nodes.map(({ node, handle, state }) => {
					const { icon, tone, word } = lookOf(state);
					const title = `${node}: ${word}`;
					return (
						<li key={handle}>
							{hasNames ? (
								<Link to={commandPath(handle)} class="last-name" title={title}>
									<Icon name={icon} tone={tone} size={14} />
									<span class="clip">{node}</span>
									<span class="hidden-text">: {word}</span>
								</Link>
							) : (
								<Link to={commandPath(handle)} class={`square tone-${tone}`} title={title}>
									<span class="hidden-text">{title}</span>
								</Link>
							)}
						</li>
					);
				})}
			</ul>
			<LastWords last={last} />
		</div>
	);
}

function LastWords({ last }: { last: Last }) {
	const words = Object.entries(last.states).map(([state, amount]) => `${count(amount)} ${spaced(state)}`);
	return (
		<span class="last-words muted">
			{words.join(', ')} · <Time at={last.tick} />
		</span>
	);
}
