/**
 * Owns the fields that say whom something is for, and who that is now: how many are present, absent, or were never seen.
 * Promises that the counts are the server's, asked for again as the target or the fleet changes. Keeps nothing.
 */

import { type ReadonlySignal, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useId } from 'preact/hooks';
import type { NodeView } from '../../../domain/view-schema.ts';
import { ApiError, api } from '../api.ts';
import { blocked } from '../blocked.ts';
import { totals } from '../live.ts';
import { Field } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { TextField } from '../ui/inputs.tsx';
import { count, plural } from '../words.ts';
import { hasTarget, type TargetDraft, targetForm } from './draft.ts';
import { NodePicker } from './node-picker.tsx';

export type Reach = {
	readonly targets: readonly { readonly node: string; readonly presence: NodeView['presence'] }[];
	readonly present: number;
	readonly absent: number;
	readonly unknown: number;
};

const waitMs = 200;

/** Whom the target means now; undefined while nobody is named or the server has not said. */
export function useReach(target: TargetDraft): ReadonlySignal<Reach | string | undefined> {
	const reach = useSignal<Reach | string | undefined>(undefined);
	const said = JSON.stringify(targetForm(target));
	const isNamed = hasTarget(target);
	const presence = useSignal('');
	useSignalEffect(() => {
		const { present, absent, known } = totals.value?.nodes ?? {};
		presence.value = `${present} ${absent} ${known}`;
	});
	useEffect(() => {
		if (!isNamed) {
			reach.value = undefined;
			return;
		}
		// Whoever only looks on may not ask either; and while nobody answers, what was said stays.
		if (blocked.value !== '') return;
		const asking = new AbortController();
		const ask = async () => {
			// Only the target is asked about: whatever the data is.
			const body = { ...targetForm(target), method: 'ping', kind: 'command' };
			try {
				reach.value = await api<Reach>('/commands?dryRun=true', {
					method: 'POST',
					body,
					signal: asking.signal,
				});
			} catch (error) {
				if (asking.signal.aborted) return;
				if (!(error instanceof ApiError)) throw error;
				reach.value = error.code === 'offline' ? undefined : error.message;
			}
		};
		const timer = setTimeout(ask, waitMs);
		return () => {
			clearTimeout(timer);
			asking.abort();
		};
	}, [said, presence.value, blocked.value]);
	return reach;
}

export function TargetFields({
	target,
	onChange,
	error,
}: {
	target: TargetDraft;
	onChange: (target: TargetDraft) => void;
	error: string | undefined;
}) {
	const name = useId();
	return (
		<div class="fields">
			<fieldset class="segments">
				<legend class="hidden-text">Nodes are named</legend>
				{(['names', 'labels'] as const).map((by) => (
					<label key={by} class="segment">
						<input
							type="radio"
							name={name}
							checked={target.by === by}
							onChange={() => onChange({ ...target, by })}
						/>
						<span>{by === 'names' ? 'By name' : 'By label'}</span>
					</label>
				))}
			</fieldset>
			{target.by === 'names' ? (
				<Field label="To" hint="Also ships that nobody has seen yet: it waits for them." error={error}>
					{(id, described) => (
						<NodePicker
							id={id}
							described={described}
							wrong={error !== undefined}
							chosen={target.nodes}
							onChange={(nodes) => onChange({ ...target, nodes })}
						/>
					)}
				</Field>
			) : (
				<TextField
					label="To all nodes with"
					hint="Every label has to fit: role=tug, fleet=north"
					error={error}
					value={target.labels}
					placeholder="role=tug, fleet=north"
					onChange={(labels) => onChange({ ...target, labels })}
				/>
			)}
		</div>
	);
}

/** One line, of a height that does not change. */
export function ReachWords({ reach, target }: { reach: Reach | string | undefined; target: TargetDraft }) {
	if (typeof reach === 'string') {
		return (
			<p class="reach tone-bad wrap">
				<Icon name="warning" size={14} /> {reach}
			</p>
		);
	}
	if (!hasTarget(target)) return <p class="reach muted">To nobody yet.</p>;
	// A viewer may not ask.
	if (!reach) return <p class="reach" />;
	const all = reach.present + reach.absent + reach.unknown;
	if (all === 0) return <p class="reach tone-warn">No node that is known fits: nothing would be sent.</p>;
	return (
		<p class="reach" aria-live="polite">
			<strong>{plural(all, 'node')}</strong>
			<span class="reach-part">
				<Icon name="dot" tone="ok" size={12} /> {count(reach.present)} present
			</span>
			<span class="reach-part">
				<Icon name="ring" tone="warn" size={12} /> {count(reach.absent)} absent
			</span>
			<span class="reach-part">
				<Icon name="dashed" tone="wait" size={12} /> {count(reach.unknown)} never seen
			</span>
		</p>
	);
}
