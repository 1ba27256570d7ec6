/**
 * Owns the fields of a schedule's own: its name, when it fires, what becomes of ticks that could not, and the rest.
 * Promises the default of each beside it. Keeps nothing.
 */

import { useId } from 'preact/hooks';
import { ZoneField } from '../send/when-fields.tsx';
import { Field } from '../ui/field.tsx';
import type { ScheduleDraft } from './draft.ts';

type Props = {
	draft: ScheduleDraft;
	change: (part: Partial<ScheduleDraft>) => void;
	errors: Readonly<Record<string, readonly string[]>>;
};

type TextName =
	| 'name'
	| 'cron'
	| 'every'
	| 'jitter'
	| 'startAt'
	| 'endAt'
	| 'note'
	| 'missedMax'
	| 'missedAge';

function Text({
	draft,
	change,
	errors,
	name,
	label,
	hint,
	placeholder,
	mono,
}: Props & { name: TextName; label: string; hint: string; placeholder: string; mono?: boolean }) {
	const error = errors[name]?.join('; ');
	return (
		<Field label={label} hint={hint} error={error}>
			{(id, described) => (
				<input
					id={id}
					class={mono ? 'input mono' : 'input'}
					value={draft[name]}
					placeholder={placeholder}
					aria-describedby={described}
					aria-invalid={error ? true : undefined}
					autoComplete="off"
					spellcheck={false}
					onInput={({ currentTarget }) => change({ [name]: currentTarget.value })}
				/>
			)}
		</Field>
	);
}

function Choice({
	draft,
	change,
	name,
	label,
	hint,
	options,
}: Props & {
	name: 'placement' | 'missed' | 'overlap';
	label: string;
	hint: string;
	options: readonly (readonly [string, string])[];
}) {
	return (
		<Field label={label} hint={hint}>
			{(id, described) => (
				<select
					id={id}
					class="select"
					value={draft[name]}
					aria-describedby={described}
					onChange={({ currentTarget }) => change({ [name]: currentTarget.value })}
				>
					{options.map(([value, words]) => (
						<option key={value} value={value}>
							{words}
						</option>
					))}
				</select>
			)}
		</Field>
	);
}

export function NameField(props: Props) {
	return (
		<Text {...props} name="name" label="Name" hint="Letters, digits, _ and -." placeholder="nightly-backup" />
	);
}

export function RecurrenceFields(props: Props) {
	const { draft, change, errors } = props;
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
				{draft.by === 'cron' ? (
					<Text
						{...props}
						name="cron"
						label="Cron"
						hint="Minute, hour, day, month, weekday."
						placeholder="0 3 * * *"
						mono
					/>
				) : (
					<Text
						{...props}
						name="every"
						label="Every"
						hint="Such as 15m; 1s at the least."
						placeholder="15m"
					/>
				)}
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
	const { draft } = props;
	return (
		<div class="fields-row">
			<Choice
				{...props}
				name="overlap"
				label="If the last one is not done"
				hint="Of the same node."
				options={[
					['', 'skip: leave this tick out'],
					['replace', 'replace what has not started'],
					['allow', 'allow: let them queue'],
				]}
			/>
			<Choice
				{...props}
				name="missed"
				label="Ticks that could not fire"
				hint="While the one who fires was away."
				options={[
					['', 'once: the last of them fires'],
					['skip', 'skip: none fires'],
					['all', 'all of them fire'],
				]}
			/>
			{draft.missed === 'all' && (
				<Text {...props} name="missedMax" label="At most" hint="The last of them." placeholder="100" />
			)}
			{draft.missed === 'all' && (
				<Text {...props} name="missedAge" label="Not older than" hint="Such as 1d." placeholder="7d" />
			)}
			<Choice
				{...props}
				name="placement"
				label="Who fires it"
				hint="A ship fires without any link."
				options={[
					['', 'the centre'],
					['node', 'each ship by itself'],
				]}
			/>
			<Text
				{...props}
				name="jitter"
				label="Jitter"
				hint="Each node up to this much later."
				placeholder="none"
			/>
			<Text {...props} name="startAt" label="First tick" hint="None before." placeholder="2026-12-24T08:00" />
			<Text {...props} name="endAt" label="Last tick" hint="None after." placeholder="2027-12-24T08:00" />
			<Text
				{...props}
				name="note"
				label="Note"
				hint="For whoever wonders later."
				placeholder="asked for by anna"
			/>
		</div>
	);
}
