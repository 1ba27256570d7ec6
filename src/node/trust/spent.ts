/**
 * Owns the memory of which signed commands were started here, so that none is started again as if it were new.
 * Promises that a start is remembered with the start itself (one transaction), for as long as its signature may come again; and that
 * forgetting is safe whatever a broker says the time is: below the last `until` that was forgotten nothing is started any more.
 * A lost store forgets it all: then claims are what is left, and the broker keeps those.
 */

import type { Store, Writes } from '../store/store.ts';

/** What a start uses up: the name of what was signed, and until when it could come again, server time. */
export type Spends = { readonly mark: string; readonly until: number };

const floorKey = 'spent:floor';
/** Neither clock is exact. */
const marginMs = 86_400_000;

export class Spent {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	has(mark: string): boolean {
		return this.#store.get('spent', mark) !== undefined;
	}

	/** What may be started until then at the latest may have been started, and forgotten. */
	get floor(): number {
		return this.#store.get<number>('meta', floorKey) ?? 0;
	}

	/** Within the transaction of the start. */
	add(writes: Writes, { mark, until }: Spends): void {
		writes.put('spent', mark, until);
	}

	/**
	 * Forgets what can come no more, answers how many.
	 * @param now By both clocks, the broker's and the node's: one that is ahead alone must not end what may be started.
	 */
	async prune(now: { readonly server: number; readonly own: number }): Promise<number> {
		const sure = Math.min(now.server, now.own) - marginMs;
		const old: string[] = [];
		let floor = this.floor;
		for (const { key, value } of this.#store.range<number>('spent')) {
			if (value >= sure) continue;
			old.push(String(key));
			floor = Math.max(floor, value);
		}
		if (old.length === 0) return 0;
		await this.#store.commit((writes) => {
			for (const mark of old) writes.remove('spent', mark);
			writes.put('meta', floorKey, floor);
		});
		return old.length;
	}
}
