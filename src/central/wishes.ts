/**
 * Owns sending wishes to nodes over their control lanes, each once.
 * Promises that what could not be sent is sent later, and that what was sent is not sent again while that is remembered: a wish's id says
 * what is wished, so a repeat is a duplicate at the broker in any case. Holds what it has asked for, and whom to look at next.
 */

import type { Clock } from '../base/clock.ts';
import { isStewardError, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { enqueue } from '../client/enqueue.ts';
import type { Envelope } from '../domain/envelope.ts';

/** Wishes that are written at once. */
const atOnce = 64;
/** Then what was asked for is forgotten, and asked again. */
const mostRemembered = 100_000;
/** What could not be asked is asked again after this time. */
const retryMs = 30_000;

export type WishesOptions = {
	readonly parts: Parameters<typeof enqueue>[0];
	/** What is wished for, for the log: `a schedule`. */
	readonly what: string;
	readonly clock: Pick<Clock, 'monotonic'>;
	readonly log: Log;
};

/** Calls its listener when something is new; the answer takes the listener off. */
type News<Args extends unknown[]> = (listener: (...args: Args) => void) => () => void;

export class Wishes {
	readonly #options: WishesOptions;
	readonly #asked = new Set<string>();
	/** Nodes that have said something new; `all` where what is wished is another. */
	#dirty: Set<string> | 'all' = 'all';
	#off: (() => void)[] = [];
	#retryAt = Number.POSITIVE_INFINITY;

	constructor(options: WishesOptions) {
		this.#options = options;
	}

	/** Begins anew: everybody is to be looked at, and from then on who says something new, or everybody where the wishes are others. */
	begin(onNode: News<[string]>, onChange: News<[]>): void {
		this.end();
		this.#dirty = 'all';
		this.#asked.clear();
		this.#retryAt = Number.POSITIVE_INFINITY;
		this.#off = [
			onNode((node) => {
				if (this.#dirty !== 'all') this.#dirty.add(node);
			}),
			onChange(() => {
				this.#dirty = 'all';
			}),
		];
	}

	end(): void {
		for (const off of this.#off.splice(0)) off();
	}

	/** Whom to look at, once; everybody where the time has come for what could not be asked. */
	takeDirty(): ReadonlySet<string> | 'all' {
		const isRetry = this.#options.clock.monotonic() >= this.#retryAt;
		if (isRetry) this.#retryAt = Number.POSITIVE_INFINITY;
		const dirty = isRetry ? 'all' : this.#dirty;
		this.#dirty = new Set();
		return dirty;
	}

	/** Answers how many are news to their streams. */
	async send(wishes: readonly Envelope[]): Promise<number> {
		const news = wishes.filter((wish) => !this.#asked.has(keyOf(wish)));
		let written = 0;
		for (let from = 0; from < news.length; from += atOnce) {
			const asked = await Promise.all(news.slice(from, from + atOnce).map((wish) => this.#ask(wish)));
			written += asked.filter(Boolean).length;
		}
		return written;
	}

	/** True where it is news to its stream. */
	async #ask(wish: Envelope): Promise<boolean> {
		const { parts, what, clock, log } = this.#options;
		if (this.#asked.size >= mostRemembered) this.#asked.clear();
		this.#asked.add(keyOf(wish));
		try {
			return !(await enqueue(parts, wish, true)).duplicate;
		} catch (error) {
			log.warn({ node: wish.node, err: messageOf(error) }, `${what} could not be sent to its node`);
			if (isStewardError(error, 'id-conflict')) return false;
			this.#asked.delete(keyOf(wish));
			this.#retryAt = Math.min(this.#retryAt, clock.monotonic() + retryMs);
			return false;
		}
	}
}

function keyOf({ node, id }: Envelope): string {
	return `${node} ${id}`;
}
