/**
 * Owns the page of all schedules: when each fires next, how its last tick ended, and what one may do with it; and the way to a new one.
 * Promises to follow the fleet: what changes is loaded again, and nothing is asked by the clock. Keeps the ticks that it asked for.
 */

import { useSignal, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { ScheduleView } from '../../../domain/schedule-view-schema.ts';
import { ApiError, api } from '../api.ts';
import { Link, query } from '../route.tsx';
import { ScheduleActions, schedulePath } from '../schedule/act.tsx';
import { Editor } from '../schedule/editor.tsx';
import { askedTicks, HourScale, LastOutcomes, TickPicture, useFrom } from '../schedule/picture.tsx';
import { useSchedules } from '../schedule/use-schedules.ts';
import { Banner } from '../ui/banner.tsx';
import { Button, ButtonLink } from '../ui/button.tsx';
import { Copyable, EmptyState } from '../ui/empty.tsx';
import { PageHead, Panel, Skeleton } from '../ui/panel.tsx';
import { SearchBox } from '../ui/search-box.tsx';
import { Time } from '../ui/time.tsx';
import { plural } from '../words.ts';
import '../schedule/schedule.css';

type Ticks = ReadonlyMap<string, readonly number[]>;

/** Of more schedules than this the ticks are not asked for: their lines show the next one. */
const mostPictures = 60;

export default function Schedules() {
	const edit = query.value.get('edit');
	if (edit === 'new') return <Editor name={undefined} from={query.value.get('from') ?? undefined} />;
	return <ScheduleList />;
}

function ScheduleList() {
	const { page, failure, more } = useSchedules();
	const search = useSignal('');
	const all = page.value?.items ?? [];
	const words = search.value.toLowerCase();
	const shown = all.filter(({ name, words: when, note }) =>
		`${name} ${when} ${note}`.toLowerCase().includes(words),
	);
	const ticks = useTicks(shown);
	const from = useFrom();
	return (
		<div class="page">
			<PageHead title="Schedules" actions={<NewLink />} />
			{failure.value !== '' && <Banner tone="bad">{failure.value}</Banner>}
			{all.length > 8 && (
				<SearchBox
					value={search.value}
					label="Search schedules"
					placeholder="Name, words or note"
					onChange={(value) => (search.value = value)}
				/>
			)}
			{!page.value ? (
				<Panel title="Schedules">
					<Skeleton lines={6} />
				</Panel>
			) : all.length === 0 ? (
				<NoSchedules />
			) : (
				<Panel title={`${plural(shown.length, 'schedule')}, the next 24 hours`} bare>
					<div class="schedule-grid">
						<div class="schedule-row head">
							<span>Schedule</span>
							<HourScale from={from} />
							<span>Next</span>
							<span>Last tick</span>
							<span />
						</div>
						{shown.map((view) => (
							<ScheduleRow key={view.name} view={view} from={from} ticks={ticks.get(view.name)} />
						))}
					</div>
				</Panel>
			)}
			{page.value && page.value.next !== null && (
				<div>
					<Button onClick={more}>Show more</Button>
				</div>
			)}
		</div>
	);
}

function ScheduleRow({
	view,
	from,
	ticks,
}: {
	view: ScheduleView;
	from: number;
	ticks: readonly number[] | undefined;
}) {
	return (
		<div class="schedule-row">
			<div>
				<Link class="schedule-name" to={schedulePath(view.name)}>
					{view.name}
				</Link>
				<div class="schedule-words">
					{view.problem ? 'its form cannot be read' : `${view.words} · ${plural(view.targets, 'node')}`}
				</div>
			</div>
			<div class="tick-cell">
				<TickPicture of={view} from={from} known={ticks} />
			</div>
			<span class="next-cell">
				{view.paused ? (
					<span class="tag">paused</span>
				) : view.next ? (
					<Time at={view.next} />
				) : (
					<span class="faint">none</span>
				)}
			</span>
			<div class="last-cell">
				<LastOutcomes last={view.last} />
			</div>
			<div class="buttons">
				<ScheduleActions of={view} small />
			</div>
		</div>
	);
}

/** Of those with a cron, asked for once a version and whenever the next one has fired. */
function useTicks(views: readonly ScheduleView[]): Ticks {
	const ticks = useSignal<Ticks>(new Map());
	const asked = useRef(new Map<string, string>());
	const shown = useSignal(views);
	shown.value = views;
	useSignalEffect(() => {
		for (const { name, version, next, cron, paused } of shown.value.slice(0, mostPictures)) {
			const of = `${version} ${next}`;
			if (cron === null || paused || next === null || asked.current.get(name) === of) continue;
			asked.current.set(name, of);
			ask(name);
		}
	});
	async function ask(name: string): Promise<void> {
		try {
			const { items } = await api<{ items: readonly { tick: string }[] }>(
				`${schedulePath(name)}/next?count=${askedTicks}`,
			);
			ticks.value = new Map(ticks.value).set(
				name,
				items.map(({ tick }) => Date.parse(tick)),
			);
		} catch (error) {
			if (!(error instanceof ApiError)) throw error;
			asked.current.delete(name);
		}
	}
	return ticks.value;
}

function NoSchedules() {
	return (
		<div class="panel">
			<EmptyState icon="calendar" title="Nothing is sent by the clock yet">
				<p>
					A schedule sends a command again and again: each tick waits for its ships, and its outcome is kept.
				</p>
				<Copyable text="steward schedules add nightly ship1 shellCommand --cron '0 3 * * *' -- ./backup" />
				<NewLink />
			</EmptyState>
		</div>
	);
}

function NewLink() {
	return (
		<ButtonLink to="/schedules?edit=new" kind="primary" icon="plus">
			New schedule
		</ButtonLink>
	);
}
