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
	/** Told after a later one, and not sorted in yet. */
	#late: { readonly seq: number; readonly key: string }[] = [];
	readonly #latest = new Map<string, number>();

	/** Keys of which a change is known. */
	get size(): number {
		return this.#latest.size;
	}

	note(key: string, seq: number): void {
		const known = this.#latest.get(key);
		if (known !== undefined && known >= seq) return;
		this.#latest.set(key, seq);
		// It had been held back, or is of the older part of a long ledger, of which the newest is read first.
		if (seq < (this.#seqs.at(-1) ?? 0)) this.#late.push({ seq, key });
		else {
			this.#seqs.push(seq);
			this.#keys.push(key);
		}
		if (this.#seqs.length + this.#late.length > 2 * this.#latest.size + mostStale) this.#settle();
	}

	/** Nobody is to hear of it any more. */
	forget(key: string): void {
		this.#latest.delete(key);
	}

	clear(): void {
		this.#seqs = [];
		this.#keys = [];
		this.#late = [];
		this.#latest.clear();
	}

	/** What changed after `after` and up to `upTo`: at most so many, and those of the same sequence as the last. */
	between(after: number, upTo: number, most: number): ChangedKeys {
		if (this.#late.length > 0) this.#settle();
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
		if (this.#late.length > 0) this.#settle();
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

	/** Sorts in what came late, and throws out what is out of date. */
	#settle(): void {
		const late = this.#late.sort((a, b) => a.seq - b.seq);
		const [seqs, keys]: [number[], string[]] = [[], []];
		const add = (seq: number, key: string) => {
			if (this.#latest.get(key) !== seq) return;
			seqs.push(seq);
			keys.push(key);
		};
		let next = 0;
		for (const [place, key] of this.#keys.entries()) {
			const seq = this.#seqs[place] ?? 0;
			for (let one = late[next]; one && one.seq < seq; one = late[++next]) add(one.seq, one.key);
			add(seq, key);
		}
		for (const { seq, key } of late.slice(next)) add(seq, key);
		[this.#seqs, this.#keys, this.#late] = [seqs, keys, []];
	}
}
