import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatPosition, isWithin, markOf, parsePosition } from '../../../src/http/live/position.ts';

const lives = { own: markOf('made then'), presence: markOf('begun then') };
const dead = fc.record({ life: fc.nat(), seq: fc.nat(), removed: fc.nat() });
const seq = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const positions = fc.record({
	...{ expired: seq, ledger: seq, nodes: seq, presence: fc.nat({ max: 2 ** 40 }), schedules: seq, left: seq },
	shards: fc.array(fc.nat({ max: 2 ** 40 }), { minLength: 16, maxLength: 16 }),
	dead,
});
const some = {
	expired: 5,
	ledger: 40,
	nodes: 3,
	presence: 7,
	schedules: 0,
	shards: [12, 1],
	left: 8,
	dead: { life: 9, seq: 4, removed: 1 },
};

test('what is written is read', () => {
	const small = fc.record({
		...{
			expired: fc.nat(),
			ledger: fc.nat(),
			nodes: fc.nat(),
			presence: fc.nat(),
			schedules: fc.nat(),
			left: fc.nat(),
		},
		shards: fc.array(fc.nat(), { minLength: 2, maxLength: 2 }),
		dead,
	});
	fc.assert(
		fc.property(small, (position) => {
			expect(parsePosition(formatPosition(lives, position), lives, 2)).toEqual(position);
		}),
	);
});

test('of sequences that no stream reaches none is taken for another', () => {
	fc.assert(
		fc.property(positions, (position) => {
			const read = parsePosition(formatPosition(lives, position), lives, 16);
			if (read) expect(read).toEqual(position);
		}),
	);
});

test('presence that has begun anew comes after all that was seen, and so it does before it was told', () => {
	const restarted = { ...lives, presence: markOf('begun again') };
	const text = formatPosition(lives, some);
	expect(parsePosition(text, restarted, 2)).toEqual({ ...some, presence: -1 });
	const again = formatPosition(restarted, { ...some, presence: -1 });
	expect(parsePosition(again, restarted, 2)).toEqual({ ...some, presence: -1 });
});

test.each([
	['nothing', ''],
	['a path', '../../etc/passwd'],
	['another fleet', formatPosition({ ...lives, own: markOf('another') }, some)],
	['too few sequences', formatPosition(lives, { ...some, shards: [12] })],
	['too many sequences', formatPosition(lives, { ...some, shards: [12, 1, 1] })],
	['a number that is none', `${lives.own}.${lives.presence}.1.2.-3.4.5.6.7.8.9.10.11`],
	['a larger number than there is', `${lives.own}.${lives.presence}.1.zzzzzzzzzzzzzz.3.4.5.6.7.8.9.10.11`],
	['more text than a position has', `${lives.own}.${lives.presence}${'.1'.repeat(5000)}`],
	['a line break', `${formatPosition(lives, some)}\nevent: hello`],
	['capital letters', formatPosition(lives, some).toUpperCase().replace(/^/, 'A')],
])('is no position: %s', (_what, text) => {
	expect(parsePosition(text, lives, 2)).toBeUndefined();
});

test('one is within another where no stream of it is further', () => {
	expect(isWithin(some, some)).toBe(true);
	expect(isWithin({ ...some, expired: 6 }, some)).toBe(true);
	expect(isWithin({ ...some, left: 9 }, some)).toBe(true);
	expect(isWithin({ ...some, dead: { life: 1, seq: 90, removed: 90 } }, some)).toBe(true);
	expect(isWithin(some, { ...some, ledger: 41, shards: [12, 2] })).toBe(true);
	for (const ahead of [
		{ ledger: 41 },
		{ nodes: 4 },
		{ presence: 8 },
		{ schedules: 1 },
		{ shards: [12, 2] },
	]) {
		expect(isWithin({ ...some, ...ahead }, some)).toBe(false);
	}
});
