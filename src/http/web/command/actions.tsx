/**
 * Owns what one may do with one command: call it off, retry it, send it again changed, copy what one would have typed.
 * Promises that what cannot be done says why. Keeps nothing.
 */

import { useSignal } from '@preact/signals';
import type { CommandView } from '../../../domain/view-schema.ts';
import { blocked } from '../blocked.ts';
import { useKeys } from '../keys.ts';
import { navigate } from '../route.tsx';
import type { Form } from '../send/draft.ts';
import { Button } from '../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../ui/dialog.tsx';
import { Copyable } from '../ui/empty.tsx';
import { cancelOne, orToast, retryOne } from './act.tsx';
import { linesAbout } from './as-cli.ts';
import { isEnded } from './timeline.ts';

export function Actions({ view, form }: { view: CommandView; form: Form | undefined }) {
	const open = useSignal<'cancel' | 'cli' | undefined>(undefined);
	const busy = useSignal(false);
	const ended = isEnded(view.state);
	const show = (what: 'cancel' | 'cli') => {
		open.value = what;
	};
	const close = () => {
		open.value = undefined;
	};
	const mayCancel = view.kind === 'command' && !ended;
	const mayRetry = view.kind === 'command' && ended;
	const retry = async () => {
		busy.value = true;
		await orToast(() => retryOne(view.handle));
		busy.value = false;
	};
	const again = () => navigate(`/send?again=${encodeURIComponent(view.handle)}`);
	const isBlocked = blocked.value !== '';
	useKeys([
		{ keys: 'c', words: 'cancel it', run: () => mayCancel && !isBlocked && show('cancel') },
		{ keys: 'r', words: 'retry it', run: () => mayRetry && !isBlocked && retry() },
		{ keys: 'e', words: 'send it again, changed', run: () => form !== undefined && !isBlocked && again() },
		{ keys: 'y', words: 'copy it as a command line', run: () => show('cli') },
	]);
	return (
		<>
			{mayCancel && (
				<Button
					kind="danger"
					icon="slash"
					blocked={blocked.value || undefined}
					onClick={() => (open.value = 'cancel')}
				>
					Cancel
				</Button>
			)}
			{mayRetry && (
				<Button icon="again" busy={busy.value} blocked={blocked.value || undefined} onClick={retry}>
					Retry
				</Button>
			)}
			<Button
				icon="edit"
				blocked={blocked.value || (form ? '' : 'its message is not kept any more')}
				onClick={again}
			>
				Send again…
			</Button>
			<Button icon="copy" onClick={() => (open.value = 'cli')}>
				Copy as CLI
			</Button>
			{open.value === 'cancel' && (
				<ConfirmDialog
					title="Cancel this command?"
					action="Cancel it"
					danger
					withReason
					onClose={close}
					onConfirm={(reason) => cancelOne(view.handle, reason)}
				>
					<p>
						{view.state === 'running'
							? 'It runs: its node is asked to end it, and answers whether that was in time.'
							: 'It has not started. If this comes first, it certainly never runs.'}
					</p>
				</ConfirmDialog>
			)}
			{open.value === 'cli' && (
				<Dialog title="The same from the command line" wide onClose={close}>
					<div class="cli-lines">
						{linesAbout(view, { ended, form }).map(({ what, line }) => (
							<div key={what}>
								<h3>{what}</h3>
								<Copyable text={line} label={`Copy: ${what}`} />
							</div>
						))}
					</div>
				</Dialog>
			)}
		</>
	);
}
