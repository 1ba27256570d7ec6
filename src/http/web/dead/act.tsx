/**
 * Owns sending dead letters again and throwing them away: some, or all of a fault.
 * Promises that it is asked first what would become of each, and that the answer is said before anything is done. Keeps nothing.
 */

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { DeadOutcome } from '../../../domain/dead-view-schema.ts';
import type { DeadGroup } from '../../../domain/many-view-schema.ts';
import { ApiError, api } from '../api.ts';
import { Banner } from '../ui/banner.tsx';
import { ConfirmDialog } from '../ui/dialog.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Skeleton } from '../ui/panel.tsx';
import { toast } from '../ui/toast.tsx';
import { count, plural } from '../words.ts';

export type GroupFilter = Pick<DeadGroup, 'code' | 'method' | 'kind'>;
export type Meant = { readonly seqs: readonly number[] } | { readonly filter: GroupFilter };
export type Deed = 'replay' | 'discard';

export function filterOfGroup({ code, method, kind }: DeadGroup): GroupFilter {
	return { code, method, kind };
}

async function ask(
	deed: Deed,
	meant: Meant,
	dryRun: boolean,
	signal?: AbortSignal,
): Promise<readonly DeadOutcome[]> {
	const body = { ...meant, ...(dryRun ? { dryRun } : {}) };
	const { items } = await api<{ items: readonly DeadOutcome[] }>(`/dead/${deed}`, {
		method: 'POST',
		body,
		...(signal ? { signal } : {}),
	});
	return items;
}

/** What would not be done, and why; the same reason once. */
function reasonsOf(outcomes: readonly DeadOutcome[]): readonly (readonly [string, number])[] {
	const reasons = new Map<string, number>();
	for (const { outcome, why } of outcomes) {
		if (outcome === 'possible' || outcome === 'replayed' || outcome === 'discarded') continue;
		const reason = outcome === 'duplicate' ? 'sent again before' : (why ?? outcome);
		reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
	}
	return [...reasons];
}

export function DeedDialog({
	deed,
	meant,
	onClose,
	onDone,
}: {
	deed: Deed;
	meant: Meant;
	onClose: () => void;
	onDone: () => void;
}) {
	const tried = useSignal<readonly DeadOutcome[] | undefined>(undefined);
	const failure = useSignal('');
	useEffect(() => {
		const asking = new AbortController();
		ask(deed, meant, true, asking.signal).then(
			(outcomes) => {
				tried.value = outcomes;
			},
			(error: unknown) => {
				if (!asking.signal.aborted) failure.value = error instanceof Error ? error.message : String(error);
			},
		);
		return () => asking.abort();
	}, []);
	const possible = tried.value?.filter(({ outcome }) => outcome === 'possible').length ?? 0;
	const isReplay = deed === 'replay';
	async function confirm(): Promise<void> {
		if (!tried.value) throw new ApiError('usage', 'Wait until it is known what would be done.');
		if (possible === 0) return;
		const outcomes = await ask(deed, meant, false);
		const done = outcomes.filter(({ outcome }) => outcome === 'replayed' || outcome === 'discarded').length;
		const left = outcomes.length - done;
		const words = `${plural(done, 'letter')} ${isReplay ? 'sent again' : 'thrown away'}`;
		const [reason] = reasonsOf(outcomes);
		toast(
			left === 0
				? `${words}.`
				: `${words}, ${count(left)} left as they were (${reason?.[0] ?? 'no reason'}).`,
			left === 0 ? 'ok' : 'warn',
		);
		onDone();
	}
	return (
		<ConfirmDialog
			title={isReplay ? 'Send them again?' : 'Throw them away?'}
			action={
				possible === 0
					? 'Nothing to do'
					: isReplay
						? `Send ${count(possible)} again`
						: `Throw ${count(possible)} away`
			}
			danger={!isReplay}
			onClose={onClose}
			onConfirm={confirm}
		>
			{failure.value !== '' ? (
				<Banner tone="bad">{failure.value}</Banner>
			) : !tried.value ? (
				<Skeleton lines={2} />
			) : (
				<>
					<p>
						<strong>{plural(possible, 'letter')}</strong> would be{' '}
						{isReplay
							? 'sent again, each as a new message that says where it comes from'
							: 'thrown away for good'}
						.
					</p>
					{reasonsOf(tried.value).map(([reason, amount]) => (
						<div key={reason} class="muted">
							<LongText>
								{plural(amount, 'letter')} would stay: {reason}
							</LongText>
						</div>
					))}
				</>
			)}
		</ConfirmDialog>
	);
}
