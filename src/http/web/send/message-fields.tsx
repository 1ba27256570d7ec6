/**
 * Owns the fields for what is sent: which method, and its data.
 * Promises every method that a node offers with what it does, and any other by its name. Keeps nothing.
 */

import { useId } from 'preact/hooks';
import type { MethodView } from '../../../domain/many-view-schema.ts';
import { draftOf, type FieldProblem } from '../form/draft.ts';
import { SchemaField } from '../form/fields.tsx';
import { parseJson } from '../form/json.ts';
import { Field } from '../ui/field.tsx';
import { plural } from '../words.ts';
import { fieldOfMethod, type MessageDraft, withTab } from './message.ts';
import './send.css';

export function MessageFields({
	message,
	onChange,
	methods,
	problems,
	errors,
	commandsOnly,
}: {
	message: MessageDraft;
	onChange: (message: MessageDraft) => void;
	methods: readonly MethodView[];
	/** Found here, by the path within the data. */
	problems: readonly FieldProblem[];
	/** Found by the server. */
	errors: Readonly<Record<string, readonly string[]>>;
	commandsOnly?: boolean;
}) {
	const list = useId();
	const name = useId();
	const offered = methods.filter(({ kind }) => !commandsOnly || kind === 'command');
	const known = fieldOfMethod(offered, message.method);
	const isForm = message.tab === 'form' && known !== undefined;
	const names = [...new Set(offered.map((one) => one.name))];
	return (
		<div class="fields">
			<div class="fields-row method-row">
				<Field
					label="Method"
					hint={methodHint(known?.view, message, offered.length > 0)}
					error={errors.method?.join('; ')}
				>
					{(id, described) => (
						<>
							<input
								id={id}
								class="input"
								list={list}
								value={message.method}
								aria-describedby={described}
								aria-invalid={errors.method ? true : undefined}
								autoComplete="off"
								autoCapitalize="off"
								spellcheck={false}
								onInput={({ currentTarget: { value } }) => {
									const view = fieldOfMethod(offered, value)?.view;
									onChange({ ...message, method: value, draft: undefined, kind: view?.kind ?? message.kind });
								}}
							/>
							<datalist id={list}>
								{names.map((one) => (
									<option key={one} value={one} />
								))}
							</datalist>
						</>
					)}
				</Field>
				{known && (
					<fieldset class="segments data-form">
						<legend class="hidden-text">Its data is written</legend>
						{(['form', 'json'] as const).map((tab) => (
							<label key={tab} class="segment">
								<input
									type="radio"
									name={name}
									checked={(tab === 'form') === isForm}
									onChange={() => onChange(withTab(message, tab, known.field))}
								/>
								<span>{tab === 'form' ? 'As a form' : 'As JSON'}</span>
							</label>
						))}
					</fieldset>
				)}
			</div>
			{isForm ? (
				known.field.kind === 'json' && known.field.description === '' ? (
					<JsonField
						label="Data"
						note="optional: any JSON"
						message={message}
						onChange={onChange}
						field={known.field}
						error={firstOf(problems, errors)}
					/>
				) : (
					<SchemaField
						field={known.field}
						draft={message.draft ?? draftOf(known.field)}
						onChange={(draft) => onChange({ ...message, draft })}
						problems={withServer(problems, errors)}
						path=""
						required
						label={known.field.kind === 'object' ? '' : labelOf(message.method)}
					/>
				)
			) : (
				<JsonField
					label="Data"
					note="JSON"
					message={{ ...message, tab: 'json' }}
					onChange={onChange}
					field={undefined}
					error={firstOf(problems, errors)}
				/>
			)}
		</div>
	);
}

function labelOf(method: string): string {
	return method === 'shellCommand' ? 'Command' : 'Data';
}

function methodHint(view: MethodView | undefined, { method }: MessageDraft, someKnown: boolean): string {
	if (view) return `${view.description ?? ''} Offered by ${plural(view.nodes, 'node')}.`.trim();
	if (method === '') return 'Which behaviour of the node.';
	return someKnown
		? 'No node that is known offers it: a node without it refuses.'
		: 'No node has said yet what it offers.';
}

function withServer(
	problems: readonly FieldProblem[],
	errors: Readonly<Record<string, readonly string[]>>,
): readonly FieldProblem[] {
	return [...problems, ...(errors.data ?? []).map((problem) => ({ path: '', problem }))];
}

function firstOf(
	problems: readonly FieldProblem[],
	errors: Readonly<Record<string, readonly string[]>>,
): string | undefined {
	return problems[0]?.problem ?? errors.data?.[0];
}

function JsonField({
	label,
	note,
	message,
	onChange,
	field,
	error,
}: {
	label: string;
	note: string;
	message: MessageDraft;
	onChange: (message: MessageDraft) => void;
	/** Of the form whose draft it writes; without one it writes the JSON itself. */
	field: Parameters<typeof draftOf>[0] | undefined;
	error: string | undefined;
}) {
	const own = message.draft?.kind === 'text' ? message.draft.text : '';
	const text = field ? own : message.json;
	const parsed = text.trim() === '' ? undefined : parseJson(text);
	const wrong = parsed && 'problem' in parsed ? parsed.problem : error;
	return (
		<Field label={label} note={note} error={wrong}>
			{(id, described) => (
				<textarea
					id={id}
					class="textarea"
					rows={5}
					value={text}
					aria-describedby={described}
					aria-invalid={wrong ? true : undefined}
					spellcheck={false}
					onInput={({ currentTarget: { value } }) =>
						onChange(
							field
								? { ...message, draft: { kind: 'text', text: value, given: value !== '' } }
								: { ...message, json: value, tab: 'json' },
						)
					}
				/>
			)}
		</Field>
	);
}
