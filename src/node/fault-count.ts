/**
 * Owns what one event says of many faults: how often, since when, and the newest of them in its own words.
 * Promises that joining loses no count.
 * Pure.
 */

import type { FaultKind } from '../supervision/error-kernel.ts';

/** Faults of one place, or of several. Times are the node's own, milliseconds. */
export type FaultCount = {
	/** When the newest was. */
	readonly at: number;
	/** When the oldest was. */
	readonly since: number;
	/** Kind of the newest. */
	readonly code: FaultKind;
	/** Place of the newest. */
	readonly where: string;
	/** Words of the newest. */
	readonly message: string;
	/** How many there were, in all. */
	readonly count: number;
	/** The command of the newest. */
	readonly handle?: string;
	/** Where there were several: each kind and place with its count, the most frequent first, and no more than a few. */
	readonly places?: readonly PlaceCount[];
};

type PlaceCount = { readonly code: FaultKind; readonly where: string; readonly count: number };

const mostPlacesSaid = 16;

/** One for all of them; there is at least one. */
export function joinCounts(counts: readonly FaultCount[]): FaultCount {
	const newest = counts.reduce((a, b) => (b.at >= a.at ? b : a));
	const { places: _, ...rest } = newest;
	const places = placesOf(counts);
	return {
		...rest,
		since: Math.min(...counts.map(({ since }) => since)),
		count: counts.reduce((sum, { count }) => sum + count, 0),
		...(places.length > 1 ? { places: places.slice(0, mostPlacesSaid) } : {}),
	};
}

function placesOf(counts: readonly FaultCount[]): PlaceCount[] {
	const places = new Map<string, PlaceCount>();
	for (const one of counts.flatMap((each): readonly PlaceCount[] => each.places ?? [each])) {
		const { code, where } = one;
		const key = `${code} ${where}`;
		places.set(key, { code, where, count: one.count + (places.get(key)?.count ?? 0) });
	}
	return [...places.values()].sort((a, b) => b.count - a.count);
}
