/**
 * Owns the figures of a centre that only the broker knows: what the projector has still to read, and how many dead letters there are.
 * Promises that they are read now and then, so that nobody who asks for them waits for the broker, and that what is older than a minute
 * is told as not known. Soft: a restart reads again.
 */

import type { Clock } from '../base/clock.ts';
import { streams } from '../domain/subject.ts';
import type { Connection } from '../jetstream/connection.ts';
import { backlogOf } from '../jetstream/consumers.ts';
import type { DeadLetters } from '../jetstream/dead-letters.ts';
import { projectorConsumer } from './projector.ts';

export type BrokerFiguresOptions = {
	connection: Connection;
	dead: Pick<DeadLetters, 'count'>;
	clock: Clock;
};

type Figures = { readonly projectorBacklog: number; readonly deadLetters: number };

const holdsForMs = 60_000;

export class BrokerFigures {
	readonly #options: BrokerFiguresOptions;
	#last: (Figures & { readonly at: number }) | undefined;

	constructor(options: BrokerFiguresOptions) {
		this.#options = options;
	}

	/** Undefined while they are not known. */
	get figures(): Figures | undefined {
		const isFresh = this.#last && this.#options.clock.monotonic() - this.#last.at < holdsForMs;
		return isFresh ? this.#last : undefined;
	}

	/** @throws what the broker's silence is, for whoever calls it again and again */
	async runOnce(): Promise<Figures> {
		const { connection, dead, clock } = this.#options;
		const at = clock.monotonic();
		const [claims, reports, deadLetters] = await Promise.all([
			backlogOf(connection, streams.claims, projectorConsumer),
			backlogOf(connection, streams.reports, projectorConsumer),
			dead.count(),
		]);
		this.#last = { projectorBacklog: claims + reports, deadLetters, at };
		return this.#last;
	}
}
