/**
 * Owns what a form has for a JSON Schema: a tree of fields, read from what a node published of its method.
 * Promises a field for any schema: what it does not know is a piece of JSON, a schema in a circle ends there too, and one that branches
 * without end has no more fields than anybody would fill in.
 * Pure.
 */

import { isRecord } from './json.ts';

type Common = { readonly title: string; readonly description: string; readonly initial: unknown };

export type TextField = Common & {
	readonly kind: 'text';
	readonly minLength: number;
	readonly maxLength: number | undefined;
	readonly pattern: string | undefined;
};
export type NumberField = Common & {
	readonly kind: 'number';
	readonly integer: boolean;
	readonly minimum: number | undefined;
	readonly maximum: number | undefined;
	readonly above: number | undefined;
	readonly below: number | undefined;
};
/** One of these values; `const` is a choice of one. */
type OptionsField = Common & { readonly kind: 'options'; readonly options: readonly unknown[] };
/** A list of texts, of which the first ones may have rules of their own: a program and its arguments. */
export type WordsField = Common & {
	readonly kind: 'words';
	readonly first: readonly TextField[];
	readonly others: TextField | undefined;
	readonly minItems: number;
	readonly maxItems: number | undefined;
};
export type ListField = Common & {
	readonly kind: 'list';
	readonly item: Field;
	readonly minItems: number;
	readonly maxItems: number | undefined;
};
export type ObjectField = Common & {
	readonly kind: 'object';
	readonly fields: readonly { readonly name: string; readonly required: boolean; readonly field: Field }[];
};
/** Any names, each with a value of the same kind. */
export type RecordField = Common & {
	readonly kind: 'record';
	readonly value: Field;
	readonly pattern: string | undefined;
};
export type ChoiceField = Common & { readonly kind: 'choice'; readonly branches: readonly Field[] };
type JsonField = Common & { readonly kind: 'json' };
export type Field =
	| TextField
	| NumberField
	| (Common & { readonly kind: 'boolean' })
	| OptionsField
	| WordsField
	| ListField
	| ObjectField
	| RecordField
	| ChoiceField
	| JsonField;

/** Schemas within each other; a form that is deeper helps nobody. */
const deepest = 6;
/** Fields of one form; a node may publish a schema of a few words that means millions. */
const mostFields = 1000;
/** What says something about a value, and is not looked at here: then only JSON says it all. */
const unknownWords = [
	'allOf',
	'not',
	'if',
	'patternProperties',
	'dependentSchemas',
	'contains',
	'$dynamicRef',
];

export function fieldOf(schema: unknown, title = ''): Field {
	return read(schema, title, { root: schema, depth: 0, left: { fields: mostFields } });
}

/** `left` is the same for the whole form. */
type Way = { readonly root: unknown; readonly depth: number; readonly left: { fields: number } };

function read(given: unknown, title: string, way: Way): Field {
	const schema = resolved(given, way.root);
	const said = isRecord(schema) ? schema : {};
	const common: Common = {
		title: textOr(said.title, title),
		description: textOr(said.description, ''),
		initial: said.default,
	};
	const json: JsonField = { ...common, kind: 'json' };
	way.left.fields -= 1;
	if (
		!isRecord(schema) ||
		way.left.fields < widthOf(schema) ||
		way.depth > deepest ||
		unknownWords.some((word) => word in schema)
	)
		return json;
	const deeper = { ...way, depth: way.depth + 1 };
	if ('const' in schema) return { ...common, kind: 'options', options: [schema.const] };
	if (Array.isArray(schema.enum)) return { ...common, kind: 'options', options: schema.enum };
	const branches = schema.anyOf ?? schema.oneOf;
	if (Array.isArray(branches))
		return choice(
			branches.map((branch) => read(branch, '', deeper)),
			common,
		);
	if (Array.isArray(schema.type)) {
		return choice(
			schema.type.map((type) => read({ ...schema, type, default: undefined }, '', deeper)),
			common,
		);
	}
	switch (schema.type) {
		case 'string':
			return textField(schema, common);
		case 'number':
		case 'integer':
			return numberField(schema, common);
		case 'boolean':
			return { ...common, kind: 'boolean' };
		case 'null':
			return { ...common, kind: 'options', options: [null] };
		case 'array':
			return arrayField(schema, common, deeper) ?? json;
		case 'object':
			return objectField(schema, common, deeper) ?? json;
		default:
			return json;
	}
}

/** A choice of one is no choice; of fixed values only, it is a list of options. */
function choice(branches: readonly Field[], common: Common): Field {
	const [only] = branches;
	if (only === undefined) return { ...common, kind: 'json' };
	if (branches.length === 1) {
		return {
			...only,
			title: common.title || only.title,
			description: common.description || only.description,
		};
	}
	const options = branches.flatMap((branch) => (branch.kind === 'options' ? branch.options : []));
	if (branches.every(({ kind }) => kind === 'options')) return { ...common, kind: 'options', options };
	return { ...common, kind: 'choice', branches };
}

function textField(schema: Readonly<Record<string, unknown>>, common: Common): TextField {
	return {
		...common,
		kind: 'text',
		minLength: numberOr(schema.minLength) ?? 0,
		maxLength: numberOr(schema.maxLength),
		pattern: typeof schema.pattern === 'string' ? schema.pattern : undefined,
	};
}

function numberField(schema: Readonly<Record<string, unknown>>, common: Common): NumberField {
	return {
		...common,
		kind: 'number',
		integer: schema.type === 'integer',
		minimum: numberOr(schema.minimum),
		maximum: numberOr(schema.maximum),
		above: numberOr(schema.exclusiveMinimum),
		below: numberOr(schema.exclusiveMaximum),
	};
}

function arrayField(schema: Readonly<Record<string, unknown>>, common: Common, way: Way): Field | undefined {
	const first = (Array.isArray(schema.prefixItems) ? schema.prefixItems : []).map((item) =>
		read(item, '', way),
	);
	const others =
		schema.items === false || schema.items === undefined ? undefined : read(schema.items, '', way);
	const minItems = Math.max(numberOr(schema.minItems) ?? 0, first.length);
	const fixed = others === undefined && first.length > 0 ? first.length : undefined;
	const maxItems = numberOr(schema.maxItems) ?? fixed;
	const isWords = others === undefined ? first.length > 0 : isText(others);
	if (first.every(isText) && isWords) {
		const rest = others && isText(others) ? others : undefined;
		return { ...common, kind: 'words', first, others: rest, minItems, maxItems };
	}
	if (first.length > 0 || !others) return undefined;
	return { ...common, kind: 'list', item: others, minItems, maxItems };
}

function objectField(schema: Readonly<Record<string, unknown>>, common: Common, way: Way): Field | undefined {
	const { properties, required, additionalProperties: others, propertyNames: names } = schema;
	const needed = Array.isArray(required) ? required : [];
	const fields = Object.entries(isRecord(properties) ? properties : {}).map(([name, field]) => ({
		name,
		required: needed.includes(name),
		field: read(field, name, way),
	}));
	if (isRecord(others) && Object.keys(others).length > 0) {
		if (fields.length > 0) return undefined;
		const pattern = isRecord(names) && typeof names.pattern === 'string' ? names.pattern : undefined;
		return { ...common, kind: 'record', value: read(others, '', way), pattern };
	}
	// Any names are allowed, and nobody knows which.
	if (fields.length === 0 && others !== false) return undefined;
	return { ...common, kind: 'object', fields };
}

/** What a `$ref` within the same schema means; undefined where it leads elsewhere, or round in a circle. */
function resolved(schema: unknown, root: unknown): unknown {
	let found = schema;
	for (let steps = 0; isRecord(found) && typeof found.$ref === 'string'; steps++) {
		if (steps > 10 || !found.$ref.startsWith('#')) return undefined;
		const way = found.$ref.slice(1).split('/').slice(1);
		found = way.reduce<unknown>((at, key) => {
			const name = decoded(key).replaceAll('~1', '/').replaceAll('~0', '~');
			return isRecord(at) && Object.hasOwn(at, name) ? at[name] : undefined;
		}, root);
	}
	return found;
}

/** How many schemas it has within it, next to each other. */
function widthOf({ anyOf, oneOf, type, prefixItems, properties }: Readonly<Record<string, unknown>>): number {
	const lists = [anyOf, oneOf, type, prefixItems].map((list) => (Array.isArray(list) ? list.length : 0));
	return Math.max(...lists, isRecord(properties) ? Object.keys(properties).length : 0);
}

/** What is not written as an address would be is taken as it stands. */
function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

function isText(field: Field): field is TextField {
	return field.kind === 'text';
}

function textOr(value: unknown, otherwise: string): string {
	return typeof value === 'string' ? value : otherwise;
}

function numberOr(value: unknown): number | undefined {
	return typeof value === 'number' ? value : undefined;
}
