/**
 * Owns what is sent, as it is written: the method, and its data in the method's own form or as JSON.
 * Promises that going from the one to the other loses nothing, and that a form without its method's schema is JSON.
 * Pure.
 */

import type { MethodView } from '../../../domain/many-view-schema.ts';
import { type Draft, draftOf, type FieldProblem, fits, valueIn } from '../form/draft.ts';
import { type Field, fieldOf } from '../form/field.ts';
import { parseJson } from '../form/json.ts';
import type { Form } from './draft.ts';

export type MessageDraft = {
	readonly method: string;
	readonly kind: 'command' | 'event';
	readonly tab: 'form' | 'json';
	/** undefined: as the method's field begins. */
	readonly draft: Draft | undefined;
	readonly json: string;
};

export const noMessage: MessageDraft = {
	method: 'shellCommand',
	kind: 'command',
	tab: 'form',
	draft: undefined,
	json: '',
};

/** The form of the method that most nodes offer under this name; undefined where nobody does. */
export function fieldOfMethod(
	methods: readonly MethodView[],
	method: string,
): { field: Field; view: MethodView } | undefined {
	const view = methods.find(({ name }) => name === method);
	return view && { field: fieldOf(view.data), view };
}

export type MessageFilled = { readonly form: Form; readonly problems: readonly FieldProblem[] };

/** `form` has `data` only where there is some. */
export function messageForm(
	{ method, kind, tab, draft, json }: MessageDraft,
	field: Field | undefined,
): MessageFilled {
	const base = { method, kind };
	if (tab === 'form' && field) {
		const { value, problems } = valueIn(field, draft ?? draftOf(field), field.kind !== 'json');
		return { form: value === undefined ? base : { ...base, data: value }, problems };
	}
	if (json.trim() === '') return { form: base, problems: [] };
	const parsed = parseJson(json);
	if ('problem' in parsed) return { form: base, problems: [{ path: '', problem: parsed.problem }] };
	return { form: { ...base, data: parsed.value }, problems: [] };
}

/** The other tab, with what was written so far. JSON that the form cannot say stays JSON. */
export function withTab(message: MessageDraft, tab: 'form' | 'json', field: Field | undefined): MessageDraft {
	const { data } = messageForm(message, field).form;
	if (tab === 'json') {
		return { ...message, tab, json: data === undefined ? message.json : JSON.stringify(data, null, 2) };
	}
	if (!field || (data !== undefined && !fits(field, data))) return message;
	return { ...message, tab, draft: draftOf(field, data) };
}

/** A message that was written before. */
export function messageDraft(
	{ method, kind, commandOrEvent, data }: Form,
	methods: readonly MethodView[],
): MessageDraft {
	const name = typeof method === 'string' ? method : '';
	const isEvent = (kind ?? commandOrEvent) === 'event';
	const field = fieldOfMethod(methods, name)?.field;
	const isForm = field !== undefined && (data === undefined || data === null || fits(field, data));
	return {
		method: name,
		kind: isEvent ? 'event' : 'command',
		tab: isForm ? 'form' : 'json',
		draft: isForm ? draftOf(field, data ?? undefined) : undefined,
		json: data === undefined || data === null ? '' : JSON.stringify(data, null, 2),
	};
}
