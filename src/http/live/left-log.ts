/**
 * Owns which commands have left the ledger, and when: by age, which no stream tells, or by hand.
 * Promises their handles to whoever comes from a moment since which it knows all, and to say so to whoever comes from before that.
 * Soft state: a server that begins knows of none, and what left before it began it cannot name.
 */

/** Handles that it keeps: as many commands as a reader may be behind. */
const most = 20_000;

export type Left = {
	readonly handles: readonly string[];
	/** Nothing left in between that is not among them. */
	readonly isWhole: boolean;
};

export class LeftLog {
	/** Ascending; server time. */
	#times: number[] = [];
	#handles: string[] = [];
	#since: number;
	#until: number;
	/** Somebody may have been told all up to `#until`. */
	#isSeen = true;

	/** @param since Up to then it can name nothing; server time. */
	constructor(since: number) {
		this.#since = since;
		this.#until = since;
	}

	/** All up to here can be told. */
	get until(): number {
		this.#isSeen = true;
		return this.#until;
	}

	note(handle: string, at: number): void {
		this.#until = Math.max(at, this.#until + (this.#isSeen ? 1 : 0));
		this.#isSeen = false;
		this.#times.push(this.#until);
		this.#handles.push(handle);
		if (this.#times.length <= 2 * most) return;
		const over = this.#times.length - most;
		this.#since = this.#times[over - 1] ?? this.#since;
		this.#times = this.#times.slice(over);
		this.#handles = this.#handles.slice(over);
	}

	/** What left after `after` and up to `upTo`. */
	between(after: number, upTo: number): Left {
		if (after >= upTo) return { handles: [], isWhole: true };
		const first = this.#times.findIndex((at) => at > after);
		const from = first < 0 ? this.#times.length : first;
		const end = this.#times.findLastIndex((at) => at <= upTo) + 1;
		return { handles: this.#handles.slice(from, end), isWhole: after >= this.#since };
	}
}
