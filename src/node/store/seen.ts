/**
 * Owns the memory of which events were handled: a high-water mark and a bounded set of gaps for each sender's outbox.
 * Promises that a repeat under the same key is known, also after a restart. A crash between the method's own fsync and
 * this record repeats that one event.
 */

import { derivedId } from '../../base/ids.ts';
import type { OutboxKey } from '../../domain/wire.ts';
import type { Store, Writes } from './store.ts';

type SeenEntry = {
	/** All numbers up to this one were handled, but for the gaps. */
	readonly high: number;
	readonly gaps: readonly number[];
	/** Node's time of the last event. */
	readonly at: number;
};

/** Older gaps are forgotten first: an event that comes so late again would be handled twice. */
const mostGaps = 1024;
/** A sender's outbox that said nothing for so long is forgotten. */
const forgetAfterMs = 30 * 86_400_000;

export class Seen {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	has(sender: string, key: OutboxKey): boolean {
		const entry = this.#store.get<SeenEntry>('seen', seenKey(sender, key));
		return entry !== undefined && key.n <= entry.high && !entry.gaps.includes(key.n);
	}

	/** Writes down within the caller's transaction that the event was handled. */
	add(writes: Writes, sender: string, key: OutboxKey, at: number): void {
		const name = seenKey(sender, key);
		const entry = this.#store.get<SeenEntry>('seen', name);
		writes.put('seen', name, withNumber(entry, key.n, at));
	}

	/** Answers how many senders' outboxes were forgotten. */
	async prune(now: number): Promise<number> {
		const old: string[] = [];
		for (const { key, value } of this.#store.range<SeenEntry>('seen')) {
			if (now - value.at > forgetAfterMs) old.push(String(key));
		}
		await this.#store.commit((writes) => {
			for (const key of old) writes.remove('seen', key);
		});
		return old.length;
	}
}

/** Of one length, whatever a sender calls its outbox. */
function seenKey(sender: string, key: OutboxKey): string {
	return derivedId(sender, key.epoch);
}

/** The first number that is ever seen of an outbox is no gap: what came before it was for others, or long ago. */
function withNumber(entry: SeenEntry | undefined, n: number, at: number): SeenEntry {
	if (!entry) return { high: n, gaps: range(Math.max(1, n - mostGaps), n), at };
	if (n <= entry.high) return { ...entry, gaps: entry.gaps.filter((gap) => gap !== n), at };
	return { high: n, gaps: [...entry.gaps, ...range(entry.high + 1, n)].slice(-mostGaps), at };
}

function range(from: number, to: number): number[] {
	return Array.from(
		{ length: Math.max(0, Math.min(to - from, mostGaps)) },
		(_, i) => to - Math.min(to - from, mostGaps) + i,
	);
}
