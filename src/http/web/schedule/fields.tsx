/**
 * Owns the fields of a schedule's own: its name, when it fires, what becomes of ticks that could not, and the rest.
 * Promises the default of each beside it. Keeps nothing.
 */

import { useId } from 'preact/hooks';
import { ZoneField } from '../send/when-fields.tsx';
import { ChoiceField, type Options, TextField } from '../ui/inputs.tsx';
import type { ScheduleDraft } from './draft.ts';

type Props = {
	draft: ScheduleDraft;
	change: (part: Partial<ScheduleDraft>) => void;
	errors: Readonly<Record<string, readonly string[]>>;
};

type TextName = Exclude<keyof ScheduleDraft, 'by' | 'target' | 'message' | 'policy' | 'others'>;

/** The inputs of one schedule, each by the name of its field. */
function inputsOf({ draft, change, errors }: Props) {
	const of = (name: TextName, label: string, hint: string) => ({
		...{ label, hint, error: errors[name]?.join('; '), value: draft[name] },
		onChange: (value: string) => change({ [name]: value }),
	});
	return {
		text: (name: TextName, label: string, placeholder: string, hint: string, mono = false) => (
			<TextField {...of(name, label, hint)} placeholder={placeholder} mono={mono} />
		),
		choice: (name: TextName, label: string, hint: string, options: Options) => (
			<ChoiceField {...of(name, label, hint)} options={options} />
		),
	};
}

export function NameField(props: Props) {
	return inputsOf(props).text('name', 'Name', 'nightly-backup', 'Letters, digits, _ and -.');
}

export function RecurrenceFields(props: Props) {
	const { draft, change, errors } = props;
	const { text } = inputsOf(props);
	const group = useId();
	const names = { cron: 'By the calendar (cron)', every: 'At an interval' } as const;
	return (
		<div class="fields">
			<fieldset class="segments">
				<legend class="hidden-text">How it is said when</legend>
				{(['cron', 'every'] as const).map((by) => (
					<label key={by} class="segment">
						<input type="radio" name={group} checked={draft.by === by} onChange={() => change({ by })} />
						<span>{names[by]}</span>
					</label>
				))}
			</fieldset>
			<div class="fields-row">
				{draft.by === 'cron'
					? text('cron', 'Cron', '0 3 * * *', 'Minute, hour, day, month, weekday.', true)
					: text('every', 'Every', '15m', 'Such as 15m; 1s at the least.')}
				<ZoneField
					value={draft.timeZone}
					onChange={(timeZone) => change({ timeZone })}
					error={errors.timeZone?.join('; ')}
				/>
			</div>
		</div>
	);
}

export function RuleFields(props: Props) {
	const { text, choice } = inputsOf(props);
	const isAll = props.draft.missed === 'all';
	return (
		<div class="fields-row">
			{choice('overlap', 'If the last one is not done', 'Of the same node.', [
				['', 'skip: leave this tick out'],
				['replace', 'replace what has not started'],
				['allow', 'allow: let them queue'],
			])}
			{choice('missed', 'Ticks that could not fire', 'While the one who fires was away.', [
				['', 'once: the last of them fires'],
				['skip', 'skip: none fires'],
				['all', 'all of them fire'],
			])}
			{isAll && text('missedMax', 'At most', '100', 'The last of them.')}
			{isAll && text('missedAge', 'Not older than', '7d', 'Such as 1d.')}
			{choice('placement', 'Who fires it', 'A ship fires without any link.', [
				['', 'the centre'],
				['node', 'each ship by itself'],
			])}
			{text('jitter', 'Jitter', 'none', 'Each node up to this much later.')}
			{text('startAt', 'First tick', '2026-12-24T08:00', 'None before.')}
			{text('endAt', 'Last tick', '2027-12-24T08:00', 'None after.')}
			{text('note', 'Note', 'asked for by anna', 'For whoever wonders later.')}
		</div>
	);
}
