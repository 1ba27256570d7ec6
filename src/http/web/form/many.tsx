/**
 * Owns the fields that hold others: groups, lists of them, and names with values.
 * Promises that each can be added and taken away by the keyboard, and that what is inside is made by whoever uses it. Keeps nothing.
 */

import type { ComponentChildren, ComponentType } from 'preact';
import { useId } from 'preact/hooks';
import { Button } from '../ui/button.tsx';
import { Field as FieldBox } from '../ui/field.tsx';
import { LongText } from '../ui/long-text.tsx';
import { type Draft, draftOf } from './draft.ts';
import type { ListField, RecordField } from './field.ts';
import { type FieldProps, labelOf, problemOf } from './input.tsx';

type Inner = { Inner: ComponentType<FieldProps> };

export function Group({
	legend,
	hint,
	error,
	children,
}: {
	legend: string;
	hint?: string;
	error?: string | undefined;
	children: ComponentChildren;
}) {
	const id = useId();
	return (
		<fieldset class="group" aria-describedby={error ? id : undefined}>
			<legend class="field-label">{legend}</legend>
			{hint && (
				<div class="field-hint">
					<LongText>{hint}</LongText>
				</div>
			)}
			{children}
			{error && (
				<p class="field-error" id={id}>
					{error}
				</p>
			)}
		</fieldset>
	);
}

export function ListFields({ Inner, ...props }: FieldProps<ListField> & Inner) {
	const { field, draft, onChange, problems, path } = props;
	if (draft.kind !== 'list') return null;
	const change = (items: readonly Draft[]) => onChange({ kind: 'list', items, given: true });
	return (
		<Group legend={labelOf(props)} hint={field.description} error={problemOf(props)}>
			{draft.items.map((item, index) => (
				<div class="group-row" key={index}>
					<Inner
						field={field.item}
						draft={item}
						onChange={(next) => change(draft.items.map((one, at) => (at === index ? next : one)))}
						problems={problems}
						path={path === '' ? String(index) : `${path}.${index}`}
						required
						label={`${index + 1}`}
					/>
					<Button
						small
						kind="quiet"
						icon="bin"
						label={`Remove ${index + 1}`}
						onClick={() => change(draft.items.filter((_, at) => at !== index))}
					/>
				</div>
			))}
			<div>
				<Button small icon="plus" onClick={() => change([...draft.items, draftOf(field.item)])}>
					Add one
				</Button>
			</div>
		</Group>
	);
}

export function RecordFields({ Inner, ...props }: FieldProps<RecordField> & Inner) {
	const { field, draft, onChange, problems, path } = props;
	if (draft.kind !== 'record') return null;
	const change = (pairs: typeof draft.pairs) => onChange({ kind: 'record', pairs, given: pairs.length > 0 });
	return (
		<Group legend={labelOf(props)} hint={field.description} error={problemOf(props)}>
			{draft.pairs.map(({ name, draft: value }, index) => (
				<div class="group-row pair" key={index}>
					<FieldBox
						label="Name"
						error={problemOf({ problems, path: path === '' ? name : `${path}.${name}` })}
					>
						{(id, described) => (
							<input
								id={id}
								class="input"
								value={name}
								aria-describedby={described}
								autoComplete="off"
								spellcheck={false}
								onInput={({ currentTarget }) =>
									change(
										draft.pairs.map((one, at) =>
											at === index ? { ...one, name: currentTarget.value } : one,
										),
									)
								}
							/>
						)}
					</FieldBox>
					<Inner
						field={field.value}
						draft={value}
						onChange={(next) =>
							change(draft.pairs.map((one, at) => (at === index ? { ...one, draft: next } : one)))
						}
						problems={[]}
						path="value"
						required
						label="Value"
					/>
					<Button
						small
						kind="quiet"
						icon="bin"
						label={`Remove ${name || index + 1}`}
						onClick={() => change(draft.pairs.filter((_, at) => at !== index))}
					/>
				</div>
			))}
			<div>
				<Button
					small
					icon="plus"
					onClick={() => change([...draft.pairs, { name: '', draft: draftOf(field.value, '') }])}
				>
					Add one
				</Button>
			</div>
		</Group>
	);
}
