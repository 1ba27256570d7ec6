/**
 * Owns what waits for one node, as far as counts go: how many, and since when the oldest.
 * Promises the oldest at once where they came in the order of their times, as they nearly always do.
 * Soft state.
 */

export class QueueAges {
	/** By handle. */
	readonly #queuedAt = new Map<string, number>();
	#isSorted = true;
	#newest = Number.NEGATIVE_INFINITY;
	/** Undefined where it has to be looked for. */
	#oldest: number | undefined;

	get size(): number {
		return this.#queuedAt.size;
	}

	/** Null where nothing waits. */
	get oldest(): number | null {
		if (this.size === 0) return null;
		this.#oldest ??= this.#lookForOldest();
		return this.#oldest;
	}

	add(handle: string, queuedAt: number): void {
		this.delete(handle);
		if (this.size === 0) {
			this.#isSorted = true;
			this.#oldest = queuedAt;
		} else {
			if (queuedAt < this.#newest) this.#isSorted = false;
			if (this.#oldest !== undefined) this.#oldest = Math.min(this.#oldest, queuedAt);
		}
		this.#newest = this.size === 0 ? queuedAt : Math.max(this.#newest, queuedAt);
		this.#queuedAt.set(handle, queuedAt);
	}

	delete(handle: string): void {
		if (this.#queuedAt.get(handle) === this.#oldest) this.#oldest = undefined;
		this.#queuedAt.delete(handle);
	}

	#lookForOldest(): number {
		let oldest = Number.POSITIVE_INFINITY;
		for (const queuedAt of this.#queuedAt.values()) {
			oldest = Math.min(oldest, queuedAt);
			if (this.#isSorted) break;
		}
		return oldest;
	}
}
