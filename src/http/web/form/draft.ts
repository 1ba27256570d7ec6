/**
 * Owns what a form holds while somebody fills it in: a draft for each field, made from a value and made into one again.
 * Promises that a value which fits the schema comes back as it was, and that every problem names its field.
 * Pure.
 */

import type { Field, NumberField, TextField, WordsField } from './field.ts';
import { isRecord, isSameJson, parseJson, textOf } from './json.ts';
import { matches } from './pattern.ts';
import { joinWords, splitWords } from './words.ts';

/** `given` false: left out, and nobody has typed anything. */
export type Draft =
	| { readonly kind: 'text'; readonly text: string; readonly given: boolean }
	| { readonly kind: 'boolean'; readonly value: boolean | undefined }
	| { readonly kind: 'options'; readonly index: number | undefined }
	| { readonly kind: 'words'; readonly line: string; readonly given: boolean }
	| { readonly kind: 'list'; readonly items: readonly Draft[]; readonly given: boolean }
	| { readonly kind: 'object'; readonly fields: Readonly<Record<string, Draft>>; readonly given: boolean }
	| {
			readonly kind: 'record';
			readonly pairs: readonly { readonly name: string; readonly draft: Draft }[];
			readonly given: boolean;
	  }
	| { readonly kind: 'choice'; readonly branch: number; readonly drafts: readonly Draft[] };

export type FieldProblem = { readonly path: string; readonly problem: string };
/** `value` undefined: left out. */
export type Filled = { readonly value: unknown; readonly problems: readonly FieldProblem[] };

/** What a field begins with: the value, else its default. */
export function draftOf(field: Field, value: unknown = field.initial): Draft {
	const given = value !== undefined;
	switch (field.kind) {
		case 'text':
			return { kind: 'text', text: typeof value === 'string' ? value : '', given };
		case 'number':
			return { kind: 'text', text: textOf(value), given };
		case 'json':
			return { kind: 'text', text: given ? JSON.stringify(value, null, 2) : '', given };
		case 'boolean':
			return { kind: 'boolean', value: typeof value === 'boolean' ? value : undefined };
		case 'options': {
			const index = field.options.findIndex((option) => isSameJson(option, value));
			return { kind: 'options', index: given && index >= 0 ? index : undefined };
		}
		case 'words':
			return { kind: 'words', line: Array.isArray(value) ? joinWords(value.map(textOf)) : '', given };
		case 'list':
			return { kind: 'list', items: asArray(value).map((item) => draftOf(field.item, item)), given };
		case 'object': {
			const record = isRecord(value) ? value : {};
			const fields = field.fields.map(
				({ name, field: one }) =>
					[name, draftOf(one, Object.hasOwn(record, name) ? record[name] : undefined)] as const,
			);
			return { kind: 'object', fields: Object.fromEntries(fields), given };
		}
		case 'record': {
			const entries = Object.entries(isRecord(value) ? value : {});
			const pairs = entries.map(([name, one]) => ({ name, draft: draftOf(field.value, one) }));
			return { kind: 'record', pairs, given };
		}
		case 'choice': {
			const fitting = given ? field.branches.findIndex((branch) => fits(branch, value)) : 0;
			const branch = Math.max(0, fitting);
			const drafts = field.branches.map((one, index) => draftOf(one, index === branch ? value : undefined));
			return { kind: 'choice', branch, drafts };
		}
	}
}

function asArray(value: unknown): readonly unknown[] {
	return Array.isArray(value) ? value : [];
}

/** Whether the field can say exactly this. */
export function fits(field: Field, value: unknown): boolean {
	const { value: again, problems } = valueIn(field, draftOf(field, value), true);
	return problems.length === 0 && isSameJson(again, value);
}

/** @param path Of the field itself. */
export function valueIn(field: Field, draft: Draft, required: boolean, path = ''): Filled {
	const left: Filled = required ? wrong(path, 'expected something here') : { value: undefined, problems: [] };
	if (draft.kind === 'text') {
		const typed = draft.given && (draft.text !== '' || field.kind === 'text');
		return typed ? ofText(field, draft.text, path) : left;
	}
	if (draft.kind === 'boolean') {
		return draft.value === undefined ? (required ? right(false) : left) : right(draft.value);
	}
	if (draft.kind === 'options' && field.kind === 'options') {
		if (draft.index !== undefined) return right(field.options[draft.index]);
		return required && field.options.length === 1 ? right(field.options[0]) : left;
	}
	if (draft.kind === 'choice' && field.kind === 'choice') {
		const [branch, own] = [field.branches[draft.branch], draft.drafts[draft.branch]];
		return branch && own ? valueIn(branch, own, required, path) : left;
	}
	if (draft.kind === 'words' && field.kind === 'words') {
		return draft.given || (required && field.minItems === 0) ? ofWords(field, draft.line, path) : left;
	}
	if (draft.kind === 'list' && field.kind === 'list') {
		if (!draft.given && draft.items.length === 0 && !required) return left;
		const filled = draft.items.map((item, index) =>
			valueIn(field.item, item, true, inside(path, String(index))),
		);
		return together(filled, counted(filled.length, field, path), (values) => values);
	}
	if (draft.kind === 'record' && field.kind === 'record') {
		if (!draft.given && draft.pairs.length === 0 && !required) return left;
		const filled = draft.pairs.map(({ name, draft: one }) =>
			valueIn(field.value, one, true, inside(path, name)),
		);
		return together(filled, namesProblems(draft.pairs, field.pattern, path), (values) =>
			Object.fromEntries(draft.pairs.map(({ name }, index) => [name, values[index]])),
		);
	}
	if (draft.kind === 'object' && field.kind === 'object') return ofObject(field, draft, required, path);
	return wrong(path, 'this is not what the field holds');
}

function ofObject(
	field: Field & { kind: 'object' },
	draft: Draft & { kind: 'object' },
	required: boolean,
	path: string,
): Filled {
	const filled = field.fields.map(({ name, required: needed, field: one }) => {
		const own = draft.fields[name];
		return own ? valueIn(one, own, needed, inside(path, name)) : right(undefined);
	});
	const isEmpty = filled.every(({ value, problems }, index) => {
		const isLeftOut = problems.length > 0 && field.fields[index]?.required;
		return value === undefined && (problems.length === 0 || isLeftOut);
	});
	if (isEmpty && !required && !draft.given) return { value: undefined, problems: [] };
	return together(filled, [], (values) =>
		Object.fromEntries(
			field.fields.map(({ name }, index) => [name, values[index]]).filter(([, value]) => value !== undefined),
		),
	);
}

function ofText(field: Field, text: string, path: string): Filled {
	if (field.kind === 'number') return ofNumber(field, text, path);
	if (field.kind === 'text') {
		const problem = textProblem(field, text);
		return problem === undefined ? right(text) : wrong(path, problem);
	}
	const parsed = parseJson(text);
	return 'value' in parsed ? right(parsed.value) : wrong(path, parsed.problem);
}

function textProblem({ minLength, maxLength, pattern }: TextField, text: string): string | undefined {
	const length = [...text].length;
	if (length < minLength)
		return minLength === 1 ? 'expected something here' : `expected ${minLength} characters or more`;
	if (maxLength !== undefined && length > maxLength) return `expected ${maxLength} characters at the most`;
	return matches(pattern, text) ? undefined : `expected what fits ${pattern}`;
}

function ofNumber(field: NumberField, text: string, path: string): Filled {
	const value = text.trim() === '' ? Number.NaN : Number(text);
	if (!Number.isFinite(value)) return wrong(path, 'expected a number');
	const { integer, minimum, maximum, above, below } = field;
	if (integer && !Number.isInteger(value)) return wrong(path, 'expected a whole number');
	if (minimum !== undefined && value < minimum) return wrong(path, `expected ${minimum} or more`);
	if (maximum !== undefined && value > maximum) return wrong(path, `expected ${maximum} or less`);
	if (above !== undefined && value <= above) return wrong(path, `expected more than ${above}`);
	if (below !== undefined && value >= below) return wrong(path, `expected less than ${below}`);
	return right(value);
}

function ofWords(field: WordsField, line: string, path: string): Filled {
	const { words, unfinished } = splitWords(line);
	if (unfinished) return wrong(path, 'a quote has no end');
	const problems = words.flatMap((word, index) => {
		const rule = field.first[index] ?? field.others;
		const problem = rule && textProblem(rule, word);
		return problem === undefined ? [] : [{ path, problem: `word ${index + 1}: ${problem}` }];
	});
	return { value: words, problems: [...counted(words.length, field, path), ...problems] };
}

function counted(
	count: number,
	{ minItems, maxItems }: { minItems: number; maxItems: number | undefined },
	path: string,
): FieldProblem[] {
	if (count < minItems) {
		return [{ path, problem: minItems === 1 ? 'expected something here' : `expected ${minItems} or more` }];
	}
	return maxItems !== undefined && count > maxItems
		? [{ path, problem: `expected ${maxItems} at the most` }]
		: [];
}

function namesProblems(
	pairs: readonly { readonly name: string }[],
	pattern: string | undefined,
	path: string,
): FieldProblem[] {
	const names = pairs.map(({ name }) => name);
	return names.flatMap((name, index) => {
		if (names.indexOf(name) !== index)
			return [{ path: inside(path, name), problem: 'this name is there twice' }];
		return matches(pattern, name)
			? []
			: [{ path: inside(path, name), problem: `expected a name that fits ${pattern}` }];
	});
}

function together(
	filled: readonly Filled[],
	own: readonly FieldProblem[],
	make: (values: readonly unknown[]) => unknown,
): Filled {
	return {
		value: make(filled.map(({ value }) => value)),
		problems: [...own, ...filled.flatMap(({ problems }) => problems)],
	};
}

function right(value: unknown): Filled {
	return { value, problems: [] };
}

function wrong(path: string, problem: string): Filled {
	return { value: undefined, problems: [{ path, problem }] };
}

function inside(path: string, name: string): string {
	return path === '' ? name : `${path}.${name}`;
}
