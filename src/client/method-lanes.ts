/**
 * Owns what a fleet remembers of nodes for a few seconds: the lanes that their methods ask for, where a sender names none.
 * Promises that nobody asks for this alone: it comes with presence.
 * Soft: what is forgotten is read again; a default that was not known in time changes the lane of a command, never its identity.
 */

import type { Clock } from '../base/clock.ts';
import type { CommandLane } from '../domain/names.ts';
import { laneOfMethod, type NodeRecord } from '../domain/node-state.ts';

/** Longer, and a node that was given another module is not believed; shorter, and senders in a row wait for each other. */
const keptMs = 5000;
/** Then all are forgotten: a fleet that is larger asks more often. */
const mostNodes = 10_000;

type Remembered = { readonly until: number; readonly record: NodeRecord | undefined };

export class MethodLanes {
	readonly #clock: Clock;
	readonly #remembered = new Map<string, Remembered>();

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** The default of a node's method; undefined where it has none, or nothing is known of the node. */
	of(node: string, method: string, readRecord: () => NodeRecord | undefined): CommandLane | undefined {
		const record = this.#recall(node) ?? this.#learn(node, readRecord);
		return record.record && laneOfMethod(record.record.state, method);
	}

	#recall(node: string): Remembered | undefined {
		const remembered = this.#remembered.get(node);
		return remembered && this.#clock.monotonic() < remembered.until ? remembered : undefined;
	}

	#learn(node: string, readRecord: () => NodeRecord | undefined): Remembered {
		const record = readRecord();
		if (this.#remembered.size >= mostNodes) this.#remembered.clear();
		const remembered = { until: this.#clock.monotonic() + keptMs, record };
		this.#remembered.set(node, remembered);
		return remembered;
	}
}
