import { describe, expect, test } from 'vitest';
import { compileConfig } from '../../src/domain/config.ts';
import { compilePattern, redactionProblem } from '../../src/domain/redaction.ts';

describe('patterns of secrets', () => {
	test.each(['tok-[0-9]+', '(?<=password=)\\S+', 'a|b', '^secret$'])('%s can be used', (pattern) => {
		expect(redactionProblem(pattern)).toBe(undefined);
	});

	test.each(['', 'x*', 'a|', '^', '(?=x)|'])('"%s" matches the empty text', (pattern) => {
		expect(redactionProblem(pattern)).toContain('does not match the empty text');
	});

	test('what is no regular expression is told with why', () => {
		expect(redactionProblem('(')).toMatch(/^expected a regular expression \(.+\)$/);
	});

	test('a configuration names the pattern that is wrong, with the others', () => {
		const node = { redact: ['fine', '(', 'x*'], output: { spoolMaxBytes: -1 } };
		expect(() => compileConfig([{ data: 'd', node }])).toThrowError(
			expect.objectContaining({
				code: 'invalid',
				details: {
					problems: expect.arrayContaining([
						expect.stringMatching(/^node\.redact\.1: expected a regular expression/),
						expect.stringMatching(/^node\.redact\.2: .*empty text.*, got "x\*"$/),
						expect.stringContaining('node.output.spoolMaxBytes'),
					]),
				},
			}),
		);
		const { output, redact } = compileConfig([{ data: 'd' }]).node;
		expect([output.spoolMaxBytes, redact]).toEqual([256 * 1024 * 1024, []]);
	});

	test('line by line, and by bytes', () => {
		expect('one\nkey\ntwo'.replace(compilePattern('^key$'), '-')).toBe('one\n-\ntwo');
		expect(Buffer.from('ü').toString('latin1')).toMatch(compilePattern('^ü$'));
	});
});
