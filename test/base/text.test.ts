import { expect, test } from 'vitest';
import { counted, cutText, firstFew } from '../../src/base/text.ts';

test('a text that is too long is cut, and says how long it was', () => {
	expect(cutText('abc', 3)).toBe('abc');
	expect(cutText('abcd', 3)).toBe('abc… (cut: 4 characters)');
});

test('a text that is cut again says how long it was at first, and is cut no further by the same bound', () => {
	const once = cutText('x'.repeat(5000), 3000);
	expect(cutText(once, 3000)).toBe(once);
	expect(cutText(once, 10)).toBe(`${'x'.repeat(10)}… (cut: 5000 characters)`);
});

test('one is told as one, and thousands so that they can be read', () => {
	const told = [0, 1, 2, 12_345].map((number) => counted(number, 'command'));
	expect(told).toEqual(['0 commands', '1 command', '2 commands', '12,345 commands']);
	expect(counted(1, 'byte is', 'bytes are')).toBe('1 byte is');
});

test('of many the first few are named, and how many more there are', () => {
	const names = Array.from({ length: 1213 }, (_, place) => `ship${place}`);
	expect(firstFew(names.slice(0, 3), ', ', 3)).toBe('ship0, ship1, ship2');
	expect(firstFew(names, '; ', 2)).toBe('ship0; ship1; and 1,211 more');
	expect(firstFew([])).toBe('');
});
