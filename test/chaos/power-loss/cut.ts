/**
 * Owns the moment in which the power goes: a place in the broker's trace, and the same moment in the node's.
 * Promises a cut that could have been: whatever the node had seen of the broker by then, the broker had done.
 * Pure. `places` draws moments: half of them anywhere, half right after a promise, when it has had no time to become safe.
 */

import type { Random } from '../random.ts';
import type { Disk } from './disk.ts';
import type { Promised } from './promises.ts';
import type { Recording } from './recording.ts';
import { replay } from './replay.ts';
import { placeAt, type Trace } from './trace.ts';

export type Cut = {
	readonly place: number;
	readonly nodePlace: number;
	readonly broker: Disk;
	readonly node: Disk;
};

/** The cut at a place of the broker's trace, or of the node's. */
export function cutAt({ broker, node }: Recording, at: { place: number } | { nodePlace: number }): Cut {
	// What happens at the place itself has not happened: at the other side, a microsecond earlier is the last that has.
	const time = (trace: Trace, place: number) => (trace.times[place] ?? Number.POSITIVE_INFINITY) - 1;
	const place = 'place' in at ? at.place : placeAt(broker.trace, time(node.trace, at.nodePlace));
	const nodePlace = 'nodePlace' in at ? at.nodePlace : placeAt(node.trace, time(broker.trace, at.place));
	return {
		...{ place, nodePlace },
		broker: replay(broker.trace, place, broker),
		node: replay(node.trace, nodePlace, { ...node, mayMap: /\/lock\.mdb$/ }),
	};
}

export function places(
	recording: Recording,
	promised: readonly Promised[],
	random: Random,
	count: number,
): number[] {
	const first = promised[0]?.place ?? 0;
	const last = recording.broker.trace.steps.length;
	return Array.from({ length: count }, (_, n) =>
		n % 2 === 0 ? random.pick(promised).place + 1 : random.between(first, last),
	);
}
