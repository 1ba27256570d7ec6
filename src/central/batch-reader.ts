/**
 * Owns reading one of the centre's consumers in batches: what arrives while a batch is handled is the next one.
 * Promises one batch at a time, and that what was not acknowledged comes again.
 * Holds only deliveries that the broker still owns.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import type { Link } from '../jetstream/connection.ts';
import { ensureCentreConsumer } from '../jetstream/consumers.ts';
import { type Delivery, Puller } from '../jetstream/pull.ts';

/** Deliveries held at once. */
const held = 1000;
const retryMs = 1000;
/** Where the consumer's server was killed nobody says so: the centre notices within 5 s. */
const heartbeatMs = 2000;

export type BatchReaderOptions = {
	link: Link;
	stream: string;
	consumer: string;
	/** Handles a batch and acknowledges what is done; the rest is handed back. */
	handle: (batch: readonly Delivery[]) => Promise<void>;
	/** Told of each that comes, by its subject. */
	onRead?: ((subject: string) => void) | undefined;
	clock: Clock;
	log: Log;
};

export class BatchReader implements Service {
	readonly name: string;
	readonly #options: BatchReaderOptions;
	readonly #lifecycle: Lifecycle;
	readonly #puller: Puller;
	#waiting: Delivery[] = [];
	#busy: Promise<void> | undefined;
	#handling = 0;
	#stopping = false;
	#offLink: () => void = () => undefined;

	constructor(options: BatchReaderOptions) {
		this.name = `${options.consumer} of ${options.stream}`;
		this.#options = options;
		this.#puller = new Puller({
			link: options.link,
			stream: () => options.stream,
			consumer: options.consumer,
			freeSlots: () => held - this.#waiting.length - this.#handling,
			onDelivery: (delivery) => {
				options.onRead?.(delivery.subject);
				this.#waiting.push(delivery);
				this.#busy ??= this.#drain();
			},
			onStatus: (status) => {
				if (status === 'waiting') void this.#make();
			},
			heartbeatMs,
			clock: options.clock,
		});
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#stopping = false;
				await this.#make();
				await this.#puller.start();
				// A broker that comes back may have lost the consumer, and a try to make it may have met no link.
				this.#offLink = options.link.onReconnect(() => void this.#make());
			},
			async () => {
				this.#stopping = true;
				this.#offLink();
				await this.#puller.stop();
				await this.#busy;
				for (const delivery of this.#waiting.splice(0)) delivery.nak();
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	async #make(): Promise<void> {
		const { link, stream, consumer, log } = this.#options;
		try {
			// Without a link this is done when it is back.
			if (link.connection) await ensureCentreConsumer(link.connection, stream, consumer);
			this.#puller.poke();
		} catch (error) {
			log.warn(
				{ consumer, stream, err: messageOf(error) },
				'a consumer of the centre cannot be made; trying again',
			);
			if (!this.#stopping) this.#options.clock.after(retryMs, () => void this.#make());
		}
	}

	async #drain(): Promise<void> {
		await Promise.resolve();
		while (this.#waiting.length > 0 && !this.#stopping) {
			const batch = this.#waiting.splice(0);
			this.#handling = batch.length;
			try {
				await this.#options.handle(batch);
			} catch (error) {
				this.#options.log.warn(
					{ reader: this.name, err: messageOf(error) },
					'a batch failed; it comes again',
				);
				for (const delivery of batch) delivery.nak(retryMs);
			}
			this.#handling = 0;
			this.#puller.poke();
		}
		this.#busy = undefined;
	}
}
