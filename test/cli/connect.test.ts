import { expect, test } from 'vitest';
import { authorFrom } from '../../src/cli/connect.ts';

test('who asks is the login name: bounded, without controls, and operator where there is none', () => {
	expect(authorFrom({ USER: 'ann', LOGNAME: 'bob' })).toBe('ann');
	expect(authorFrom({ USER: '', LOGNAME: 'bob' })).toBe('bob');
	expect(authorFrom({})).toBe('operator');
	expect(authorFrom({ USER: ' \u001b\u202e\n ' })).toBe('operator');
	expect(authorFrom({ USER: 'an\u001b[2Jn\u0000' })).toBe('an[2Jn');
	expect(authorFrom({ USER: 'é'.repeat(100) })).toBe('é'.repeat(64));
});
