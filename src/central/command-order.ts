/**
 * Owns the order in which commands are listed: the newest first, by when they were queued.
 * Promises that a page costs what it shows and what it passes over, never a sort of all there are; many that come at once are sorted in once.
 * Soft state: made from what the index tells.
 */

/** Where a command stands in a list. */
export type Place = { readonly handle: string; readonly queuedAt: number };
/** `value` is undefined once it stands elsewhere, or nowhere. */
type Entry<Value> = Place & { value: Value | undefined };

/** So many are put in one by one; more are sorted in together. */
const fewFresh = 64;
/** Entries that count no more are swept when there are more of them than of others, and so many. */
const mostStale = 1000;

export class CommandOrder<Value> {
	/** The oldest first. */
	#sorted: Entry<Value>[] = [];
	#fresh: Entry<Value>[] = [];
	readonly #current = new Map<string, Entry<Value>>();

	/** In the place of what was there under this handle. */
	put(handle: string, queuedAt: number, value: Value): void {
		const known = this.#current.get(handle);
		if (known?.queuedAt === queuedAt) {
			known.value = value;
			return;
		}
		if (known) known.value = undefined;
		const entry = { handle, queuedAt, value };
		this.#current.set(handle, entry);
		this.#fresh.push(entry);
	}

	remove(handle: string): void {
		const known = this.#current.get(handle);
		if (known) known.value = undefined;
		this.#current.delete(handle);
	}

	/** All, or those that come after a place in this order. */
	*newestFirst(after?: Place): Generator<Place & { readonly value: Value }> {
		this.#settle();
		const end = after === undefined ? this.#sorted.length : indexOf(this.#sorted, after);
		for (let index = end - 1; index >= 0; index--) {
			const entry = this.#sorted[index];
			if (entry && hasValue(entry)) yield entry;
		}
	}

	#settle(): void {
		const fresh = this.#fresh.filter(hasValue);
		this.#fresh = [];
		if (fresh.length <= fewFresh) {
			for (const entry of fresh) this.#sorted.splice(indexOf(this.#sorted, entry), 0, entry);
		} else this.#sorted = [...this.#sorted, ...fresh].sort(oldestFirst);
		if (this.#sorted.length > 2 * this.#current.size + mostStale)
			this.#sorted = this.#sorted.filter(hasValue);
	}
}

function hasValue<Value>(entry: Entry<Value>): entry is Entry<Value> & { value: Value } {
	return entry.value !== undefined;
}

/** The first that is no older. */
function indexOf(sorted: readonly Place[], place: Place): number {
	let [low, high] = [0, sorted.length];
	while (low < high) {
		const middle = (low + high) >>> 1;
		const other = sorted[middle];
		if (other && oldestFirst(other, place) < 0) low = middle + 1;
		else high = middle;
	}
	return low;
}

/** Of one moment the handles decide. */
function oldestFirst(a: Place, b: Place): number {
	if (a.queuedAt !== b.queuedAt) return a.queuedAt - b.queuedAt;
	return a.handle === b.handle ? 0 : a.handle > b.handle ? -1 : 1;
}
