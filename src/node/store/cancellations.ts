/**
 * Owns what was asked to be called off on this node: by id, with who asked and why.
 * Promises that a wish is on disk before it is acted on, so that no start which a crash or a lost link delays escapes it.
 * A wish is forgotten when its command has ended, or after the journal's age.
 */

import { type Closed, type CommandFacts, isSameTime } from '../../domain/wire.ts';
import { journalAgeMs } from './journal.ts';
import type { Store, Writes } from './store.ts';

type Wish = Closed & {
	/** When the command was queued that is meant: another one may be given its id. */
	readonly queuedAt: number;
	/** Node's time, milliseconds since the epoch. */
	readonly at: number;
};

export class Cancellations {
	readonly #store: Store;
	readonly #now: () => number;

	constructor(store: Store, now: () => number) {
		this.#store = store;
		this.#now = now;
	}

	find({ id, facts }: { readonly id: string; readonly facts: CommandFacts }): Closed | undefined {
		const wish = this.#store.get<Wish>('cancels', id);
		if (!wish || !isSameTime(wish.queuedAt, facts.queuedAt)) return undefined;
		return { reason: wish.reason, actor: wish.actor };
	}

	/** @throws StewardError `storage` */
	note(id: string, queuedAt: number, closed: Closed): Promise<void> {
		return this.#store.commit((writes) => this.add(writes, id, queuedAt, closed));
	}

	/** Within the caller's transaction. */
	add(writes: Writes, id: string, queuedAt: number, closed: Closed): void {
		const wish: Wish = { ...closed, queuedAt, at: this.#now() };
		writes.put('cancels', id, wish);
	}

	/** Its command has ended. */
	forget(id: string): void {
		if (this.#store.get('cancels', id) === undefined) return;
		void this.#store
			.commitLazily((writes) => writes.remove('cancels', id))
			.catch(() => {
				// The disk fails; the next commit that somebody waits for says so, and an old wish harms nobody.
			});
	}

	/** Answers how many wishes were too old. */
	async prune(now: number): Promise<number> {
		const old: string[] = [];
		for (const { key, value } of this.#store.range<Wish>('cancels')) {
			if (now - value.at > journalAgeMs) old.push(String(key));
		}
		await this.#store.commit((writes) => {
			for (const id of old) writes.remove('cancels', id);
		});
		return old.length;
	}
}
