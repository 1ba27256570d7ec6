/**
 * Owns what this centre puts on the streams of commands itself: what is heard of it meanwhile is held back until it is known what came of it,
 * and what is heard of it after that is no news. Promises that no message is dropped: each is handed on once, by whoever comes last.
 * Soft state: what is stored is heard of again after a restart.
 */

import type { Followed } from '../jetstream/follow.ts';

/** What is noted is heard of within moments. */
const mostNoted = 200_000;

/** What is to become of a message: it is taken, known already, or held back, `instead` of one that was held back before it. */
type Heard = { readonly as: 'new' | 'known' | 'held'; readonly instead?: Followed | undefined };

export class Arrivals {
	/** By subject: what is being put on its stream from here, and what was heard of it so far. */
	readonly #coming = new Map<string, Followed | undefined>();
	/** Sequence and subject of what was noted before it was heard of. */
	readonly #noted = new Set<string>();

	hear(message: Followed): Heard {
		const { seq, subject } = message;
		if (this.#noted.size > 0 && this.#noted.delete(`${seq} ${subject}`)) return { as: 'known' };
		if (!this.#coming.has(subject)) return { as: 'new' };
		const instead = this.#coming.get(subject);
		this.#coming.set(subject, message);
		return { as: 'held', instead };
	}

	expect(subject: string): void {
		this.#coming.set(subject, undefined);
	}

	/** Answers what was held back; `seq` is undefined where it was not put there from here. */
	note(subject: string, seq: number | undefined): Followed | undefined {
		const heard = this.#coming.get(subject);
		this.#coming.delete(subject);
		if (seq !== undefined && !heard) {
			if (this.#noted.size >= mostNoted) this.#noted.clear();
			this.#noted.add(`${seq} ${subject}`);
		}
		return heard;
	}
}
