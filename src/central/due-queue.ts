/**
 * Owns an order of time: what is due next, however many wait (a binary heap).
 * Promises that whoever asks whether anything is due looks at one entry, and that equals come in the order of their sequences.
 * Soft state. What was called off stays in here until it is due: the owner sorts it out.
 */

type Entry<Value> = { readonly at: number; readonly seq: number; readonly value: Value };

export class DueQueue<Value> {
	#entries: Entry<Value>[] = [];

	get size(): number {
		return this.#entries.length;
	}

	add(at: number, seq: number, value: Value): void {
		const entries = this.#entries;
		let index = entries.push({ at, seq, value }) - 1;
		while (index > 0) {
			const parent = (index - 1) >> 1;
			if (!this.#swapIfLess(index, parent)) return;
			index = parent;
		}
	}

	/** Takes the first of what is due by `now`; undefined where nothing is. */
	take(now: number): Value | undefined {
		const [first] = this.#entries;
		if (!first || first.at > now) return undefined;
		const last = this.#entries.pop();
		if (last && this.#entries.length > 0) {
			this.#entries[0] = last;
			this.#sink();
		}
		return first.value;
	}

	clear(): void {
		this.#entries = [];
	}

	#sink(): void {
		for (let index = 0; ; ) {
			const [left, right] = [2 * index + 1, 2 * index + 2];
			const child = this.#isLess(right, left) ? right : left;
			if (!this.#swapIfLess(child, index)) return;
			index = child;
		}
	}

	#swapIfLess(lower: number, upper: number): boolean {
		const [below, above] = [this.#entries[lower], this.#entries[upper]];
		if (!below || !above || !this.#isLess(lower, upper)) return false;
		this.#entries[lower] = above;
		this.#entries[upper] = below;
		return true;
	}

	/** What is not there is less than nothing. */
	#isLess(index: number, other: number): boolean {
		const [one, two] = [this.#entries[index], this.#entries[other]];
		if (!one || !two) return false;
		return one.at < two.at || (one.at === two.at && one.seq < two.seq);
	}
}
