/**
 * Owns which nodes are offered for what somebody types.
 * Promises the exact name first, then those that begin with it, then those that have it anywhere, and a name that nobody has seen last.
 * Pure.
 */

import { isNodeName, nodeNameRule } from '../../../domain/names.ts';
import type { NodeRow } from '../../../domain/row-schema.ts';

export type Offer = {
	readonly name: string;
	/** undefined: nobody has heard of it. */
	readonly row: NodeRow | undefined;
	/** Why it is no name; undefined where it is one. */
	readonly problem: string | undefined;
};

const most = 8;

export function suggestNodes(
	known: ReadonlyMap<string, NodeRow>,
	text: string,
	taken: readonly string[],
): readonly Offer[] {
	const typed = text.trim();
	const wanted = typed.toLowerCase();
	const [begins, has]: [Offer[], Offer[]] = [[], []];
	for (const [name, row] of known) {
		if (taken.includes(name) || row.decommissioned || name === typed) continue;
		const at = name.toLowerCase().indexOf(wanted);
		if (at < 0) continue;
		const rank = at === 0 ? begins : has;
		if (rank.length < most) rank.push({ name, row, problem: undefined });
	}
	const exact = known.get(typed);
	const first = exact && !taken.includes(typed) ? [{ name: typed, row: exact, problem: undefined }] : [];
	const offers = [...first, ...begins, ...has].slice(0, most);
	if (typed === '' || exact || taken.includes(typed)) return offers;
	const problem = isNodeName(typed) ? undefined : `expected ${nodeNameRule}`;
	const own = { name: typed, row: undefined, problem };
	// What begins with it is likelier meant, unless it is a name of its own by its end.
	return offers.length > 0 ? [...offers.slice(0, most - 1), own] : [own];
}
