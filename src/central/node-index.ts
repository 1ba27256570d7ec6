/**
 * Owns what the centre's index knows of nodes: their last words, and where they stand.
 * Promises that `serving` has those that are not out of service, at every moment.
 * Soft state: a restart reads it again.
 */

import { type NodeRecord, nodeRecordSchema } from '../domain/node-state.ts';
import type { Standing } from '../domain/standing.ts';
import { buckets } from '../domain/subject.ts';
import { decode } from '../domain/wire.ts';
import { isMarker, keyOf } from '../jetstream/bucket.ts';
import type { Followed } from '../jetstream/follow.ts';
import { nodeOfStanding, standingOf } from '../jetstream/standings.ts';

export class NodeIndex {
	readonly nodes = new Map<string, NodeRecord>();
	readonly serving = new Map<string, NodeRecord>();
	readonly standings = new Map<string, Standing>();
	/** Of the last word about each. */
	readonly seqs = new Map<string, number>();

	/** Answers which node it is about. */
	take(message: Followed): string {
		const key = keyOf(buckets.nodes, message.subject);
		const gone = isMarker(message.header);
		const node = nodeOfStanding(key) ?? key;
		this.seqs.set(node, message.seq);
		if (node !== key) this.standings.set(node, standingOf({ value: message.data, gone }));
		else {
			const record = gone ? undefined : decode(nodeRecordSchema, message.data);
			if (record) this.nodes.set(node, record);
			else this.nodes.delete(node);
		}
		const known = this.nodes.get(node);
		if (known && !this.standings.get(node)?.decommissioned) this.serving.set(node, known);
		else this.serving.delete(node);
		return node;
	}

	clear(): void {
		for (const map of [this.nodes, this.serving, this.standings, this.seqs]) map.clear();
	}
}
