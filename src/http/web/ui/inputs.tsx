/**
 * Owns the two fields that most forms are made of: a line of text, and a choice of a few.
 * Promises that what they are called, what they mean and what is wrong with them belongs to them for a reader of the screen.
 * Keeps nothing.
 */

import type { ComponentChildren } from 'preact';
import { Field } from './field.tsx';

type Common = {
	label: string;
	note?: string;
	hint?: ComponentChildren;
	error?: string | undefined;
	value: string;
	onChange: (value: string) => void;
};

export function TextField({
	value,
	onChange,
	placeholder,
	mono,
	...field
}: Common & { placeholder?: string; mono?: boolean }) {
	return (
		<Field {...field}>
			{(id, described) => (
				<input
					id={id}
					class={mono ? 'input mono' : 'input'}
					value={value}
					placeholder={placeholder}
					aria-describedby={described}
					aria-invalid={field.error ? true : undefined}
					autoComplete="off"
					autoCapitalize="off"
					spellcheck={false}
					onInput={({ currentTarget }) => onChange(currentTarget.value)}
				/>
			)}
		</Field>
	);
}

export type Options = readonly (readonly [value: string, words: string])[];

export function ChoiceField({ value, onChange, options, ...field }: Common & { options: Options }) {
	return (
		<Field {...field}>
			{(id, described) => (
				<select
					id={id}
					class="select"
					value={value}
					aria-describedby={described}
					aria-invalid={field.error ? true : undefined}
					onChange={({ currentTarget }) => onChange(currentTarget.value)}
				>
					{options.map(([one, words]) => (
						<option key={one} value={one}>
							{words}
						</option>
					))}
				</select>
			)}
		</Field>
	);
}
