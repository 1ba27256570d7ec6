import { expect, test } from 'vitest';
import { neutralise, oneLine } from '../../src/base/text.ts';
import { truncate } from '../../src/cli/render/screen.ts';
import { keptScreen } from '../support/screen.ts';

test('colours reach a terminal only, and none where NO_COLOR is set or the terminal is dumb', () => {
	expect(keptScreen({ columns: 80, env: {} }).paint('red', 'x')).toBe('\u001b[31mx\u001b[39m');
	expect(keptScreen({ columns: 80, env: { NO_COLOR: '' } }).paint('red', 'x')).not.toBe('x');
	expect(keptScreen({ columns: 80, env: { NO_COLOR: '1' } }).paint('red', 'x')).toBe('x');
	expect(keptScreen({ columns: 80, env: { TERM: 'dumb' } }).paint('red', 'x')).toBe('x');
	expect(keptScreen({ env: {} }).paint('red', 'x')).toBe('x');
});

test('a terminal without a size counts as 80 wide, a pipe as endless', () => {
	expect(keptScreen({ columns: 0 }).columns).toBe(80);
	expect(keptScreen().columns).toBe(Number.POSITIVE_INFINITY);
});

test('what steers a terminal is shown as an escape; newline and tab stay', () => {
	expect(neutralise('a\u001b[2Jb\tc\r\nd\re\u0007\u009b\u202e')).toBe(
		'a\\u001b[2Jb\tc\nd\\re\\u0007\\u009b\\u202e',
	);
});

test('one line stays one line', () => {
	expect(oneLine('a\nb\tc\u001b')).toBe('a\\nb\\tc\\u001b');
});

test('what is cut ends with …, and whole characters stay whole', () => {
	expect(truncate('hello', 5)).toBe('hello');
	expect(truncate('hello', 4)).toBe('hel…');
	expect(truncate('😀😀😀', 2)).toBe('😀…');
	expect(truncate('hello', 0)).toBe('');
});
