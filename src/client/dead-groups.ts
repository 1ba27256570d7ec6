/**
 * Owns dead letters seen by their fault: how many have the same code, method and kind, of how many nodes, and since when.
 * Promises memory in the number of groups and of their nodes, however many letters there are.
 * Keeps nothing.
 */

import { rfc3339 } from '../base/clock.ts';
import type { LetterSummary } from '../domain/dead-letter.ts';
import type { DeadGroup } from '../domain/many-view-schema.ts';

export type { DeadGroup } from '../domain/many-view-schema.ts';

type Group = {
	latest: LetterSummary;
	count: number;
	replayable: number;
	readonly nodes: Set<string>;
};

export class LetterGroups {
	readonly #groups = new Map<string, Group>();

	add(letter: LetterSummary): void {
		const { node, kind, method, fault, at } = letter;
		const key = `${kind} ${method} ${fault.code}`;
		const group = this.#groups.get(key) ?? {
			...{ latest: letter, count: 0, replayable: 0 },
			nodes: new Set<string>(),
		};
		this.#groups.set(key, group);
		group.count += 1;
		group.nodes.add(node);
		if (at > group.latest.at) group.latest = letter;
		if (isReplayable(letter)) group.replayable += 1;
	}

	/** Most letters first. */
	list(): DeadGroup[] {
		return [...this.#groups.values()]
			.map(({ latest, count, nodes, replayable }) => ({
				...{ code: latest.fault.code, method: latest.method, kind: latest.kind },
				...{ message: latest.fault.message, count, nodes: nodes.size },
				...{ latestAt: rfc3339(latest.at), replayable },
			}))
			.sort((a, b) => b.count - a.count || (a.latestAt < b.latestAt ? 1 : -1));
	}
}

/** As far as its summary tells: what its message says is seen when it is sent. */
function isReplayable({ replayed, kept, holds, fault }: LetterSummary): boolean {
	const wasRefusedForSender = fault.code === 'untrusted' || fault.code === 'denied';
	return replayed === null && kept === 'whole' && holds !== 'statement' && !wasRefusedForSender;
}
