/**
 * Owns the fields for when something is queued: now, after a while, or at a time of some zone.
 * Promises the moment in the browser's own time beside it. Keeps nothing.
 */

import { useId } from 'preact/hooks';
import { parseDuration } from '../../../base/duration.ts';
import { Field } from '../ui/field.tsx';
import { TextField } from '../ui/inputs.tsx';
import { absolute } from '../words.ts';
import type { WhenDraft } from './draft.ts';

const names = { now: 'Now', in: 'After a while', at: 'At a time' } as const;

export function browserZone(): string {
	return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

export function WhenFields({
	when,
	onChange,
	now,
	problems,
}: {
	when: WhenDraft;
	onChange: (when: WhenDraft) => void;
	/** Server time. */
	now: number;
	problems: Readonly<Record<string, readonly string[]>>;
}) {
	const name = useId();
	const waitMs = parseDuration(when.wait.trim());
	const waitHint = waitMs === undefined ? 'Such as 30m or 2h.' : `Queued ${absolute(now + waitMs)}.`;
	const isUnread = when.wait !== '' && waitMs === undefined;
	return (
		<div class="fields">
			<fieldset class="segments">
				<legend class="hidden-text">When it is queued</legend>
				{(['now', 'in', 'at'] as const).map((one) => (
					<label key={one} class="segment">
						<input
							type="radio"
							name={name}
							checked={when.when === one}
							onChange={() => onChange({ ...when, when: one })}
						/>
						<span>{names[one]}</span>
					</label>
				))}
			</fieldset>
			{when.when === 'in' && (
				<TextField
					label="Wait"
					hint={waitHint}
					error={isUnread ? 'expected a duration such as 30m, 2h or 1h30m' : problems.notBefore?.join('; ')}
					value={when.wait}
					placeholder="30m"
					onChange={(wait) => onChange({ ...when, wait })}
				/>
			)}
			{when.when === 'at' && (
				<div class="fields-row">
					<Field label="Date and time" error={problems.notBefore?.join('; ')}>
						{(id, described) => (
							<input
								id={id}
								class="input"
								type="datetime-local"
								value={when.at}
								aria-describedby={described}
								onInput={({ currentTarget }) => onChange({ ...when, at: currentTarget.value })}
							/>
						)}
					</Field>
					<ZoneField
						value={when.timeZone}
						onChange={(timeZone) => onChange({ ...when, timeZone })}
						error={problems.timeZone?.join('; ')}
					/>
				</div>
			)}
		</div>
	);
}

let zones: readonly string[] | undefined;

export function ZoneField({
	value,
	onChange,
	error,
}: {
	value: string;
	onChange: (value: string) => void;
	error: string | undefined;
}) {
	const list = useId();
	zones ??= ['UTC', ...Intl.supportedValuesOf('timeZone')];
	return (
		<Field label="Time zone" hint="Whose clocks are meant." error={error}>
			{(id, described) => (
				<>
					<input
						id={id}
						class="input"
						list={list}
						value={value}
						aria-describedby={described}
						aria-invalid={error ? true : undefined}
						autoComplete="off"
						spellcheck={false}
						onInput={({ currentTarget }) => onChange(currentTarget.value)}
					/>
					<datalist id={list}>
						{zones?.map((zone) => (
							<option key={zone} value={zone} />
						))}
					</datalist>
				</>
			)}
		</Field>
	);
}
