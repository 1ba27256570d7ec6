/**
 * Owns the page of one schedule: when it fires, for whom and what, how its last tick ended, who changed it; and the way to change it.
 * Promises to follow what changes. Keeps nothing.
 */

import { useEffect } from 'preact/hooks';
import type {
	ScheduleChangeView,
	ScheduleTickView,
	ScheduleView,
} from '../../../domain/schedule-view-schema.ts';
import { scheduleLine } from '../command/as-cli.ts';
import { JsonText } from '../command/result.tsx';
import { onSchedules } from '../live.ts';
import { useLoad } from '../load.ts';
import { Link, navigate, query } from '../route.tsx';
import { ScheduleActions, schedulePath } from '../schedule/act.tsx';
import { Editor } from '../schedule/editor.tsx';
import { LastCommands } from '../schedule/picture.tsx';
import { TickList } from '../schedule/preview.tsx';
import { type Form, labelText } from '../send/draft.ts';
import { Banner } from '../ui/banner.tsx';
import { Button, ButtonLink } from '../ui/button.tsx';
import { asTyped, copyText, EmptyState } from '../ui/empty.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Facts, PageHead, Panel, Skeleton } from '../ui/panel.tsx';
import { Time } from '../ui/time.tsx';
import { count, longDuration, plural } from '../words.ts';
import '../command/command.css';
import '../schedule/schedule.css';
import type { PageProps } from './index.tsx';

export default function Schedule({ id: name }: PageProps) {
	if (query.value.get('edit') !== null) return <Editor name={name} from={undefined} />;
	return <OneSchedule name={name} />;
}

function OneSchedule({ name }: { name: string }) {
	const schedule = useLoad<ScheduleView>(schedulePath(name));
	const next = useLoad<{ items: readonly ScheduleTickView[] }>(`${schedulePath(name)}/next?count=10`);
	const history = useLoad<{ items: readonly ScheduleChangeView[] }>(`${schedulePath(name)}/history`);
	const form = useLoad<Form>(`${schedulePath(name)}/form`);
	useEffect(
		() =>
			onSchedules((names) => {
				if (!names.includes(name)) return;
				for (const one of [schedule, next, history, form]) one.reload();
			}),
		[name],
	);
	const view = schedule.data.value;
	const failure = schedule.error.value;
	if (!view) {
		return (
			<div class="page">
				{!failure ? (
					<Skeleton lines={8} />
				) : failure.code === 'not-found' ? (
					<EmptyState icon="calendar" title="No such schedule">
						<p class="wrap">There is none with the name {name}; it may have been removed.</p>
						<Link to="/schedules">All schedules</Link>
					</EmptyState>
				) : (
					<Banner tone="bad">{failure.message}</Banner>
				)}
			</div>
		);
	}
	const stored = form.data.value;
	return (
		<div class="page">
			<PageHead
				crumb={<Link to="/schedules">Schedules</Link>}
				title={view.name}
				sub={
					<>
						<span>{view.words}</span>
						{view.paused && <span class="tag">paused</span>}
						{view.next && (
							<span>
								next <Time at={view.next} />
							</span>
						)}
						{view.note !== '' && <LongText lines={2}>{view.note}</LongText>}
					</>
				}
				actions={
					<>
						<ButtonLink to={`${schedulePath(name)}?edit=1`} icon="edit">
							Change
						</ButtonLink>
						<ButtonLink to={`/schedules?edit=new&from=${encodeURIComponent(name)}`} icon="copy">
							Duplicate
						</ButtonLink>
						<ScheduleActions of={view} onRemoved={() => navigate('/schedules')} />
					</>
				}
			/>
			{view.problem && (
				<Banner tone="bad">
					<LongText>The centre cannot read its form, and fires nothing: {view.problem}</LongText>
				</Banner>
			)}
			<div class="columns">
				<div>
					<Panel title="Last tick">
						<LastCommands last={view.last} />
					</Panel>
					<Panel title="Next ticks">
						{/* As high as ten ticks. */}
						{next.data.value ? <TickList ticks={next.data.value.items} /> : <Skeleton lines={13} />}
					</Panel>
					{view.on.length > 0 && (
						<Panel title="On the ships" count={view.on.length}>
							<OnNodes of={view} />
						</Panel>
					)}
					<Panel title="Changes" count={history.data.value?.items.length} bare>
						<Changes of={history.data.value?.items} />
					</Panel>
				</div>
				<div>
					<Panel title="Facts">
						<ScheduleFacts view={view} />
					</Panel>
					<Panel
						title="Its form"
						actions={
							stored && (
								<Button
									small
									kind="quiet"
									icon="copy"
									onClick={() => copyText(asTyped(scheduleLine(stored)))}
								>
									Copy as CLI
								</Button>
							)
						}
					>
						{stored ? <JsonText value={stored} label="The form as it is stored" /> : <Skeleton lines={6} />}
					</Panel>
				</div>
			</div>
		</div>
	);
}

function ScheduleFacts({ view }: { view: ScheduleView }) {
	const { counts, missed, jitterMs, startAt, endAt, toNodes, where } = view;
	const labels = where && labelText(where);
	return (
		<Facts
			of={[
				[
					'For',
					toNodes
						? toNodes.length > 6
							? plural(toNodes.length, 'node')
							: toNodes.join(', ')
						: `all with ${labels}, ${plural(view.targets, 'node')} now`,
				],
				['Time zone', view.timeZone],
				['Fired by', view.placement === 'node' ? 'each ship by itself' : 'the centre'],
				['If one is not done', view.overlap],
				[
					'Missed ticks',
					missed.policy === 'all' && missed.max !== null ? `all, ${missed.max} at the most` : missed.policy,
				],
				jitterMs > 0 ? ['Jitter', longDuration(jitterMs)] : null,
				startAt ? ['First tick', <Time key="start" at={startAt} form="absolute" />] : null,
				endAt ? ['Last tick', <Time key="end" at={endAt} form="absolute" />] : null,
				[
					'Fired',
					<Link key="fired" to={`/commands?schedule=${encodeURIComponent(view.name)}`}>
						{count(counts.fired)}
					</Link>,
				],
				counts.missed > 0 ? ['Missed', count(counts.missed)] : null,
				counts.skipped > 0 ? ['Left out', count(counts.skipped)] : null,
				['Version', String(view.version)],
			]}
		/>
	);
}

function OnNodes({ of: view }: { of: ScheduleView }) {
	return (
		<Facts
			of={view.on.map(
				({ node, inEffect, next, version }) =>
					[
						node,
						<span key={node}>
							{inEffect ? `has version ${version}` : 'the change is on its way'}
							{next && (
								<span class="muted">
									, next <Time at={next} />
								</span>
							)}
						</span>,
					] as const,
			)}
		/>
	);
}

function Changes({ of: changes }: { of: readonly ScheduleChangeView[] | undefined }) {
	if (!changes)
		return (
			<div class="panel-note">
				<Skeleton lines={3} />
			</div>
		);
	return (
		<ol class="change-list">
			{changes.map(({ version, at, by, change, fields, reason }) => (
				<li key={`${version}-${at}`}>
					<strong>{change}</strong> <span class="muted">by {by}</span> <Time at={at} class="muted" />
					{fields.length > 0 && change === 'changed' && <span class="muted"> · {fields.join(', ')}</span>}
					{reason !== '' && <LongText>{reason}</LongText>}
				</li>
			))}
		</ol>
	);
}
