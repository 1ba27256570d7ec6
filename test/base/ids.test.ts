import { describe, expect, test } from 'vitest';
import { contentDigest, derivedId, fnv1a, randomToken, ulidFactory } from '../../src/base/ids.ts';
import { idPattern } from '../../src/domain/names.ts';

describe('new ids', () => {
	test('sort by time, also within one millisecond and when the clock jumps back', () => {
		let now = Date.UTC(2026, 0, 1);
		const next = ulidFactory(() => now);
		const ids: string[] = [];
		for (const jump of [0, 0, 0, 5, 0, -10_000, 0, 20_000]) {
			now += jump;
			ids.push(next());
		}
		expect([...ids].sort()).toEqual(ids);
		expect(new Set(ids).size).toBe(ids.length);
		for (const id of ids) expect(id).toMatch(idPattern);
	});

	test('of two factories never meet', () => {
		const makers = [ulidFactory(() => 0), ulidFactory(() => 0)];
		const ids = makers.flatMap((next) => Array.from({ length: 100 }, next));
		expect(new Set(ids).size).toBe(ids.length);
	});

	test('tokens are names, and differ', () => {
		const tokens = Array.from({ length: 100 }, randomToken);
		expect(new Set(tokens).size).toBe(100);
		for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{16}$/);
	});
});

describe('derived ids', () => {
	test('are the same for the same parts, in every version of the program', () => {
		expect(derivedId('intake', 7)).toBe(derivedId('intake', 7));
		// Written down: a change of it would run what was accepted before an upgrade a second time.
		expect(derivedId('intake', 7)).toBe('Txh9FzED6drsP-uSsrqxg3b1--');
	});

	test('are ids', () => {
		for (const parts of [[], [''], ['a.b', '*'], ['x'.repeat(10_000), 1e21]]) {
			expect(derivedId(...parts)).toMatch(/^[A-Za-z0-9_-]{26}$/);
			expect(derivedId(...parts)).toMatch(idPattern);
		}
	});

	test('differ where any part differs, also in its kind and its borders', () => {
		const ids = [
			derivedId(),
			derivedId(''),
			derivedId('a'),
			derivedId('a', 'b'),
			derivedId('ab'),
			derivedId('b', 'a'),
			derivedId('a', ''),
			derivedId('1'),
			derivedId(1),
			derivedId('a","b'),
		];
		expect(new Set(ids).size).toBe(ids.length);
	});
});

describe('FNV-1a', () => {
	test('is that of the bytes', () => {
		expect(['', 'foobar', 'ship1', 'Schiff-ü', 'ü'].map(fnv1a)).toEqual([
			...[0x811c9dc5, 0xbf9cf968, 2_598_231_498, 879_257_180, 295_556_170],
		]);
	});
});

describe('the digest of content', () => {
	test('does not depend on the order of fields, at any depth', () => {
		expect(contentDigest({ a: 1, b: [{ c: 2, d: { e: 3, f: 4 } }] })).toBe(
			contentDigest({ b: [{ d: { f: 4, e: 3 }, c: 2 }], a: 1 }),
		);
	});

	test('is the same in every version of the program, whatever is sent again after an upgrade', () => {
		const content = {
			z: [1, 'ä', null, { b: undefined, a: true }],
			A: {},
			'\ud83d\ude00': 1e21,
			'\uff5e': '\u2028',
		};
		expect(contentDigest(content)).toBe('svZMorYEzODcQnJql4j9H87x24oUKUDclER76QQiaIk');
	});

	test('is that of the JSON that travels: what JSON drops makes no difference', () => {
		for (const value of [
			{ a: 1, b: undefined },
			{ list: [undefined, 1] },
			{ d: [null] },
			{ text: 'ä\u2028"\\' },
			[],
			{},
			'',
			0,
			-0,
			1e21,
			null,
		]) {
			expect(contentDigest(JSON.parse(JSON.stringify(value)))).toBe(contentDigest(value));
		}
	});

	test('differs where the content differs', () => {
		const digests = [
			{ a: 1 },
			{ a: '1' },
			{ b: 1 },
			{ a: [1] },
			{ a: null },
			{ a: { b: 1 } },
			{ 'a":1,"b': 1 },
			{ a: 1, b: 1 },
			[1, 2],
			[2, 1],
			[[1], 2],
			[],
			{},
			null,
			'',
			'null',
			false,
			0,
		].map(contentDigest);
		expect(new Set(digests).size).toBe(digests.length);
	});
});
