/**
 * Owns finding out whether a consumer is there, across a leaf server: there a pull from one that is missing is not refused,
 * nobody says anything (on a direct connection the server answers 503 at once).
 * Promises to ask again until somebody answers, with a question that can hand over nothing, however late its answer comes.
 * Holds nothing: what was not answered is asked again.
 */

import type { Clock } from '../base/clock.ts';
import type { Connection } from './connection.ts';

/** A pull that no consumer takes, and every consumer refuses (400): a heartbeat without a time. */
const impossiblePull = JSON.stringify({ batch: 1, idle_heartbeat: 1e9 });
const answerWithinMs = 5000;
const againAfterMs = { first: 250, most: 5000 };

export type ConsumerProbeOptions = {
	readonly connection: Connection;
	/** Where one pulls from it. */
	readonly subject: string;
	readonly onThere: () => void;
	/** Nobody has answered for as long as an answer may take. Called once. */
	readonly onSilence: () => void;
	readonly clock: Clock;
};

/** Asks until it is stopped, or the consumer is there. */
export class ConsumerProbe {
	readonly #options: ConsumerProbeOptions;
	#isOver = false;
	#cancelAsk: () => void = () => undefined;
	#cancelSilence: () => void = () => undefined;

	constructor(options: ConsumerProbeOptions) {
		this.#options = options;
	}

	start(): void {
		this.#cancelSilence = this.#options.clock.after(answerWithinMs, this.#options.onSilence);
		this.#ask(againAfterMs.first);
	}

	stop(): void {
		this.#isOver = true;
		this.#cancelAsk();
		this.#cancelSilence();
	}

	/** The next question does not wait for the answer to the last one: on a slow link several are under way. */
	#ask(waitMs: number): void {
		this.#cancelAsk = this.#options.clock.after(waitMs, () =>
			this.#ask(Math.min(waitMs * 2, againAfterMs.most)),
		);
		void this.#isAnswered().then((isThere) => {
			if (!isThere || this.#isOver) return;
			this.stop();
			this.#options.onThere();
		});
	}

	async #isAnswered(): Promise<boolean> {
		const { connection, subject } = this.#options;
		try {
			await connection.nc.request(subject, impossiblePull, { timeout: answerWithinMs });
			return true;
		} catch {
			// Not there, or the hub is not: both are asked again.
			return false;
		}
	}
}
