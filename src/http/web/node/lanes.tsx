/**
 * Owns how the lanes of a node are shown: how much of each is taken, and why one takes nothing.
 * Promises who holds it, since when and why, with the way to let it go on beside it. Keeps nothing.
 */

import type { NodeView } from '../../../domain/view-schema.ts';
import { blocked } from '../blocked.ts';
import { orToast } from '../command/act.tsx';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Panel } from '../ui/panel.tsx';
import { Time } from '../ui/time.tsx';
import { ask } from './actions.tsx';

type Lane = NodeView['lanes'][number];
type Pause = NonNullable<Lane['pause']>;

/** Beyond that a bar says more than boxes. */
const mostBoxes = 12;

export function Lanes({ view, onDone }: { view: NodeView; onDone: () => void }) {
	return (
		<Panel title="Lanes" bare>
			<ul class="lanes">
				{view.lanes.map((lane) => (
					<LaneLine key={lane.lane} node={view.node} lane={lane} onDone={onDone} />
				))}
				{view.stopped.map((pause) => (
					<li key={`method ${pause.method}`}>
						<div class="lane-line">
							<span class="lane-name clip" title={pause.method}>
								{pause.method}
							</span>
							<span class="badge tone-warn">
								<Icon name="stop" size={13} />
								<span>method stopped</span>
							</span>
							<Resume node={view.node} body={{ method: pause.method }} onDone={onDone} />
						</div>
						<Held pause={pause} />
					</li>
				))}
			</ul>
		</Panel>
	);
}

function LaneLine({ node, lane: one, onDone }: { node: string; lane: Lane; onDone: () => void }) {
	const { lane, capacity, running, status, pause } = one;
	const held = status === 'paused' || status === 'stopped' || pause !== null;
	return (
		<li>
			<div class="lane-line">
				<span class="lane-name">{lane}</span>
				<Capacity running={running} capacity={capacity} />
				<span class="lane-amount muted">
					{running} of {capacity}
				</span>
				{status === 'waiting' && (
					<span class="badge tone-warn" title="the centre is asked to make its consumer">
						<Icon name="clock" size={13} />
						<span>no consumer</span>
					</span>
				)}
				{held && pause?.kind !== 'drain' && pause && lane !== 'control' ? (
					<Resume node={node} body={{ lanes: [lane] }} onDone={onDone} />
				) : null}
			</div>
			{pause ? <Held pause={pause} /> : held && <p class="lane-held">stopped</p>}
		</li>
	);
}

function Held({ pause: { kind, by, reason, since } }: { pause: Pause }) {
	const done = { pause: 'paused', drain: 'drained', stop: 'stopped' }[kind];
	return (
		<div class="lane-held">
			<Icon name={kind === 'pause' ? 'pause' : kind === 'drain' ? 'drain' : 'stop'} size={13} tone="warn" />
			<LongText lines={2}>
				{done} by {by} <Time at={since} />
				{reason !== '' && `: ${reason}`}
			</LongText>
		</div>
	);
}

function Resume({
	node,
	body,
	onDone,
}: {
	node: string;
	body: Readonly<Record<string, unknown>>;
	onDone: () => void;
}) {
	return (
		<Button
			small
			blocked={blocked.value}
			onClick={() => orToast(() => ask(node, 'resume', body)).then(onDone)}
		>
			Resume
		</Button>
	);
}

function Capacity({ running, capacity }: { running: number; capacity: number }) {
	if (capacity > mostBoxes) {
		return (
			<span class="lane-bar" aria-hidden="true">
				<span style={{ width: `${Math.min(100, (running / capacity) * 100)}%` }} />
			</span>
		);
	}
	return (
		<span class="lane-boxes" aria-hidden="true">
			{Array.from({ length: capacity }, (_, at) => (
				<span key={at} data-taken={at < running || undefined} />
			))}
		</span>
	);
}
