import { describe, expect, test } from 'vitest';
import { isStewardError, messageOf } from '../../src/base/errors.ts';
import { parseCron } from '../../src/domain/cron.ts';

describe('what is refused', () => {
	test.each([
		['', '5 fields'],
		[
			'* * * *',
			'5 fields (minute hour day month weekday), 6 with seconds before them, or a name such as @daily',
		],
		['* * * * * * *', '5 fields'],
		['@midnite', 'a name such as @daily'],
		['@daily @hourly', 'a name such as @daily'],
		['@toString', 'a name such as @daily'],
		['60 * * * *', 'minute: got value 60 expected range 0-59'],
		['0 24 * * *', 'hour: got value 24 expected range 0-23'],
		['0 0 0 * *', 'day: got value 0 expected range 1-31'],
		['0 0 * 13 *', 'month: got value 13 expected range 1-12'],
		['0 0 * * 8', 'weekday: got value 8 expected range 0-7'],
		['60 0 0 * * *', 'second: got value 60 expected range 0-59'],
		['30-10 * * * *', 'minute: invalid range: 30-10'],
		['*/0 * * * *', 'minute: cannot repeat at every 0 time'],
		['*/90 * * * *', 'minute: a step of 90 is more than there are; use "every" instead'],
		['1,,2 * * * *', 'minute: not a value, range, step or list: "1,,2"'],
		['1.5 * * * *', 'minute: not a value'],
		['1-2-3 * * * *', 'minute: not a value'],
		['-1 * * * *', 'minute: not a value'],
		['5,5 * * * *', 'minute: duplicate values found: 5'],
		['0 0 * foo *', 'month: cannot resolve alias "foo"'],
		// cron-parser reads these: as December, as the 12th month, as any two digits, as days that never come.
		['0 0 * janfeb *', 'month: not a value'],
		['0 0 * 1feb *', 'month: not a value'],
		['HH * * * *', 'minute: no H; jitter spreads the nodes'],
		['0,H * * * *', 'minute: no H'],
		['H(0-5) * * * *', 'minute: no H'],
		['0 0 * * SUNH', 'weekday: no H'],
		['0 0 * * 5#1.5', 'weekday: not a value'],
		['0 0 * * *#2', 'weekday: not a value'],
		['0 0 * * 1#6', 'weekday: not a value'],
		['0 0 * * L', 'weekday: not a value'],
		['0 0 L-2 * *', 'day: not a value'],
		['0 0 15W * *', 'day: not a value'],
		['0 0 30 2 *', 'invalid explicit day of month definition'],
		['0 0 31 4,6 *', 'invalid explicit day of month definition'],
	])('%j', (expression, problem) => {
		expect(refusalOf(expression)).toContain(problem);
	});

	test('every field that is wrong is told at once', () => {
		expect(refusalOf('60 25 0 13 9')).toBe(
			'expected a cron expression (minute: got value 60 expected range 0-59; hour: got value 25 expected range 0-23; ' +
				'day: got value 0 expected range 1-31; month: got value 13 expected range 1-12; ' +
				'weekday: got value 9 expected range 0-7), got "60 25 0 13 9"',
		);
	});

	test('a long text is not repeated', () => {
		expect(refusalOf(`${'9'.repeat(100_000)} * * * *`).length).toBeLessThan(300);
		expect(refusalOf('x'.repeat(100_000)).length).toBeLessThan(300);
		expect(refusalOf(`${'1,'.repeat(600)}1 * * * *`).length).toBeLessThan(500);
	});
});

function refusalOf(expression: string): string {
	try {
		parseCron(expression);
	} catch (error) {
		expect(isStewardError(error, 'invalid')).toBe(true);
		return messageOf(error);
	}
	return '';
}
