import { describe, expect, test } from 'vitest';
import {
	errorCodes,
	isStewardError,
	messageOf,
	StewardError,
	systemCodeOf,
	unreachable,
} from '../../src/base/errors.ts';

describe('an error of ours', () => {
	test('is known by its code, and keeps cause and facts', () => {
		const cause = new Error('below');
		const error = new StewardError('no-broker', 'start one', { cause, details: { url: 'x' } });
		expect(error).toMatchObject({ name: 'StewardError', code: 'no-broker', message: 'start one', cause });
		expect(error.details).toEqual({ url: 'x' });
		expect(isStewardError(error)).toBe(true);
		expect(isStewardError(error, 'no-broker')).toBe(true);
		for (const other of errorCodes.filter((code) => code !== 'no-broker')) {
			expect(isStewardError(error, other)).toBe(false);
		}
	});

	test('has no cause where none is given', () => {
		expect('cause' in new StewardError('usage', 'x')).toBe(false);
		expect(new StewardError('usage', 'x').details).toEqual({});
	});

	test('is not anything else with a code', () => {
		for (const other of [undefined, null, 'usage', { code: 'usage' }, new Error('usage')]) {
			expect(isStewardError(other)).toBe(false);
		}
	});
});

test('anything that is thrown has a message', () => {
	expect([new Error('a'), 'b', 7, null, undefined].map(messageOf)).toEqual([
		'a',
		'b',
		'7',
		'null',
		'undefined',
	]);
});

test('a system’s code is a text, or there is none', () => {
	expect(systemCodeOf(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('ENOENT');
	for (const other of [undefined, null, 'ENOENT', new Error('x'), { code: 7 }]) {
		expect(systemCodeOf(other)).toBeUndefined();
	}
});

test('what cannot be reached says with what it was', () => {
	expect(() => unreachable('surprise' as never)).toThrow('"surprise"');
});
