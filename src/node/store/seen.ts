/**
 * Owns the memory of which events were handled: for each sender's outbox a high-water mark, and below it a bounded
 * number of gaps. Promises that a number which is not known to be handled counts as not handled: where the memory is full
 * an old event may be handled twice, and none is dropped. A crash between the method's own fsync and this record repeats
 * that one event.
 */

import { derivedId } from '../../base/ids.ts';
import type { OutboxKey } from '../../domain/wire.ts';
import type { Store, Writes } from './store.ts';

/** Numbers that were not handled, both ends included. */
type Gap = readonly [from: number, to: number];

type SeenEntry = {
	/** Nothing is known of the numbers up to this one: they count as not handled. */
	readonly floor: number;
	/** All numbers above the floor and up to this one were handled, but for the gaps. */
	readonly high: number;
	/** In order. */
	readonly gaps: readonly Gap[];
	/** Node's time of the last event. */
	readonly at: number;
};

type Handled = { readonly sender: string; readonly key: OutboxKey; readonly at: number };

/** Of more gaps the oldest are forgotten, and with them what was handled below. */
const mostGaps = 1024;
/** A sender's outbox that said nothing for so long is forgotten. */
const forgetAfterMs = 30 * 86_400_000;
/** Outboxes that are remembered: a sender may invent any number of them. */
const mostOutboxes = 50_000;

export class Seen {
	readonly #store: Store;
	readonly #most: number;
	/** Entries, as far as they were counted; undefined before. */
	#count: number | undefined;
	/** Handed over, and not written yet. */
	#handled: Handled[] = [];
	/** The write that is under way, and the one that waits for it. */
	#current: Promise<void> = Promise.resolve();
	#next: Promise<void> | undefined;
	#named = { sender: '', epoch: '', name: '' };

	constructor(store: Store, most = mostOutboxes) {
		this.#store = store;
		this.#most = most;
	}

	has(sender: string, key: OutboxKey): boolean {
		const entry = this.#store.get<SeenEntry>('seen', this.#nameOf(sender, key));
		return entry !== undefined && isHandled(entry, key.n);
	}

	/** Writes down that the event was handled, on disk when it resolves: those that are handled meanwhile are the next write. @throws StewardError `storage` */
	record(sender: string, key: OutboxKey, at: number): Promise<void> {
		this.#handled.push({ sender, key, at });
		this.#next ??= this.#recordNext(this.#current);
		return this.#next;
	}

	async #recordNext(before: Promise<void>): Promise<void> {
		// Whether that one could be written is told to who handed it over.
		await Promise.allSettled([before]);
		this.#current = this.#next ?? this.#current;
		this.#next = undefined;
		const handled = this.#handled.splice(0);
		await this.#store.commit((writes) => {
			this.#addAll(writes, handled);
		});
	}

	/** Writes down within the caller's transaction that the event was handled. */
	add(writes: Writes, sender: string, key: OutboxKey, at: number): void {
		this.#addAll(writes, [{ sender, key, at }]);
	}

	/** One write for each sender's outbox. */
	#addAll(writes: Writes, handled: readonly Handled[]): void {
		const entries = new Map<string, SeenEntry>();
		for (const { sender, key, at } of handled) {
			const name = this.#nameOf(sender, key);
			const known = entries.get(name) ?? this.#store.get<SeenEntry>('seen', name);
			if (!known) this.#makeRoom(writes);
			const entry = known ?? { floor: 0, high: 0, gaps: [], at };
			entries.set(name, { ...withNumber(entry, key.n), at });
		}
		for (const [name, entry] of entries) writes.put('seen', name, bounded(entry));
	}

	/** Of one length, whatever a sender calls its outbox. */
	#nameOf(sender: string, { epoch }: OutboxKey): string {
		// Who sends many sends them in a row: a hash for each is a twentieth of what an event costs.
		if (this.#named.sender !== sender || this.#named.epoch !== epoch)
			this.#named = { sender, epoch, name: derivedId(sender, epoch) };
		return this.#named.name;
	}

	/** Those that said nothing for longest are forgotten, a tenth at a time: an event of theirs that comes again is handled twice. */
	#makeRoom(writes: Writes): void {
		this.#count ??= this.#store.count('seen');
		this.#count += 1;
		if (this.#count <= this.#most) return;
		const all = [...this.#store.range<SeenEntry>('seen')].sort((a, b) => a.value.at - b.value.at);
		const oldest = all.slice(0, Math.max(1, Math.ceil(all.length - 0.9 * this.#most)));
		for (const { key } of oldest) writes.remove('seen', key);
		this.#count = all.length - oldest.length + 1;
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
		this.#count = undefined;
		return old.length;
	}
}

function isHandled({ floor, high, gaps }: SeenEntry, n: number): boolean {
	return n > floor && n <= high && !gaps.some((gap) => isIn(gap, n));
}

function isIn([from, to]: Gap, n: number): boolean {
	return from <= n && n <= to;
}

function withNumber(entry: SeenEntry, n: number): SeenEntry {
	const { high, gaps } = entry;
	if (n <= high) return { ...entry, gaps: gaps.flatMap((gap) => (isIn(gap, n) ? without(gap, n) : [gap])) };
	return { ...entry, high: n, gaps: [...gaps, ...gapOf(high + 1, n - 1)] };
}

function without([from, to]: Gap, n: number): Gap[] {
	return [...gapOf(from, n - 1), ...gapOf(n + 1, to)];
}

function gapOf(from: number, to: number): Gap[] {
	return from <= to ? [[from, to]] : [];
}

function bounded(entry: SeenEntry): SeenEntry {
	const forgotten = entry.gaps.slice(0, -mostGaps).at(-1);
	if (!forgotten) return entry;
	return { ...entry, floor: forgotten[1], gaps: entry.gaps.slice(-mostGaps) };
}
