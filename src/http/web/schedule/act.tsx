/**
 * Owns what one may do with a schedule from the page: pause, resume, run beside its ticks, remove; each with its button.
 * Promises that a removal and a run say first what they do, and that what was done is said. Keeps nothing.
 */

import { useSignal } from '@preact/signals';
import type { ScheduleOutcome, ScheduleView } from '../../../domain/schedule-view-schema.ts';
import type { Receipt } from '../../../domain/view-schema.ts';
import { api } from '../api.ts';
import { blocked } from '../blocked.ts';
import { commandPath } from '../command/act.tsx';
import { Link } from '../route.tsx';
import { Button } from '../ui/button.tsx';
import { ConfirmDialog } from '../ui/dialog.tsx';
import { toast } from '../ui/toast.tsx';
import { plural } from '../words.ts';

export function schedulePath(name: string): string {
	return `/schedules/${encodeURIComponent(name)}`;
}

type Wish = 'pause' | 'resume' | 'run' | 'remove';

async function run(name: string): Promise<void> {
	const { items } = await api<{ items: readonly Receipt[] }>(`${schedulePath(name)}/run`, {
		method: 'POST',
		body: {},
	});
	const [only] = items;
	toast(
		items.length === 1 && only ? (
			<>
				Sent as <Link to={commandPath(only.handle)}>{only.handle}</Link>.
			</>
		) : (
			<>
				Sent to {plural(items.length, 'node')}: <Link to={`/commands?schedule=${name}`}>its commands</Link>.
			</>
		),
	);
}

async function change(name: string, wish: 'pause' | 'resume' | 'remove', reason: string): Promise<void> {
	const body = reason === '' ? {} : { reason };
	const path = wish === 'remove' ? schedulePath(name) : `${schedulePath(name)}/${wish}`;
	const { outcome } = await api<ScheduleOutcome>(path, {
		method: wish === 'remove' ? 'DELETE' : 'POST',
		body,
	});
	toast(`${name}: ${outcome === 'unchanged' ? 'it was so already' : outcome}.`);
}

const dialogs = {
	pause: {
		title: 'Pause',
		action: 'Pause it',
		words: 'It fires no tick until it is resumed. What is queued already stays.',
	},
	resume: { title: 'Resume', action: 'Resume it', words: 'Its ticks fire again from now on.' },
	run: {
		title: 'Run now',
		action: 'Run it now',
		words: 'What a tick sends is sent at once, beside its ticks.',
	},
	remove: {
		title: 'Remove',
		action: 'Remove it',
		words: 'It fires no more. What is queued already stays; its history is kept.',
	},
} as const satisfies Record<Wish, unknown>;

type Shown = Pick<ScheduleView, 'name' | 'paused' | 'targets'>;

/** `small` shows glyphs only. */
export function ScheduleActions({
	of: schedule,
	small = false,
	onRemoved,
}: {
	of: Shown;
	small?: boolean;
	onRemoved?: () => void;
}) {
	const open = useSignal<Wish | undefined>(undefined);
	const wishes: readonly Wish[] = [schedule.paused ? 'resume' : 'pause', 'run', 'remove'];
	const icons = { pause: 'pause', resume: 'play', run: 'bolt', remove: 'bin' } as const;
	const wish = open.value;
	return (
		<>
			{wishes.map((one) => {
				const { title } = dialogs[one];
				const look = {
					icon: icons[one],
					blocked: blocked.value || undefined,
					onClick: () => (open.value = one),
				};
				if (small)
					return <Button key={one} small kind="quiet" label={`${title}: ${schedule.name}`} {...look} />;
				return (
					<Button key={one} kind={one === 'remove' ? 'danger' : 'plain'} {...look}>
						{title}
					</Button>
				);
			})}
			{wish && (
				<ConfirmDialog
					title={`${dialogs[wish].title}: ${schedule.name}?`}
					action={dialogs[wish].action}
					danger={wish === 'remove'}
					withReason={wish !== 'run'}
					onClose={() => (open.value = undefined)}
					onConfirm={async (reason) => {
						if (wish === 'run') return run(schedule.name);
						await change(schedule.name, wish, reason);
						if (wish === 'remove') onRemoved?.();
					}}
				>
					<p>
						{dialogs[wish].words} {wish === 'run' && `It is for ${plural(schedule.targets, 'node')}.`}
					</p>
				</ConfirmDialog>
			)}
		</>
	);
}
