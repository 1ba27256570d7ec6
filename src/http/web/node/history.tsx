/**
 * Owns the last commands of a node: what became of each, when, and how long it took.
 * Keeps nothing.
 */

import type { CommandView } from '../../../domain/view-schema.ts';
import { commandPath } from '../command/act.tsx';
import { Link } from '../route.tsx';
import { lookOfState } from '../states.ts';
import { StateBadge } from '../ui/badge.tsx';
import { EmptyState } from '../ui/empty.tsx';
import { Skeleton } from '../ui/panel.tsx';
import { Time } from '../ui/time.tsx';
import { longDuration } from '../words.ts';

export const idOf = (handle: string) => handle.slice(handle.indexOf('.') + 1);

export function History({
	node,
	items,
	more,
}: {
	node: string;
	/** Undefined until they are loaded. */
	items: readonly CommandView[] | undefined;
	/** There are others. */
	more: boolean;
}) {
	if (!items) return <Skeleton lines={6} />;
	if (items.length === 0) return <EmptyState icon="list" title="It was never sent anything" />;
	return (
		<>
			<ul class="history">
				{items.map((command) => (
					<Line key={command.handle} command={command} />
				))}
			</ul>
			{more && (
				<p class="panel-note">
					<Link to={`/commands?node=${encodeURIComponent(node)}`}>All its commands</Link>
				</p>
			)}
		</>
	);
}

function Line({ command }: { command: CommandView }) {
	const { handle, method, state, fault, startedAt, endedAt, queuedAt } = command;
	const at = endedAt ?? startedAt ?? queuedAt;
	return (
		<li class="history-line">
			<span class="history-state">
				<StateBadge state={state} />
			</span>
			<div class="run-what">
				<span class="clip" title={fault ? `${method}: ${fault.message}` : method}>
					<Link to={commandPath(handle)}>{method}</Link> {fault && <span class="muted">{fault.message}</span>}
				</span>
				<span class="mono faint clip not-narrow">{idOf(handle)}</span>
				<span class="muted clip only-narrow">
					{lookOfState(state).word} {at && <Time at={at} />}
				</span>
			</div>
			<span class="queue-since muted not-narrow">
				{startedAt && endedAt && `took ${longDuration(Date.parse(endedAt) - Date.parse(startedAt))}`}
			</span>
			<span class="queue-since muted not-narrow">{at && <Time at={at} />}</span>
		</li>
	);
}
