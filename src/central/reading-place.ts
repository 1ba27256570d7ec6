/**
 * Owns how far the index has come in one stream: of which life of the stream, and up to which sequence all of it counts.
 * Promises that what is held back, because its fate is not known yet, is not counted, nor what comes after it.
 * Soft state: a restart reads again.
 */

export class ReadingPlace {
	#created = '';
	/** It was made once, and yet begun again: it had lost its end. */
	#again = 0;
	#isRestarted = false;
	#heard = 0;
	/** Sequences that were heard of and are held back. */
	readonly #held = new Set<number>();

	/** Which stream it is: another one of the same name has another life. */
	get life(): string {
		return this.#again === 0 ? this.#created : `${this.#created} ${this.#again}`;
	}

	/** All up to here counts. */
	get seq(): number {
		if (this.#held.size === 0) return this.#heard;
		return Math.min(this.#heard, Math.min(...this.#held) - 1);
	}

	/** The stream is the one that was made then. */
	open(created: string): void {
		if (created !== this.#created) this.#again = 0;
		else if (this.#isRestarted) this.#again += 1;
		this.#created = created;
		this.#isRestarted = false;
	}

	/** It is another stream, or lacks what was read of it. */
	restart(): void {
		this.#isRestarted = true;
		this.forget();
	}

	/** It will be read again. */
	forget(): void {
		this.#heard = 0;
		this.#held.clear();
	}

	/** Of nothing up to there will anything more be heard. */
	reach(seq: number): void {
		this.#heard = Math.max(this.#heard, seq);
	}

	hold(seq: number): void {
		this.reach(seq);
		this.#held.add(seq);
	}

	release(seq: number): void {
		this.#held.delete(seq);
	}
}
