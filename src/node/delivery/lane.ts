/**
 * Owns one lane of the node: pulls exactly its free slots from its consumer and hands each delivery to a pipeline.
 * Promises that nothing waits in the node's memory, that order is kept at capacity 1, and that `stop` resolves when
 * every turn is over. What was not acknowledged when the process died is delivered again.
 */

import type { Clock } from '../../base/clock.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Lane as LaneName } from '../../domain/names.ts';
import type { LaneState, Pause } from '../../domain/node-state.ts';
import type { Link } from '../../jetstream/connection.ts';
import { type Delivery, Puller, type PullStatus } from '../../jetstream/pull.ts';
import type { HeldDeliveries } from './held-deliveries.ts';

export type LaneOptions = {
	lane: LaneName;
	capacity: number;
	/** Whether it takes what comes, now. */
	takes: () => boolean;
	/** Why it takes nothing, as it is told. */
	pause: () => Pause | undefined;
	/** Whether it only looks what comes next, now. */
	isLooking: () => boolean;
	/** Nothing is there for it. */
	onNothing: () => void;
	held: Pick<HeldDeliveries, 'hold' | 'release'>;
	/** Undefined until the node knows its shard. */
	stream: () => string | undefined;
	consumer: string;
	link: Link;
	/** `stopping` aborts when the lane takes no more starts. Rejects only where our own code is broken. */
	handle: (delivery: Delivery, stopping: AbortSignal) => Promise<void>;
	onStatus: () => void;
	/** After each connect, once nothing waits on this lane or is at work. */
	onCaughtUp?: (() => void) | undefined;
	/** One was taken, or is done with. */
	onProgress?: (() => void) | undefined;
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
	/** Turns that have said their last word, and wait for the broker's. */
	readonly #acknowledging = new Set<Delivery>();
	#stopping = new AbortController();
	#poking: NodeJS.Immediate | undefined;
	#status: PullStatus = 'waiting';

	constructor(options: LaneOptions) {
		this.name = `lane ${options.lane}`;
		this.#options = options;
		this.#puller = new Puller({
			link: options.link,
			stream: options.stream,
			consumer: options.consumer,
			freeSlots: (isCatchingUp) => (options.takes() ? this.#freeSlots(isCatchingUp) : 0),
			onDelivery: (delivery) => this.#take(delivery),
			onStatus: (status) => {
				this.#status = status;
				options.onStatus();
			},
			onCaughtUp: options.onCaughtUp && (() => void Promise.all(this.#turns).then(options.onCaughtUp)),
			isLooking: options.isLooking,
			onNothing: options.onNothing,
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
		const pause = this.#options.pause() ?? null;
		const status = !this.#lifecycle.running ? 'stopped' : pause ? 'paused' : this.#status;
		return { lane, capacity, running: this.#turns.size, status, pause };
	}

	/**
	 * While the lane catches up, what is only acknowledged holds no slot: its outcome is on disk, so the order stays, and the
	 * next one comes a round trip sooner.
	 */
	#freeSlots(isCatchingUp: boolean): number {
		const ended = isCatchingUp ? this.#acknowledging.size : 0;
		return this.#options.capacity - this.#turns.size + ended;
	}

	#take(taken: Delivery): void {
		const { held, onProgress, onCaughtUp } = this.#options;
		// Where nothing is caught up with, nobody asks what is being acknowledged.
		const delivery = onCaughtUp ? this.#watched(taken) : taken;
		held.hold(delivery);
		onProgress?.();
		const turn = this.#options
			.handle(delivery, this.#stopping.signal)
			.catch((error: unknown) => this.#options.onBroken(error))
			.then(() => {
				held.release(delivery);
				this.#turns.delete(turn);
				onProgress?.();
				// Somebody may wait until nothing is at work here.
				if (!this.#options.takes()) this.#options.onStatus();
				this.#pokeSoon();
			});
		this.#turns.add(turn);
	}

	/** Slots that come free together are pulled for together. */
	#pokeSoon(): void {
		this.#poking ??= setImmediate(() => {
			this.#poking = undefined;
			this.#puller.poke();
		});
	}

	/** The delivery, of which the lane knows when it is being acknowledged. */
	#watched(delivery: Delivery): Delivery {
		const ackAck = async () => {
			const word = delivery.ackAck();
			this.#acknowledging.add(watched);
			this.#puller.poke();
			try {
				return await word;
			} finally {
				this.#acknowledging.delete(watched);
			}
		};
		const watched: Delivery = { ...delivery, ackAck };
		return watched;
	}
}
