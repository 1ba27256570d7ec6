/**
 * Owns the fields of a form on the page, one component for each kind of field.
 * Promises that every input has its label, its description and its problem, and that none holds anything: the draft is the page's.
 * Keeps nothing.
 */

import { useId } from 'preact/hooks';
import { Field as FieldBox } from '../ui/field.tsx';
import { type Draft, draftOf } from './draft.ts';
import type { ChoiceField, Field, ObjectField } from './field.ts';
import './form.css';
import { type FieldProps, Input, labelOf, problemOf } from './input.tsx';
import { Group, ListFields, RecordFields } from './many.tsx';

export function SchemaField(props: FieldProps) {
	const { field, draft } = props;
	switch (field.kind) {
		case 'object':
			return <ObjectFields {...props} field={field} />;
		case 'choice':
			return <ChoiceFields {...props} field={field} />;
		case 'list':
			return <ListFields {...props} field={field} Inner={SchemaField} />;
		case 'record':
			return <RecordFields {...props} field={field} Inner={SchemaField} />;
		default:
			return (
				<FieldBox
					label={labelOf(props)}
					{...(props.required || props.path === '' ? {} : { note: 'optional' })}
					hint={field.description}
					error={problemOf(props)}
				>
					{(id, described) => <Input {...props} field={field} draft={draft} id={id} described={described} />}
				</FieldBox>
			);
	}
}

function ObjectFields(props: FieldProps<ObjectField>) {
	const { field, draft, onChange, problems, path } = props;
	if (draft.kind !== 'object') return null;
	const inner = field.fields.map(({ name, required, field: one }) => (
		<SchemaField
			key={name}
			field={one}
			draft={draft.fields[name] ?? draftOf(one)}
			onChange={(next) => onChange({ ...draft, given: true, fields: { ...draft.fields, [name]: next } })}
			problems={problems}
			path={path === '' ? name : `${path}.${name}`}
			required={required}
		/>
	));
	if (path === '' && !props.label) return <div class="fields">{inner}</div>;
	return (
		<Group legend={labelOf(props)} hint={field.description} error={problemOf(props)}>
			{inner}
		</Group>
	);
}

const branchNames: Readonly<Record<Field['kind'], string>> = {
	text: 'Text',
	number: 'Number',
	boolean: 'Yes or no',
	options: 'Fixed value',
	words: 'Command line',
	list: 'List',
	object: 'With options',
	record: 'Names and values',
	choice: 'Choice',
	json: 'JSON',
};

function ChoiceFields(props: FieldProps<ChoiceField>) {
	const { field, draft, onChange } = props;
	const name = useId();
	if (draft.kind !== 'choice') return null;
	const [branch, own] = [field.branches[draft.branch], draft.drafts[draft.branch]];
	const choose = (next: number) => {
		const drafts = draft.drafts.map((one, index) =>
			index === next ? carried(field.branches[next], one, own) : one,
		);
		onChange({ ...draft, branch: next, drafts });
	};
	return (
		<div class="choice">
			<fieldset class="segments">
				<legend class="hidden-text">Form of {labelOf(props)}</legend>
				{field.branches.map((one, index) => (
					<label key={`${one.kind}-${one.title}`} class="segment">
						<input type="radio" name={name} checked={index === draft.branch} onChange={() => choose(index)} />
						<span>{one.title || branchNames[one.kind]}</span>
					</label>
				))}
			</fieldset>
			{branch && own && (
				<SchemaField
					{...props}
					field={branch}
					draft={own}
					label={branch.kind === 'object' ? '' : labelOf(props)}
					onChange={(next) =>
						onChange({
							...draft,
							drafts: draft.drafts.map((one, index) => (index === draft.branch ? next : one)),
						})
					}
				/>
			)}
		</div>
	);
}

/** Words that were typed already go along into the form that has a place for them. */
function carried(to: Field | undefined, draft: Draft, from: Draft | undefined): Draft {
	if (from?.kind !== 'words' || to?.kind !== 'object' || draft.kind !== 'object') return draft;
	const place = to.fields.find(({ required, field }) => required && field.kind === 'words')?.name;
	return place === undefined ? draft : { ...draft, given: true, fields: { ...draft.fields, [place]: from } };
}
