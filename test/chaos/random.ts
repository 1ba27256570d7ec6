/**
 * Owns chance in chaos runs: everything is drawn from one seed.
 * Promises the same numbers for the same seed, and streams that do not disturb each other.
 * Pure.
 */

export type Random = {
	/** [0, 1). */
	next(): number;
	/** An integer from `from` to `to`, both included. */
	between(from: number, to: number): number;
	pick<Item>(items: readonly Item[]): Item;
	/** One of them, the more often the more it weighs. */
	weighted<Item>(items: readonly (readonly [item: Item, weight: number])[]): Item;
	/** True with this probability. */
	chance(probability: number): boolean;
	/** Another stream of numbers, told by its name. */
	fork(name: string): Random;
};

/** Mulberry32. */
export function randomFrom(seed: number): Random {
	let state = seed | 0;
	const next = () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
	return {
		next,
		between,
		pick(items) {
			const item = items[between(0, items.length - 1)];
			if (item === undefined) throw new RangeError('nothing to pick from');
			return item;
		},
		weighted(items) {
			let rest = next() * items.reduce((sum, [, weight]) => sum + weight, 0);
			for (const [item, weight] of items) {
				rest -= weight;
				if (rest < 0) return item;
			}
			throw new RangeError('nothing to pick from');
		},
		chance: (probability) => next() < probability,
		fork: (name) =>
			randomFrom(
				[...name].reduce(
					(hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193),
					seed ^ 0x811c9dc5,
				),
			),
	};
}
