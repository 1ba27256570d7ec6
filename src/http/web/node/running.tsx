/**
 * Owns what a node runs now, with how long it has, and the way to end it.
 * Promises a bar only where there is a longest run: nothing else is known of how far it is. Keeps nothing.
 */

import { useComputed, useSignal } from '@preact/signals';
import type { NodeView } from '../../../domain/view-schema.ts';
import { blocked } from '../blocked.ts';
import { now } from '../clock.ts';
import { commandPath } from '../command/act.tsx';
import { Link } from '../route.tsx';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { Panel } from '../ui/panel.tsx';
import { Elapsed } from '../ui/time.tsx';
import { longDuration } from '../words.ts';

const nothing = {
	present: 'Nothing runs.',
	absent: 'Nothing ran when it was heard last.',
	unknown: 'Nothing ran when it was heard last.',
	never: 'Nothing runs: it was never there.',
} as const;

export function Running({ view, onCancel }: { view: NodeView; onCancel: (handle: string) => void }) {
	const { running, presence } = view;
	return (
		<Panel title="Runs now" count={running.length} bare>
			{running.length === 0 ? (
				<p class="panel-note">{nothing[presence]}</p>
			) : (
				<ul class="run-list">
					{running.map((one) => (
						<li key={one.handle}>
							<Icon name="half" tone="busy" />
							<div class="run-what">
								<span class="clip" title={`${one.method}, lane ${one.lane}`}>
									<Link to={commandPath(one.handle)}>{one.method}</Link>{' '}
									<span class="muted">
										{one.lane}
										{one.attempt > 1 && ` · attempt ${one.attempt}`}
									</span>
								</span>
								<span class="mono faint clip" title={one.handle}>
									{one.handle.slice(one.handle.indexOf('.') + 1)}
								</span>
							</div>
							<Clock startedAt={one.startedAt} runForMs={one.runForMs} />
							<Button
								small
								blocked={blocked.value}
								label={`Cancel ${one.method} ${one.handle}`}
								onClick={() => onCancel(one.handle)}
							>
								Cancel
							</Button>
						</li>
					))}
				</ul>
			)}
		</Panel>
	);
}

function Clock({ startedAt, runForMs }: { startedAt: string; runForMs: number | null }) {
	const start = useSignal(0);
	start.value = Date.parse(startedAt);
	const part = useComputed(() =>
		runForMs === null ? 0 : Math.min(100, Math.max(0, ((now.value - start.value) / runForMs) * 100)),
	);
	return (
		<div class="run-clock">
			<span>
				<Elapsed since={startedAt} />
				{runForMs !== null && <span class="faint not-narrow"> of {longDuration(runForMs)}</span>}
			</span>
			{runForMs !== null && (
				<span class="lane-bar" aria-hidden="true">
					<span style={{ width: `${part.value}%` }} data-late={part.value > 90 || undefined} />
				</span>
			)}
		</div>
	);
}
