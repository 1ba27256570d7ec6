import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyGlobOf, globOf, globProblem } from '../../src/domain/glob.ts';

test.each([
	['*', '', true],
	['ship*', 'ship1', true],
	['ship*', 'tug-ship1', false],
	['*-eu', 'ship1-eu', true],
	['a*a', 'a', false],
	['a*b*c', 'a-b-b-c', true],
	['a*b*c', 'a-c-b', false],
	['ship1', 'ship12', false],
	['ship1', 'SHIP1', false],
	['\\*', '*', true],
	['\\*', 'x', false],
	['C:\\\\*', 'C:\\dir', true],
	// Letters that mean something to regular expressions mean themselves.
	['a.c', 'abc', false],
	['(a+)+', 'aaaa', false],
])('%s fits %s: %s', (pattern, text, fits) => {
	expect(globOf(pattern)(text)).toBe(fits);
});

test('it fits exactly what the same regular expression fits', () => {
	const letters = fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 8 }).map((each) => each.join(''));
	const texts = fc.array(fc.constantFrom('a', 'b'), { maxLength: 10 }).map((each) => each.join(''));
	fc.assert(
		fc.property(letters, texts, (pattern, text) => {
			const model = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
			expect(globOf(pattern)(text)).toBe(model.test(text));
		}),
		{ numRuns: 2000 },
	);
});

test('a text that would keep a regular expression busy for years takes no time', () => {
	const glob = globOf(`${'*a'.repeat(100)}*b`);
	const before = process.cpuUsage();
	expect(glob('a'.repeat(500_000))).toBe(false);
	const { user, system } = process.cpuUsage(before);
	expect((user + system) / 1000).toBeLessThan(2000);
});

test('several patterns fit what any of them fits, and none fits nothing', () => {
	expect(anyGlobOf(['ship1', 'tug*'])('tug7')).toBe(true);
	expect(anyGlobOf(['ship1', 'tug*'])('ship2')).toBe(false);
	expect(anyGlobOf([])('ship1')).toBe(false);
});

test('a pattern that means nothing has a problem', () => {
	expect(globProblem('a\\')).toContain('backslash');
	expect(globProblem('a\\\\')).toBeUndefined();
	expect(globProblem('')).toContain('expected a pattern');
	expect(globProblem('a'.repeat(257))).toContain('256');
});
