/**
 * Owns the queue of a node, in the order of running, with why each waits and the way to call it off.
 * Promises that why is asked when one wants to know it, and that a long queue says how much of it is shown. Keeps nothing.
 */

import { useSignal } from '@preact/signals';
import type { CommandView, WhyView } from '../../../domain/view-schema.ts';
import { blocked } from '../blocked.ts';
import { commandPath } from '../command/act.tsx';
import { useLoad } from '../load.ts';
import { Link } from '../route.tsx';
import { Button } from '../ui/button.tsx';
import { EmptyState } from '../ui/empty.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Skeleton } from '../ui/panel.tsx';
import { Time } from '../ui/time.tsx';
import { count } from '../words.ts';
import { idOf } from './history.tsx';

export function Queue({
	node,
	items,
	total,
	onCancel,
}: {
	node: string;
	/** Undefined until it is loaded. */
	items: readonly CommandView[] | undefined;
	/** Of all that wait. */
	total: number;
	onCancel: (handle: string) => void;
}) {
	if (!items) return <Skeleton lines={4} />;
	const waiting = items.filter(({ state }) => state !== 'running');
	if (waiting.length === 0) {
		return <EmptyState icon="check" title="Nothing waits for it" />;
	}
	return (
		<>
			<ol class="queue" aria-label="Queue, next first">
				{waiting.map((command, at) => (
					<QueueLine key={command.handle} command={command} place={at + 1} onCancel={onCancel} />
				))}
			</ol>
			{total > waiting.length && (
				<p class="panel-note">
					These are the first {count(waiting.length)} of {count(total)}:{' '}
					<Link to={`/commands?node=${encodeURIComponent(node)}&state=queued`}>all that wait for it</Link>.
				</p>
			)}
		</>
	);
}

function QueueLine({
	command,
	place,
	onCancel,
}: {
	command: CommandView;
	place: number;
	onCancel: (handle: string) => void;
}) {
	const open = useSignal(false);
	const { handle, method, lane, deadline } = command;
	return (
		<li>
			<div class="queue-line">
				<span class="queue-place faint">{place}</span>
				<div class="run-what">
					<span class="clip" title={`${method}, lane ${lane}`}>
						<Link to={commandPath(handle)}>{method}</Link> <span class="muted">{lane}</span>
					</span>
					<span class="mono faint clip not-narrow">{idOf(handle)}</span>
					<span class="muted clip only-narrow">
						<Since of={command} />
					</span>
				</div>
				<span class="queue-since muted not-narrow">
					<Since of={command} />
				</span>
				<span class="queue-since muted not-narrow">
					{deadline ? (
						<>
							expires <Time at={deadline} />
						</>
					) : (
						'never expires'
					)}
				</span>
				<span class="line-actions">
					<Button
						small
						kind="quiet"
						aria-expanded={open.value}
						label={`Why does ${handle} wait?`}
						onClick={() => (open.value = !open.value)}
					>
						Why
					</Button>
					<Button
						small
						blocked={blocked.value}
						label={`Cancel ${method} ${handle}`}
						onClick={() => onCancel(handle)}
					>
						Cancel
					</Button>
				</span>
			</div>
			{open.value && <Why handle={handle} />}
		</li>
	);
}

function Since({ of: { state, notBefore, nextAttemptAt, queuedAt } }: { of: CommandView }) {
	const [word, at] =
		state === 'scheduled' && notBefore
			? ['due', notBefore]
			: state === 'retrying' && nextAttemptAt
				? ['next attempt', nextAttemptAt]
				: ['queued', queuedAt];
	if (!at) return null;
	return (
		<>
			{word} <Time at={at} />
		</>
	);
}

function Why({ handle }: { handle: string }) {
	const { data, error } = useLoad<WhyView>(`${commandPath(handle)}/why`);
	return (
		<div class="queue-why" aria-live="polite">
			{error.value ? (
				<LongText>{error.value.message}</LongText>
			) : data.value ? (
				<>
					<LongText>{data.value.sentence}</LongText>
					{data.value.notes.map((note) => (
						<div key={note} class="muted">
							<LongText>{note}</LongText>
						</div>
					))}
				</>
			) : (
				<Skeleton />
			)}
		</div>
	);
}
