/**
 * Owns what changed in one stream, in the order of its sequences: the last change of each key.
 * Promises what changed between two sequences at the cost of what changed, and memory for each key that is there, not for each change.
 * Soft state: the index tells it again what it holds.
 */

/** Entries that may be out of date before they are thrown out. */
const mostStale = 1000;

export type ChangedKeys = {
	/** Each once, oldest change first. */
	readonly keys: readonly string[];
	/** Up to which sequence they are all of them. */
	readonly through: number;
};

export class ChangeLog {
	/** Ascending. */
	#seqs: number[] = [];
	#keys: string[] = [];
	readonly #latest = new Map<string, number>();

	/** Keys of which a change is known. */
	get size(): number {
		return this.#latest.size;
	}

	note(key: string, seq: number): void {
		const known = this.#latest.get(key);
		if (known !== undefined && known >= seq) return;
		this.#latest.set(key, seq);
		// Rarely is one told after a later one: it had been held back.
		let place = this.#seqs.length;
		while (place > 0 && (this.#seqs[place - 1] ?? 0) > seq) place -= 1;
		if (place === this.#seqs.length) {
			this.#seqs.push(seq);
			this.#keys.push(key);
		} else {
			this.#seqs.splice(place, 0, seq);
			this.#keys.splice(place, 0, key);
		}
		if (this.#seqs.length > 2 * this.#latest.size + mostStale) this.#compact();
	}

	/** Nobody is to hear of it any more. */
	forget(key: string): void {
		this.#latest.delete(key);
	}

	clear(): void {
		this.#seqs = [];
		this.#keys = [];
		this.#latest.clear();
	}

	/** What changed after `after` and up to `upTo`: at most so many, and those of the same sequence as the last. */
	between(after: number, upTo: number, most: number): ChangedKeys {
		const keys: string[] = [];
		for (let place = this.#firstAfter(after); place < this.#seqs.length; place++) {
			const [seq = 0, key = ''] = [this.#seqs[place], this.#keys[place]];
			if (seq > upTo) break;
			if (keys.length >= most && seq !== this.#seqs[place - 1]) {
				return { keys, through: this.#seqs[place - 1] ?? after };
			}
			if (this.#latest.get(key) === seq) keys.push(key);
		}
		return { keys, through: Math.max(after, upTo) };
	}

	/** How many changes lie between, with some that are out of date. */
	distance(after: number, upTo: number): number {
		return Math.max(0, this.#firstAfter(upTo) - this.#firstAfter(after));
	}

	#firstAfter(seq: number): number {
		let [low, high] = [0, this.#seqs.length];
		while (low < high) {
			const middle = (low + high) >> 1;
			if ((this.#seqs[middle] ?? 0) <= seq) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	#compact(): void {
		const [seqs, keys]: [number[], string[]] = [[], []];
		for (const [place, key] of this.#keys.entries()) {
			const seq = this.#seqs[place] ?? 0;
			if (this.#latest.get(key) !== seq) continue;
			seqs.push(seq);
			keys.push(key);
		}
		this.#seqs = seqs;
		this.#keys = keys;
	}
}
