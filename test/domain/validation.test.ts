import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { closest, deepestNesting, describeProblems, isNestedTooDeep } from '../../src/domain/validation.ts';

function problemsOf(schema: z.ZodType, input: unknown, known: readonly string[] = []): string[] {
	const parsed = schema.safeParse(input);
	return parsed.success ? [] : describeProblems(parsed.error, input, known);
}

describe('a problem', () => {
	const schema = z.strictObject({
		name: z.string(),
		inner: z.strictObject({ port: z.number().min(1), mode: z.enum(['on', 'off']).optional() }).optional(),
		list: z.array(z.number()).optional(),
		either: z.union([z.literal('never'), z.number()]).optional(),
	});

	test('has its field, what was expected, and what came', () => {
		expect(problemsOf(schema, { name: 7 })).toEqual(['name: expected string, got 7']);
		expect(problemsOf(schema, {})).toEqual(['name: expected string, got nothing']);
		expect(problemsOf(schema, null)).toEqual(['(top level): expected object, got null']);
		expect(problemsOf(schema, { name: 'a', inner: { port: 0, mode: 'x' } })).toEqual([
			'inner.port: expected number to be >=1, got 0',
			'inner.mode: expected one of "on"|"off", got "x"',
		]);
		expect(problemsOf(schema, { name: 'a', list: [1, 'two'] })).toEqual([
			'list.1: expected number, got "two"',
		]);
		expect(problemsOf(schema, { name: 'a', either: 'x' })).toEqual(['either: not one of the accepted forms']);
	});

	test('of an unknown field names its place, and a guess', () => {
		expect(problemsOf(schema, { name: 'a', nam: 1, inner: { port: 1, prot: 2 } }, ['name', 'port'])).toEqual([
			'inner.prot: unknown field; did you mean "port"?',
			'nam: unknown field; did you mean "name"?',
		]);
	});

	test('shows only a short piece of the input', () => {
		const [problem = ''] = problemsOf(schema, { name: ['x'.repeat(10_000)] });
		expect(problem).toMatch(/^name: expected string, got \["x+…$/);
		expect(problem.length).toBeLessThan(100);
		const [unknown = ''] = problemsOf(schema, { name: 'a', ['y'.repeat(10_000)]: 1 });
		expect(unknown).toMatch(/^y+…: unknown field$/);
		expect(unknown.length).toBeLessThan(100);
	});

	test('can show what JSON cannot', () => {
		expect(problemsOf(schema, { name: 10n })).toEqual(['name: expected string, got 10']);
		expect(problemsOf(schema, { name: Symbol('s') })).toEqual(['name: expected string, got Symbol(s)']);
	});
});

test('many problems are listed up to a bound, and counted beyond', () => {
	const problems = problemsOf(
		z.array(z.number()),
		Array.from({ length: 1000 }, () => 'x'),
	);
	expect(problems.length).toBeLessThan(60);
	expect(problems.at(-1)).toBe(`and ${1000 - (problems.length - 1)} more`);
});

describe('a guess', () => {
	test.each([
		['atempts', 'attempts'],
		['ATTEMPTS', 'attempts'],
		['stat', 'state'],
		['shelCommand', 'shellCommand'],
	])('%s: %s', (typed, meant) => {
		expect(closest(typed, ['attempts', 'state', 'shellCommand', 'id'])).toBe(meant);
	});

	test.each(['', 'x', 'qq', 'to', 'somethingElse'])('none for %j', (typed) => {
		expect(closest(typed, ['attempts', 'id'])).toBeUndefined();
	});

	test('none for what is far too long, and without looking at it', () => {
		expect(closest('a'.repeat(1_000_000), ['attempts', 'a'.repeat(70)])).toBeUndefined();
	});

	test('none among nothing', () => {
		expect(closest('x', [])).toBeUndefined();
	});
});

test('nesting is measured without recursing', () => {
	const nested = (depth: number): unknown =>
		JSON.parse(`${'{"a":['.repeat(depth / 2)}${']}'.repeat(depth / 2)}`);
	expect(isNestedTooDeep(nested(deepestNesting))).toBe(false);
	expect(isNestedTooDeep(nested(deepestNesting + 2))).toBe(true);
	expect(isNestedTooDeep(nested(400_000))).toBe(true);
	expect(isNestedTooDeep(nested(4), 3)).toBe(true);
	expect(isNestedTooDeep(nested(4), 4)).toBe(false);
	const loop: unknown[] = [];
	loop.push(loop, loop);
	expect(isNestedTooDeep(loop)).toBe(true);
	for (const flat of [null, undefined, 7, 'text', [], {}, Array.from({ length: 100_000 }, () => [])]) {
		expect(isNestedTooDeep(flat)).toBe(false);
	}
});
