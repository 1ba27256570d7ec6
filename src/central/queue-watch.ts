/**
 * Owns saying that a node's queue is full, and that it has room again.
 * Promises that every sender learns it from what it reads anyway. It is said within a quarter of a second, so that as much more as
 * is sent in that time, and what is under way then, still gets in; while no centre leads, it stays as it was said last.
 * Soft: a new leader looks anew.
 */

import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Standings } from '../jetstream/standings.ts';
import type { CentreIndex } from './index.ts';

export type QueueWatchOptions = {
	index: Pick<CentreIndex, 'waiting' | 'later' | 'standings' | 'isComplete'>;
	standings: Pick<Standings, 'change'>;
	/** Commands that may wait for one node. */
	maxQueued: number;
	serverNow: () => number;
	log: Log;
};

/** There is room again below this part of the limit. */
const enough = 0.9;

export class QueueWatch {
	readonly #options: QueueWatchOptions;

	constructor(options: QueueWatchOptions) {
		this.#options = options;
	}

	/** Answers of how many nodes it said something else than before. */
	async runOnce(): Promise<number> {
		const { index, maxQueued } = this.#options;
		if (!index.isComplete) return 0;
		const full = new Set<string>();
		const look = (node: string, count: number) => {
			// Nearly all of thousands of nodes are far from it, and are asked after nothing else.
			if (count < enough * maxQueued) return;
			const isKnown = index.standings.get(node)?.full != null;
			if (isKnown || count >= maxQueued) full.add(node);
		};
		for (const [node, { size }] of index.waiting) look(node, size + index.later.countOf(node));
		for (const node of index.later.nodes())
			if (!index.waiting.has(node)) look(node, index.later.countOf(node));
		const changed = [...full].filter((node) => index.standings.get(node)?.full?.limit !== maxQueued);
		for (const [node, standing] of index.standings) if (standing.full && !full.has(node)) changed.push(node);
		await Promise.all(changed.map((node) => this.#say(node, full.has(node))));
		return changed.length;
	}

	async #say(node: string, isFull: boolean): Promise<void> {
		const { standings, maxQueued: limit, serverNow, log } = this.#options;
		try {
			await standings.change(node, (standing) =>
				isFull === (standing.full !== null) && standing.full?.limit === (isFull ? limit : undefined)
					? standing
					: { ...standing, full: isFull ? { limit, since: serverNow() } : null },
			);
			if (isFull) log.warn({ node, limit }, 'its queue is full: more is refused');
			else log.info({ node }, 'its queue has room again');
		} catch (error) {
			log.warn({ node, err: messageOf(error) }, 'that its queue is full could not be said yet');
		}
	}
}
