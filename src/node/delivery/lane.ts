/**
 * Owns one lane of the node: pulls exactly its free slots from its consumer and hands each delivery to a pipeline.
 * Promises that nothing waits in the node's memory, that order is kept at capacity 1, and that `stop` resolves when
 * every turn is over. What was not acknowledged when the process died is delivered again.
 */

import type { Clock } from '../../base/clock.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Lane as LaneName } from '../../domain/names.ts';
import type { LaneState } from '../../domain/node-state.ts';
import type { Link } from '../../jetstream/connection.ts';
import { type Delivery, Puller, type PullStatus } from '../../jetstream/pull.ts';

export type LaneOptions = {
	lane: LaneName;
	capacity: number;
	/** Undefined until the node knows its shard. */
	stream: () => string | undefined;
	consumer: string;
	link: Link;
	/** `stopping` aborts when the lane takes no more starts. Rejects only where our own code is broken. */
	handle: (delivery: Delivery, stopping: AbortSignal) => Promise<void>;
	onStatus: () => void;
	/** Our own code is broken: the node must end. */
	onBroken: (error: unknown) => void;
	clock: Clock;
};

export class Lane implements Service {
	readonly name: string;
	readonly #options: LaneOptions;
	readonly #lifecycle: Lifecycle;
	readonly #puller: Puller;
	readonly #turns = new Set<Promise<void>>();
	#stopping = new AbortController();
	#status: PullStatus = 'waiting';

	constructor(options: LaneOptions) {
		this.name = `lane ${options.lane}`;
		this.#options = options;
		this.#puller = new Puller({
			link: options.link,
			stream: options.stream,
			consumer: options.consumer,
			freeSlots: () => options.capacity - this.#turns.size,
			onDelivery: (delivery) => this.#take(delivery),
			onStatus: (status) => {
				this.#status = status;
				options.onStatus();
			},
			clock: options.clock,
		});
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#stopping = new AbortController();
				await this.#puller.start();
			},
			async () => {
				this.#stopping.abort();
				await this.#puller.stop();
				await Promise.all(this.#turns);
				this.#status = 'waiting';
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Takes no more, from this moment on; `stop` waits for what runs. */
	halt(): void {
		this.#stopping.abort();
		void this.#puller.stop();
	}

	/** The consumer may be there now: pull at once instead of at the next try. */
	poke(): void {
		this.#puller.poke();
	}

	state(): LaneState {
		const { lane, capacity } = this.#options;
		const status = this.#lifecycle.running ? this.#status : 'stopped';
		return { lane, capacity, running: this.#turns.size, status };
	}

	#take(delivery: Delivery): void {
		const turn = this.#options
			.handle(delivery, this.#stopping.signal)
			.catch((error: unknown) => this.#options.onBroken(error))
			.then(() => {
				this.#turns.delete(turn);
				this.#puller.poke();
			});
		this.#turns.add(turn);
	}
}
