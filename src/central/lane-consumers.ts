/**
 * Owns making the consumers of lanes, and making them again elsewhere when the server on which they live is gone for good.
 * Promises one try at a time for each, and that none is given up before it has said nothing for longer than a server's restart
 * takes, while its stream answered: made again, it hands over everything that waits, and nodes know what ran.
 * Soft: a new leader counts anew.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Connection } from '../jetstream/connection.ts';
import { ensureLaneConsumer, type LaneConsumer, remakeLaneConsumer } from '../jetstream/consumers.ts';

/** A silent consumer is asked for again after this long, at the latest. */
const lookAgainMs = 5000;

export type LaneConsumersOptions = {
	connection: Connection;
	/** Milliseconds. */
	lostAfterMs: number;
	clock: Clock;
	log: Log;
};

export class LaneConsumers {
	readonly #options: LaneConsumersOptions;
	/** What is wanted of a node at whose consumers somebody works: the last word counts. */
	readonly #wanted = new Map<string, readonly LaneConsumer[]>();
	/** Consumers that say nothing, by node and lane, as they are wanted now. */
	readonly #silent = new Map<string, LaneConsumer>();
	readonly #working = new Set<Promise<void>>();
	#stopping = new AbortController();

	constructor(options: LaneConsumersOptions) {
		this.#options = options;
	}

	start(): void {
		this.#stopping = new AbortController();
	}

	/** Resolves when nothing is being made any more. */
	async stop(): Promise<void> {
		this.#stopping.abort();
		while (this.#working.size > 0) await Promise.all(this.#working);
	}

	/** Sees to it that the consumers of a node are there; takes as long as that takes. */
	make(node: string, wanted: readonly LaneConsumer[]): void {
		const isBeingMade = this.#wanted.has(node);
		this.#wanted.set(node, wanted);
		if (!isBeingMade) this.#work(() => this.#makeAll(node));
	}

	#work(step: () => Promise<void>): void {
		const work = step().finally(() => this.#working.delete(work));
		this.#working.add(work);
	}

	/** One after another: a node asks the broker one thing at a time. */
	async #makeAll(node: string): Promise<void> {
		let done: readonly LaneConsumer[] | undefined;
		for (let wanted = this.#wanted.get(node); wanted !== done; wanted = this.#wanted.get(node)) {
			for (const consumer of wanted ?? []) await this.#makeOne(consumer);
			done = wanted;
		}
		this.#wanted.delete(node);
	}

	async #makeOne(wanted: LaneConsumer): Promise<void> {
		const { log } = this.#options;
		const { node, lane } = wanted;
		const key = `${node} ${lane}`;
		if (this.#stopping.signal.aborted) return;
		if (this.#silent.has(key)) return void this.#silent.set(key, wanted);
		const isSilent = await this.#saying(wanted, () => this.#ensure(wanted));
		if (!isSilent) return;
		log.warn({ node, lane }, 'the consumer of a lane says nothing: its server is away');
		this.#silent.set(key, wanted);
		this.#work(() => this.#waitFor(key, wanted));
	}

	/** Answers whether it is there and says nothing. */
	async #ensure(wanted: LaneConsumer): Promise<boolean> {
		const { connection, log } = this.#options;
		const found = await ensureLaneConsumer(connection, wanted);
		if (found === 'made') log.info({ node: wanted.node, lane: wanted.lane }, 'made the consumer of a lane');
		return found === 'silent';
	}

	/** Until it speaks again, or has been silent for too long. What goes wrong meanwhile is silence as well. */
	async #waitFor(key: string, first: LaneConsumer): Promise<void> {
		const { lostAfterMs, clock } = this.#options;
		const { signal } = this.#stopping;
		const silentSince = clock.monotonic();
		while (!signal.aborted) {
			await clock.sleep(Math.min(lookAgainMs, lostAfterMs), signal);
			if (signal.aborted) break;
			const wanted = this.#silent.get(key) ?? first;
			const isLost = clock.monotonic() - silentSince >= lostAfterMs;
			const isSilent = await this.#saying(wanted, () =>
				isLost ? this.#makeElsewhere(wanted) : this.#ensure(wanted),
			);
			// What was said of it meanwhile counts.
			if (isSilent === false && this.#silent.get(key) === wanted) break;
		}
		this.#silent.delete(key);
	}

	/** Answers whether it still says nothing. */
	async #makeElsewhere(wanted: LaneConsumer): Promise<boolean> {
		const { connection, log } = this.#options;
		const { node, lane } = wanted;
		if (!(await this.#ensure(wanted))) return false;
		log.warn({ node, lane }, 'the server with the consumer of a lane is gone: it is made again elsewhere');
		return (await remakeLaneConsumer(connection, wanted)) === 'silent';
	}

	/** What goes wrong is said, and left to the node's next word. */
	async #saying<T>({ node, lane }: LaneConsumer, step: () => Promise<T>): Promise<T | undefined> {
		try {
			return await step();
		} catch (error) {
			const err = messageOf(error);
			this.#options.log.warn(
				{ node, lane, err },
				"the consumer of a lane cannot be made; the node's next word tries again",
			);
			return undefined;
		}
	}
}
