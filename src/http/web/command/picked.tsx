/**
 * Owns what may be done with several commands at once: call off those that have not ended, send again those that have.
 * Promises that it says how many are meant before anything is done. Keeps nothing.
 */

import { useSignal } from '@preact/signals';
import type { CommandRow } from '../../../domain/row-schema.ts';
import { isCommandState, isFinal } from '../../../domain/state.ts';
import { blocked } from '../blocked.ts';
import { Button } from '../ui/button.tsx';
import { ConfirmDialog } from '../ui/dialog.tsx';
import { count, plural } from '../words.ts';
import { actOnMany } from './act.tsx';

type Props = {
	rows: readonly CommandRow[];
	chosen: ReadonlySet<string>;
	onChange: (chosen: ReadonlySet<string>) => void;
};

export function Picked({ rows, chosen, onChange }: Props) {
	const asking = useSignal<'cancel' | 'retry' | undefined>(undefined);
	const picked = rows.filter(({ handle }) => chosen.has(handle));
	if (picked.length === 0) return null;
	const open = picked.filter(({ state }) => isCommandState(state) && !isFinal(state));
	const ended = picked.filter(({ state }) => isCommandState(state) && isFinal(state));
	const meant = asking.value === 'cancel' ? open : ended;
	return (
		<>
			<section class="picked" aria-label="What is selected">
				<strong>{plural(picked.length, 'command')} selected</strong>
				<Button
					small
					icon="slash"
					kind="danger"
					blocked={blocked.value || (open.length === 0 ? 'all of them have ended' : undefined)}
					onClick={() => (asking.value = 'cancel')}
				>
					Cancel {open.length > 0 && count(open.length)}
				</Button>
				<Button
					small
					icon="again"
					blocked={blocked.value || (ended.length === 0 ? 'none of them has ended' : undefined)}
					onClick={() => (asking.value = 'retry')}
				>
					Retry {ended.length > 0 && count(ended.length)}
				</Button>
				<Button small kind="quiet" icon="close" label="Select none" onClick={() => onChange(new Set())} />
			</section>
			{asking.value && (
				<ConfirmDialog
					title={
						asking.value === 'cancel'
							? `Cancel ${plural(meant.length, 'command')}?`
							: `Send ${plural(meant.length, 'command')} once more?`
					}
					action={asking.value === 'cancel' ? `Cancel ${count(meant.length)}` : `Send ${count(meant.length)}`}
					danger={asking.value === 'cancel'}
					withReason={asking.value === 'cancel'}
					onClose={() => (asking.value = undefined)}
					onConfirm={async (reason) => {
						await actOnMany(
							asking.value ?? 'cancel',
							meant.map(({ handle }) => handle),
							reason,
						);
						onChange(new Set());
					}}
				>
					<p>
						{asking.value === 'cancel'
							? 'What has not started never will. What runs is ended by its node, which answers whether that was in time.'
							: 'Each is a new command that says where it comes from.'}
					</p>
					{picked.length > meant.length && (
						<p class="muted">
							{plural(picked.length - meant.length, 'other')} that{' '}
							{picked.length - meant.length === 1 ? 'is' : 'are'} selected{' '}
							{asking.value === 'cancel' ? 'ended already' : 'did not end yet'}.
						</p>
					)}
				</ConfirmDialog>
			)}
		</>
	);
}
