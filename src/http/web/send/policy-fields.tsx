/**
 * Owns the fields for how a command is to be treated: lane, deadlines, attempts, what happens after a crash.
 * Promises the default of each beside it, and that one left empty is not sent. Keeps nothing.
 */

import { commandPolicyFields } from '../../../domain/policy-fields.ts';
import { ChoiceField, type Options, TextField } from '../ui/inputs.tsx';
import type { PolicyDraft } from './draft.ts';

type Props = {
	policy: PolicyDraft;
	onChange: (policy: PolicyDraft) => void;
	problems: Readonly<Record<string, readonly string[]>>;
};

export const policyFields = [...commandPolicyFields, 'deliverWithin'] as const;

const lanes = [
	['', "the method's default"],
	['urgent', 'urgent'],
	['normal', 'normal'],
	['bulk', 'bulk'],
] as const;

export function PolicyFields({ policy, onChange, problems }: Props) {
	const of = (name: keyof PolicyDraft, label: string, hint: string) => ({
		...{ label, hint, error: problems[name]?.join('; '), value: policy[name] },
		onChange: (value: string) => onChange({ ...policy, [name]: value }),
	});
	const field = (name: keyof PolicyDraft, label: string, placeholder: string, hint: string) => (
		<TextField {...of(name, label, hint)} placeholder={placeholder} />
	);
	const choice = (name: keyof PolicyDraft, label: string, hint: string, options: Options) => (
		<ChoiceField {...of(name, label, hint)} options={options} />
	);
	const hasWaits = policy.attempts.trim() !== '' && policy.attempts.trim() !== '1';
	return (
		<div class="fields-row">
			{choice('lane', 'Lane', 'Lanes run beside each other.', lanes)}
			{field('deliverWithin', 'Start within', '7d', 'Not started by then, it expires: or never.')}
			{field('runFor', 'Run for', '10m', 'Ended when it runs longer.')}
			{field('attempts', 'Attempts', '1', 'Starts at the most, where one fails.')}
			{hasWaits &&
				choice('backoff', 'Wait between attempts', 'How the wait grows.', [
					['', 'exponential'],
					['fixed', 'fixed'],
				])}
			{hasWaits && field('backoffInitial', 'First wait', '1s', 'Before the second attempt.')}
			{hasWaits &&
				policy.backoff !== 'fixed' &&
				field('backoffCap', 'Longest wait', '5m', 'It grows no further.')}
			{choice('onInterrupt', 'If its node dies meanwhile', 'Rerun only what may run twice.', [
				['', 'report: outcome unknown'],
				['rerun', 'rerun: start it again'],
			])}
			{choice('whenAbsent', 'If a node is absent', 'At the moment of sending.', [
				['', 'queue: it waits'],
				['skip', 'skip: leave it out'],
				['reject', 'reject: send to nobody'],
			])}
			{field('patience', 'Patience', '7d', 'Silent for longer while it runs, it is lost.')}
		</div>
	);
}
