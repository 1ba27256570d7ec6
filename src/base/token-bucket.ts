/**
 * Owns a rate: so much a second, and at most one second's worth at once.
 * Promises that over any time no more passes than the rate allows, plus one second's worth and one last taking: what is larger than
 * all of it passes as well, and is paid for afterwards.
 * In memory; a restart begins full.
 */

export class TokenBucket {
	readonly #perSecond: number;
	readonly #monotonic: () => number;
	#tokens: number;
	#filledAt: number;

	/** `monotonic`: milliseconds. */
	constructor(perSecond: number, monotonic: () => number) {
		this.#perSecond = perSecond;
		this.#monotonic = monotonic;
		this.#tokens = perSecond;
		this.#filledAt = monotonic();
	}

	/** Milliseconds until something may be taken; 0 is now. */
	get waitMs(): number {
		this.#fill();
		return this.#tokens > 0 ? 0 : Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000);
	}

	take(amount: number): void {
		this.#fill();
		this.#tokens -= amount;
	}

	#fill(): void {
		const now = this.#monotonic();
		const gained = ((now - this.#filledAt) / 1000) * this.#perSecond;
		this.#tokens = Math.min(this.#perSecond, this.#tokens + gained);
		this.#filledAt = now;
	}
}
