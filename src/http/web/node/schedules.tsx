/**
 * Owns which schedules are for a node, and what became of their last tick there.
 * Promises those that name it or its labels; who asks for more is led to the schedule. Keeps nothing.
 */

import type { ScheduleView } from '../../../domain/schedule-view-schema.ts';
import { Link } from '../route.tsx';
import { StateBadge } from '../ui/badge.tsx';
import { EmptyState } from '../ui/empty.tsx';
import { Icon } from '../ui/icon.tsx';
import { Skeleton } from '../ui/panel.tsx';
import { Time } from '../ui/time.tsx';

export function schedulesFor(
	schedules: readonly ScheduleView[],
	node: string,
	labels: Readonly<Record<string, string>>,
): ScheduleView[] {
	return schedules.filter(
		({ toNodes, where }) =>
			toNodes?.includes(node) === true ||
			(where !== null && Object.entries(where).every(([name, value]) => labels[name] === value)),
	);
}

export function NodeSchedules({
	node,
	schedules,
}: {
	node: string;
	/** Undefined until they are loaded. */
	schedules: readonly ScheduleView[] | undefined;
}) {
	if (!schedules) return <Skeleton lines={2} />;
	if (schedules.length === 0) return <EmptyState icon="calendar" title="No schedule is for it" />;
	return (
		<ul class="history">
			{schedules.map((schedule) => {
				const last = schedule.last?.nodes.find((one) => one.node === node);
				const own = schedule.on.find((one) => one.node === node);
				const state = last?.state ?? own?.lastState;
				const next = own?.next ?? schedule.next;
				return (
					<li class="history-line" key={schedule.name}>
						<div class="run-what">
							<span class="clip">
								<Link to={`/schedules/${encodeURIComponent(schedule.name)}`}>{schedule.name}</Link>
							</span>
							<span class="muted clip" title={schedule.words}>
								{schedule.words}
							</span>
						</div>
						<span class="queue-since not-narrow">{state && <StateBadge state={state} />}</span>
						<span class="queue-since muted">
							{schedule.paused ? (
								<span class="badge">
									<Icon name="pause" size={13} tone="warn" />
									<span>paused</span>
								</span>
							) : (
								next && (
									<>
										next <Time at={next} />
									</>
								)
							)}
						</span>
					</li>
				);
			})}
		</ul>
	);
}
