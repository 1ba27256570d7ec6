/**
 * Owns noticing nodes that say more than they should: what the centre reads of each, by subject, counted over spans of time.
 * Promises that one who goes on for three spans is told of in the log and where the node stands, and that it is taken back when it is
 * quiet again. It stops nobody: the broker's limits of the account do, as far as they go. Soft: a new leader counts anew.
 */

import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { isNodeName } from '../domain/names.ts';
import type { Standings } from '../jetstream/standings.ts';
import type { CentreIndex } from './index.ts';

/** Subject families that the centre reads, and which token names who said it. */
const tokenOf = { claim: 2, report: 2, intake: 3, state: 2 } as const;
/** After a long absence a ship may have much to say. */
const spansUntilLoud = 3;

export type UplinkWatchOptions = {
	index: Pick<CentreIndex, 'standings'>;
	standings: Pick<Standings, 'change'>;
	/** Messages a second, of one node, which are too many. */
	loudPerSecond: number;
	monotonic: () => number;
	serverNow: () => number;
	log: Log;
};

export class UplinkWatch {
	readonly #options: UplinkWatchOptions;
	readonly #counts = new Map<string, number>();
	/** For how many spans each was too loud. */
	readonly #spans = new Map<string, number>();
	#since: number;

	constructor(options: UplinkWatchOptions) {
		this.#options = options;
		this.#since = options.monotonic();
	}

	/** Something was read from the uplink. */
	note(subject: string): void {
		const tokens = subject.split('.', 5);
		const family = tokens[1] ?? '';
		const node = family in tokenOf ? (tokens[tokenOf[family as keyof typeof tokenOf]] ?? '') : '';
		if (isNodeName(node)) this.#counts.set(node, (this.#counts.get(node) ?? 0) + 1);
	}

	/** Ends a span; answers how many nodes are told of, or taken back. */
	async runOnce(): Promise<number> {
		const { index, loudPerSecond, monotonic } = this.#options;
		const now = monotonic();
		const seconds = Math.max(0.001, (now - this.#since) / 1000);
		this.#since = now;
		const rates = new Map([...this.#counts].map(([node, count]) => [node, Math.round(count / seconds)]));
		this.#counts.clear();
		const said: Promise<void>[] = [];
		for (const node of [...this.#spans.keys()]) {
			if ((rates.get(node) ?? 0) < loudPerSecond) this.#spans.delete(node);
		}
		for (const [node, perSecond] of rates) {
			if (perSecond < loudPerSecond) continue;
			const spans = (this.#spans.get(node) ?? 0) + 1;
			this.#spans.set(node, spans);
			if (spans >= spansUntilLoud) said.push(this.#say(node, perSecond));
		}
		for (const [node, { loud }] of index.standings) {
			if (loud && !this.#spans.has(node)) said.push(this.#say(node, null));
		}
		await Promise.all(said);
		return said.length;
	}

	async #say(node: string, perSecond: number | null): Promise<void> {
		const { standings, serverNow, log } = this.#options;
		if (perSecond === null) log.info({ node }, 'it is no longer too loud');
		else
			log.error(
				{ node, perSecond },
				'a node says far more than it should: look what runs there, or take its credentials away (steward revoke)',
			);
		try {
			const loud = perSecond === null ? null : { perSecond, at: serverNow() };
			await standings.change(node, (standing) => ({ ...standing, loud }));
		} catch (error) {
			log.warn({ node, err: messageOf(error) }, 'how loud a node is could not be written down');
		}
	}
}
