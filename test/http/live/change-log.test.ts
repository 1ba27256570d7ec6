import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChangeLog } from '../../../src/http/live/change-log.ts';

const steps = fc.array(
	fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), ahead: fc.integer({ min: -3, max: 6 }) }),
	{ maxLength: 300 },
);

/** Each change has a sequence of its own; some are told after later ones. */
function changesOf(some: readonly { readonly key: string; readonly ahead: number }[]) {
	const used = new Set<number>();
	let newest = 0;
	return some.flatMap(({ key, ahead }) => {
		const seq = newest + ahead;
		if (seq < 1 || used.has(seq)) return [];
		used.add(seq);
		newest = Math.max(newest, seq);
		return [{ key, seq }];
	});
}

test('says what changed between two sequences, each key once, by its last change', () => {
	fc.assert(
		fc.property(steps, fc.nat(400), fc.nat(400), (some, after, span) => {
			const log = new ChangeLog();
			const latest = new Map<string, number>();
			for (const { key, seq } of changesOf(some)) {
				log.note(key, seq);
				latest.set(key, Math.max(seq, latest.get(key) ?? 0));
			}
			const upTo = after + span;
			const expected = [...latest]
				.filter(([, seq]) => seq > after && seq <= upTo)
				.sort(([, a], [, b]) => a - b);
			const said = log.between(after, upTo, Number.POSITIVE_INFINITY);
			expect(said.keys).toEqual(expected.map(([key]) => key));
			expect(said.through).toBe(upTo);
		}),
	);
});

test('parts of the way are together the whole of it, with nothing twice', () => {
	fc.assert(
		fc.property(steps, fc.integer({ min: 1, max: 4 }), (some, most) => {
			const log = new ChangeLog();
			const changes = changesOf(some);
			for (const { key, seq } of changes) log.note(key, seq);
			const upTo = Math.max(0, ...changes.map(({ seq }) => seq));
			const heard: string[] = [];
			for (let at = 0; at < upTo; ) {
				const { keys, through } = log.between(at, upTo, most);
				expect(keys.length).toBeLessThanOrEqual(most);
				expect(through).toBeGreaterThan(at);
				heard.push(...keys);
				at = through;
			}
			expect(heard).toEqual(log.between(0, upTo, Number.POSITIVE_INFINITY).keys);
			expect(new Set(heard).size).toBe(heard.length);
		}),
	);
});

test('what is forgotten is not said, and said again when it changes again', () => {
	const log = new ChangeLog();
	log.note('a', 1);
	log.note('b', 2);
	log.forget('a');
	expect(log.between(0, 9, 9).keys).toEqual(['b']);
	log.note('a', 3);
	expect(log.between(0, 9, 9).keys).toEqual(['b', 'a']);
	log.clear();
	expect(log.between(0, 9, 9).keys).toEqual([]);
});

test('holds as much as there are keys, however often they change', () => {
	const log = new ChangeLog();
	for (let seq = 1; seq <= 100_000; seq++) log.note(`key ${seq % 10}`, seq);
	expect(log.size).toBe(10);
	expect(log.distance(0, 100_000)).toBeLessThan(1200);
	expect(log.between(99_990, 100_000, 100).keys).toHaveLength(10);
});

test('much that is told after later ones costs no more than what is told in order', () => {
	const log = new ChangeLog();
	const before = process.cpuUsage();
	for (let seq = 100_001; seq <= 200_000; seq++) log.note(`key ${seq}`, seq);
	for (let seq = 1; seq <= 100_000; seq++) log.note(`key ${seq}`, seq);
	const { keys, through } = log.between(99_990, 100_010, 100);
	expect(keys).toEqual(Array.from({ length: 20 }, (_, place) => `key ${99_991 + place}`));
	expect(through).toBe(100_010);
	const { user, system } = process.cpuUsage(before);
	// Passing over all later ones each time took minutes.
	expect((user + system) / 1000).toBeLessThan(5000);
});
