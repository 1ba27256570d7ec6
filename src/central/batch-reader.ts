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
	/** Each waits so long before it is handled, and while another reader is busy, but no longer than `longestMs`. Milliseconds. */
	linger?: {
		readonly forMs: number;
		readonly after: Pick<BatchReader, 'isBusy'>;
		readonly longestMs: number;
	};
	/** After a batch of at least `from` the next one gathers for so long: where much comes, large batches cost the broker the least. */
	gather?: { readonly from: number; readonly forMs: number };
	clock: Clock;
	log: Log;
};

export class BatchReader implements Service {
	readonly name: string;
	readonly #options: BatchReaderOptions;
	readonly #lifecycle: Lifecycle;
	readonly #puller: Puller;
	/** In the order in which they came, and when, by the monotonic clock. */
	#waiting: { readonly delivery: Delivery; readonly at: number }[] = [];
	#busy: Promise<void> | undefined;
	#handling = 0;
	#stopping = new AbortController();
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
				this.#waiting.push({ delivery, at: options.clock.monotonic() });
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
				this.#stopping = new AbortController();
				await this.#make();
				await this.#puller.start();
				// A broker that comes back may have lost the consumer, and a try to make it may have met no link.
				this.#offLink = options.link.onReconnect(() => void this.#make());
			},
			async () => {
				this.#stopping.abort();
				this.#offLink();
				await this.#puller.stop();
				await this.#busy;
				for (const { delivery } of this.#waiting.splice(0)) delivery.nak();
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Something is here that is not done with. */
	get isBusy(): boolean {
		return this.#busy !== undefined;
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
			if (!this.#stopping.signal.aborted) this.#options.clock.after(retryMs, () => void this.#make());
		}
	}

	async #drain(): Promise<void> {
		const { signal } = this.#stopping;
		await Promise.resolve();
		while (this.#waiting.length > 0 && !signal.aborted) {
			const batch = await this.#due(signal);
			if (signal.aborted) break;
			this.#waiting.splice(0, batch.length);
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
			const { gather, clock } = this.#options;
			const isMuch = gather && batch.length >= gather.from && this.#waiting.length < held / 2;
			if (isMuch) await clock.sleep(gather.forMs, signal);
		}
		this.#busy = undefined;
	}

	/** What has waited for long enough, at least one; more may come while it is waited for. */
	async #due(signal: AbortSignal): Promise<Delivery[]> {
		const { clock, linger } = this.#options;
		const [first] = this.#waiting;
		if (!linger || !first) return this.#waiting.map(({ delivery }) => delivery);
		const { forMs, after, longestMs } = linger;
		const age = () => clock.monotonic() - first.at;
		await clock.sleep(forMs - age(), signal);
		const mayWait = () => age() < longestMs && this.#waiting.length < held / 2;
		while (after.isBusy && mayWait() && !signal.aborted) await clock.sleep(forMs, signal);
		const count = this.#waiting.findIndex(({ at }) => at > first.at + Math.max(0, age() - forMs));
		return this.#waiting.slice(0, count < 0 ? undefined : count).map(({ delivery }) => delivery);
	}
}
