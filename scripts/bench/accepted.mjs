/**
 * Owns what the guard compares: which ratios, how far each may rise above what was last accepted, and whether it has.
 * Promises that what was not measured, or never accepted, does not hold. Pure.
 *
 * Processor time of all processes for one command, beside that of raw JetStream in the same run: it rises with what a command costs,
 * and little with what else the machine does. What only waits longer is not in it.
 */

export const guarded = [
	// How callers come together in batches is another thing each time.
	{ work: 'A', figure: '64 callers, processor', of: 'raw', tolerance: 0.8 },
	{ work: 'B', figure: 'processor', of: 'raw', tolerance: 0.25 },
	{ work: 'C', figure: 'processor', of: 'raw', tolerance: 0.12 },
	{ work: 'D', figure: 'processor', of: 'raw', tolerance: 0.25 },
];

export const keyOf = ({ work, figure, of }) => `${work}/${figure}/${of}`;

/** The least of the rounds' ratios: what else the machine does meets one round, a dearer command all of them. Undefined of none. */
export function leastRatio(values, others) {
	const ratios = values.map((value, round) => value / others[round]).filter(Number.isFinite);
	return ratios.length === 0 ? undefined : Math.min(...ratios);
}

/**
 * @param valuesOf The rounds of a work's figure of a peer.
 * @param accepted Ratios by their keys.
 * @returns Of each: `key`, `accepted`, `measured`, `most`, and `holds`; `isBetter` where it is as far below.
 */
export function compare(valuesOf, accepted) {
	return guarded.map((one) => {
		const { work, figure, of, tolerance } = one;
		const key = keyOf(one);
		const measured = leastRatio(valuesOf(work, figure, 'steward'), valuesOf(work, figure, of));
		const most = accepted[key] * (1 + tolerance);
		return {
			...{ key, work, accepted: accepted[key], measured, most },
			holds: measured <= most,
			isBetter: measured * (1 + tolerance) < accepted[key],
		};
	});
}

const digits = (value) => (value === undefined ? 'nothing' : value.toPrecision(3));

/** One sentence: the ratio, what was accepted, what was measured. */
export function sentenceOf({ key, accepted, measured, most, holds, isBetter }) {
	if (accepted === undefined) return `${key} was never accepted: npm run bench:guard -- --accept`;
	const facts = `${key} was accepted at ${digits(accepted)}, and is ${digits(measured)}`;
	if (measured === undefined) return `${facts}: it could not be measured`;
	if (!holds) return `${facts}: more than ${digits(most)}, so a command costs more than it did`;
	return isBetter ? `${facts}: accept the better one (npm run bench:guard -- --accept)` : facts;
}
