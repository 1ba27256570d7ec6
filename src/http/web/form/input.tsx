/**
 * Owns the inputs of single fields: text, number, JSON, yes or no, one of several, words.
 * Promises that an empty one is left out, unless it is a text that has to be there. Keeps nothing.
 */

import type { Draft, FieldProblem } from './draft.ts';
import type { Field } from './field.ts';
import { WordsInput } from './words-input.tsx';

export type FieldProps<F extends Field = Field> = {
	field: F;
	draft: Draft;
	onChange: (draft: Draft) => void;
	problems: readonly FieldProblem[];
	/** As in the problems. */
	path: string;
	required: boolean;
	/** In the place of the schema's own name. */
	label?: string;
};

export function labelOf({ label, field, path }: FieldProps): string {
	return label ?? (field.title || path.split('.').at(-1) || 'Data');
}

export function problemOf({ problems, path }: Pick<FieldProps, 'problems' | 'path'>): string | undefined {
	return problems.find((one) => one.path === path)?.problem;
}

export function Input(props: FieldProps & { id: string; described: string | undefined }) {
	const { field, draft, onChange, id, described } = props;
	const wrong = problemOf(props) === undefined ? {} : { 'aria-invalid': true as const };
	const common = { id, 'aria-describedby': described, ...wrong };
	if (draft.kind === 'words')
		return (
			<WordsInput
				{...common}
				line={draft.line}
				onChange={(line, given) => onChange({ kind: 'words', line, given })}
			/>
		);
	if (draft.kind === 'boolean') {
		return (
			<select
				{...common}
				class="select"
				value={draft.value === undefined ? '' : String(draft.value)}
				onChange={({ currentTarget: { value } }) =>
					onChange({ kind: 'boolean', value: value === '' ? undefined : value === 'true' })
				}
			>
				{!props.required && <option value="">not said</option>}
				<option value="true">yes</option>
				<option value="false">no</option>
			</select>
		);
	}
	if (draft.kind === 'options' && field.kind === 'options') {
		return (
			<select
				{...common}
				class="select"
				value={draft.index === undefined ? '' : String(draft.index)}
				onChange={({ currentTarget: { value } }) =>
					onChange({ kind: 'options', index: value === '' ? undefined : Number(value) })
				}
			>
				{(!props.required || draft.index === undefined) && <option value="">not said</option>}
				{field.options.map((option, index) => (
					<option key={JSON.stringify(option)} value={index}>
						{option === null ? 'nothing' : typeof option === 'string' ? option : JSON.stringify(option)}
					</option>
				))}
			</select>
		);
	}
	if (draft.kind !== 'text') return null;
	const typed = (text: string) =>
		onChange({ kind: 'text', text, given: text !== '' || (props.required && field.kind === 'text') });
	if (field.kind === 'number') {
		return (
			<input
				{...common}
				class="input"
				inputMode={field.integer ? 'numeric' : 'decimal'}
				value={draft.text}
				autoComplete="off"
				onInput={({ currentTarget }) => typed(currentTarget.value)}
			/>
		);
	}
	if (field.kind === 'text' && !isLong(field.title, props.path)) {
		return (
			<input
				{...common}
				class="input"
				value={draft.text}
				autoComplete="off"
				spellcheck={false}
				onInput={({ currentTarget }) => typed(currentTarget.value)}
			/>
		);
	}
	return (
		<textarea
			{...common}
			class="textarea"
			rows={field.kind === 'json' ? 6 : 3}
			value={draft.text}
			spellcheck={false}
			placeholder={field.kind === 'json' ? 'any JSON' : ''}
			onInput={({ currentTarget }) => typed(currentTarget.value)}
		/>
	);
}

/** Texts that are likely to have lines. */
function isLong(title: string, path: string): boolean {
	return /(^|\.)(stdin|text|body|script|content|message)$/i.test(path) || /text|script/i.test(title);
}
