/**
 * Owns the arithmetic of a run: medians with their spread, ratios of rounds, and whether a target is met.
 * Promises that a ratio compares what was measured in the same round, and that what was not measured is never met.
 * Pure.
 */

/** @returns The middle one, of an even number the mean of the middle two; undefined of none. */
export function median(values) {
	const sorted = values.toSorted((a, b) => a - b);
	const half = sorted.length >> 1;
	return sorted.length % 2 === 1
		? sorted[half]
		: sorted.length === 0
			? undefined
			: (sorted[half - 1] + sorted[half]) / 2;
}

/** @param values One a round, undefined where the round failed. */
export function summaryOf(values) {
	const taken = values.filter((value) => value !== undefined);
	if (taken.length === 0) return undefined;
	return { median: median(taken), min: Math.min(...taken), max: Math.max(...taken), rounds: taken.length };
}

/** The median of one's rounds divided by another's; undefined where no round has both. */
export function ratioOf(values, others) {
	const ratios = values.flatMap((value, round) =>
		value === undefined || others[round] === undefined ? [] : [value / others[round]],
	);
	return median(ratios);
}

/**
 * @param target `{ work, figure, least | most, of? }`: at least or at most so much, or so many times what the peer `of` reaches.
 * @param valuesOf The rounds of a work's figure of a peer.
 * @returns `value` undefined and `met` false where it was not measured; `alone`: what the messages of steward's way reach by
 * themselves, undefined where they were not measured, and whether that would do.
 */
export function judge(target, valuesOf) {
	const { work, figure, least, most, of } = target;
	const reachedBy = (peer) => {
		const own = valuesOf(work, figure, peer);
		return of === undefined ? summaryOf(own)?.median : ratioOf(own, valuesOf(work, figure, of));
	};
	const isMetBy = (value) =>
		value !== undefined && (least === undefined || value >= least) && (most === undefined || value <= most);
	const [value, alone] = ['steward', 'protocol'].map(reachedBy);
	return {
		...target,
		value,
		alone,
		met: isMetBy(value),
		isWithinReach: alone === undefined || isMetBy(alone),
	};
}
