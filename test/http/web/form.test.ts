import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../../src/base/clock.ts';
import { draftOf, fits, valueIn } from '../../../src/http/web/form/draft.ts';
import { fieldOf } from '../../../src/http/web/form/field.ts';
import { joinWords, splitWords } from '../../../src/http/web/form/words.ts';
import { shellCommand } from '../../../src/node/methods/shell-command.ts';

const published = (schema: z.ZodType) =>
	fieldOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
const shell = published(shellCommand({ clock: systemClock, cwd: '/', env: {} }).data);

describe('words', () => {
	const word = fc.string({
		unit: fc.constantFrom('a', ' ', "'", '"', '\\', '$', '\n', '*', '船', '-', '='),
		maxLength: 12,
	});

	test('are quoted so that they split into the same again', () => {
		fc.assert(
			fc.property(fc.array(word, { maxLength: 6 }), (words) => {
				expect(splitWords(joinWords(words))).toEqual({ words, unfinished: false, shellOnly: [] });
			}),
		);
	});

	test('are split as a real shell splits them', () => {
		const letter = fc.constantFrom(
			'a',
			'b',
			' ',
			'  ',
			"'x y'",
			'"x y"',
			'"\\""',
			"\\'",
			'\\ ',
			'"a\\b"',
			"''",
			'\\\\',
			'=',
		);
		const lines = fc.sample(fc.array(letter, { maxLength: 10 }), 40).map((parts) => parts.join(''));
		for (const line of lines) {
			const said = spawnSync('sh', [
				'-c',
				`set -- ${line}\n[ $# -eq 0 ] || printf '%s\\0' "$@"`,
			]).stdout.toString();
			expect({ line, words: splitWords(line).words }).toEqual({ line, words: said.split('\0').slice(0, -1) });
		}
	});

	test('tell what only a shell would act on, and a quote without an end', () => {
		expect(splitWords('ls -l | head > x && echo $HOME').shellOnly).toEqual(['|', '>', '&&', '$']);
		expect(splitWords("sh -c 'ls | head'").shellOnly).toEqual([]);
		expect(splitWords('echo "$HOME"').shellOnly).toEqual(['$']);
		expect(splitWords("echo 'a").unfinished).toBe(true);
	});
});

describe('the form of shellCommand, as nodes publish it', () => {
	test('is a choice of words or the full form', () => {
		expect(shell.kind).toBe('choice');
		if (shell.kind !== 'choice') return;
		const [words, full] = shell.branches;
		expect(words).toMatchObject({ kind: 'words', minItems: 1, first: [{ kind: 'text', minLength: 1 }] });
		if (full?.kind !== 'object') throw new Error('expected an object');
		expect(full.fields.map(({ name, required, field }) => [name, required, field.kind])).toEqual([
			['command', true, 'words'],
			['cwd', false, 'text'],
			['env', false, 'record'],
			['stdin', false, 'text'],
			['grace', false, 'text'],
		]);
	});

	test.each([
		[['uname', '-a']],
		[['bash', '-c', 'echo \'x y\' "$HOME" | cat']],
		[{ command: ['ls'] }],
		[{ command: ['ls', ''], cwd: '/tmp', env: { A: '1', B: '' }, stdin: 'two\nlines', grace: '5s' }],
	])('gives back %j as it was', (value) => {
		expect(fits(shell, value)).toBe(true);
		expect(valueIn(shell, draftOf(shell, value), true)).toEqual({ value, problems: [] });
	});

	test('cannot say what is no data of it', () => {
		for (const value of [7, 'ls', { command: ['ls'], other: 1 }, { command: 'ls' }])
			expect(fits(shell, value)).toBe(false);
	});

	test('says what is missing, by its field', () => {
		expect(valueIn(shell, draftOf(shell), true).problems).toEqual([
			{ path: '', problem: 'expected something here' },
		]);
		const full = draftOf(shell, { command: ['ls'] });
		if (full.kind !== 'choice') throw new Error('expected a choice');
		const [, object] = full.drafts;
		if (object?.kind !== 'object') throw new Error('expected an object');
		const fields = {
			...object.fields,
			command: { kind: 'words', line: "ls 'a", given: true },
			env: {
				kind: 'record',
				given: true,
				pairs: [{ name: 'A=', draft: { kind: 'text', text: 'x', given: true } }],
			},
		} as const;
		const draft = { ...full, drafts: [full.drafts[0] ?? object, { ...object, fields }] };
		expect(valueIn(shell, draft, true).problems.map(({ path }) => path)).toEqual(['command', 'env.A=']);
	});
});

describe('fields', () => {
	const kinds = (schema: z.ZodType) => {
		const field = published(schema);
		return field.kind === 'choice' ? field.branches.map(({ kind }) => kind) : field.kind;
	};

	test('follow the schema', () => {
		expect(kinds(z.string())).toBe('text');
		expect(kinds(z.number())).toBe('number');
		expect(kinds(z.int())).toBe('number');
		expect(kinds(z.boolean())).toBe('boolean');
		expect(kinds(z.enum(['a', 'b']))).toBe('options');
		expect(kinds(z.literal('a'))).toBe('options');
		expect(kinds(z.array(z.string()))).toBe('words');
		expect(kinds(z.array(z.object({ a: z.number() })))).toBe('list');
		expect(kinds(z.union([z.string(), z.array(z.string())]))).toEqual(['text', 'words']);
		expect(kinds(z.string().nullable())).toEqual(['text', 'options']);
		expect(kinds(z.record(z.string(), z.number()))).toBe('record');
		expect(kinds(z.union([z.literal('a'), z.literal(7)]))).toBe('options');
	});

	test('are JSON where the schema says what they do not know', () => {
		expect(kinds(z.unknown())).toBe('json');
		expect(fieldOf({ allOf: [{ type: 'string' }, { minLength: 1 }] }).kind).toBe('json');
		expect(kinds(z.tuple([z.number(), z.string()]))).toBe('json');
		expect(fieldOf(undefined).kind).toBe('json');
		expect(fieldOf({ type: 'object', properties: { a: { $ref: 'https://elsewhere/' } } })).toMatchObject({
			fields: [{ field: { kind: 'json' } }],
		});
	});

	test('end, also where a schema holds itself', () => {
		const node = z.object({
			name: z.string(),
			get next() {
				return node.optional();
			},
		});
		const text = JSON.stringify(published(node));
		expect(text).toContain('"kind":"json"');
		expect(text.length).toBeLessThan(5000);
	});

	test('are JSON where a reference leads to itself', () => {
		expect(fieldOf({ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }).kind).toBe('json');
	});

	test('begin with their defaults', () => {
		const field = published(
			z.object({ level: z.enum(['low', 'high']).default('high'), times: z.int().default(3) }),
		);
		expect(valueIn(field, draftOf(field), true)).toEqual({
			value: { level: 'high', times: 3 },
			problems: [],
		});
	});
});

describe('values', () => {
	test.each<readonly [string, z.ZodType, string]>([
		['expected 3 or more', z.number().min(3), '2'],
		['expected 3 or less', z.number().max(3), '4'],
		['expected more than 3', z.number().gt(3), '3'],
		['expected a whole number', z.int(), '1.5'],
		['expected a number', z.number(), 'x'],
		['expected 2 characters or more', z.string().min(2), 'a'],
		['expected 2 characters at the most', z.string().max(2), 'abc'],
		['expected what fits ^a+$', z.string().regex(/^a+$/), 'b'],
		['this is no JSON', z.unknown(), '{"a":'],
	])('are checked: %s', (expected, schema, text) => {
		const { problems } = valueIn(published(schema), { kind: 'text', text, given: true }, true, 'field');
		expect(problems).toHaveLength(1);
		expect(problems[0]?.path).toBe('field');
		expect(problems[0]?.problem).toContain(expected);
	});

	test('that fit come back as they were', () => {
		const schema = z.object({
			name: z.string(),
			count: z.int().optional(),
			loud: z.boolean().optional(),
			mode: z.enum(['a', 'b']).optional(),
			args: z.array(z.string()).optional(),
			steps: z.array(z.object({ run: z.string(), wait: z.number().optional() })).optional(),
			extra: z.record(z.string().regex(/^[a-z]+$/), z.union([z.string(), z.number()])).optional(),
			either: z.union([z.null(), z.string(), z.object({ deep: z.boolean() })]).optional(),
			any: z.json().optional(),
		});
		const field = published(schema);
		const text = fc.string({ unit: 'grapheme', maxLength: 10 });
		const value = fc.record(
			{
				name: text,
				count: fc.integer(),
				loud: fc.boolean(),
				mode: fc.constantFrom('a', 'b'),
				args: fc.array(text, { maxLength: 4 }),
				steps: fc.array(
					fc.record(
						{ run: text, wait: fc.double({ noNaN: true, noDefaultInfinity: true }) },
						{ requiredKeys: ['run'] },
					),
				),
				extra: fc.dictionary(fc.constantFrom('a', 'bc', 'def'), fc.oneof(text, fc.integer())),
				either: fc.oneof(fc.constant(null), text, fc.record({ deep: fc.boolean() })),
				any: fc.jsonValue({ maxDepth: 2 }),
			},
			{ requiredKeys: ['name'] },
		);
		fc.assert(
			fc.property(value, (one) => {
				const plain: unknown = JSON.parse(JSON.stringify(one));
				expect(valueIn(field, draftOf(field, plain), true)).toEqual({ value: plain, problems: [] });
			}),
		);
	});
});

describe('a schema of a hostile node', () => {
	test('whose values are of another kind, and cannot be made a text, makes a form all the same', () => {
		const odd = { toString: null };
		expect(draftOf(fieldOf({ type: 'number', default: odd }))).toMatchObject({ text: '{"toString":null}' });
		const list = fieldOf({ type: 'array', items: { type: 'string' }, default: [odd] });
		expect(() => draftOf(list)).not.toThrow();
	});

	test('that branches in a circle makes a form of a bounded size', () => {
		const branches = Array.from({ length: 8 }, () => ({ $ref: '#' }));
		const field = fieldOf({ anyOf: [{ type: 'string' }, ...branches] });
		// Eight branches, seven deep: millions, if nothing bounds them.
		expect(JSON.stringify(field).split('"kind"').length).toBeLessThan(10_000);
	});

	test('whose pattern takes for ever is not tried: the node has the last word', () => {
		const slow = ['^(a+)+$', '^(a|a)*$', '^(?:a*)*$', '^a?a?a?a?a?a?a?a?a?a?$', '^(a*)\\1\\1b$'];
		for (const pattern of slow) {
			const field = fieldOf({ anyOf: [{ type: 'string', pattern }, { type: 'number' }] });
			expect(fits(field, `${'a'.repeat(150)}!`)).toBe(true);
		}
		const quick = fieldOf({ type: 'string', pattern: '^[a-z]+(?:-[a-z]+)?$' });
		expect([fits(quick, 'tug-north'), fits(quick, 'Tug!')]).toEqual([true, false]);
	});

	test('that points nowhere is a piece of JSON', () => {
		expect(fieldOf({ $ref: '#/%' }).kind).toBe('json');
		expect(fieldOf({ $ref: '#/definitions/%E0%A4%A' }).kind).toBe('json');
	});

	test('that names a field as JavaScript names its own has no value there', () => {
		const field = fieldOf({ type: 'object', properties: { constructor: { type: 'number' } } });
		expect(valueIn(field, draftOf(field, {}), true)).toEqual({ value: {}, problems: [] });
	});
});
