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
	/** What another reader holds back, and what is handled together with this batch; called once for each. */
	also?: (batch: readonly Delivery[]) => readonly Delivery[];
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

	/** Hands over what still waits and is wanted; it is then with whoever asked for it. */
	take(isWanted: (delivery: Delivery) => boolean): readonly Delivery[] {
		const taken: Delivery[] = [];
		this.#waiting = this.#waiting.filter(({ delivery }) => {
			if (!isWanted(delivery)) return true;
			taken.push(delivery);
			return false;
		});
		if (taken.length > 0) this.#puller.poke();
		return taken;
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
		const { clock, handle, also, gather, log } = this.#options;
		await Promise.resolve();
		while (this.#waiting.length > 0 && !signal.aborted) {
			const waitMs = this.#untilDueMs();
			if (waitMs > 0) {
				await clock.sleep(waitMs, signal);
				continue;
			}
			const due = this.#takeDue();
			const batch = also ? [...due, ...also(due)] : due;
			this.#handling = batch.length;
			try {
				await handle(batch);
			} catch (error) {
				log.warn({ reader: this.name, err: messageOf(error) }, 'a batch failed; it comes again');
				for (const delivery of batch) delivery.nak(retryMs);
			}
			this.#handling = 0;
			this.#puller.poke();
			const isMuch = gather && due.length >= gather.from && this.#waiting.length < held / 2;
			if (isMuch) await clock.sleep(gather.forMs, signal);
		}
		this.#busy = undefined;
	}

	/** How long the first has to wait still, 0 where it is due. */
	#untilDueMs(): number {
		const { clock, linger } = this.#options;
		const [first] = this.#waiting;
		if (!linger || !first) return 0;
		const { forMs, after, longestMs } = linger;
		const age = clock.monotonic() - first.at;
		if (age < forMs) return forMs - age;
		return after.isBusy && age < longestMs && this.#waiting.length < held / 2 ? forMs : 0;
	}

	/** What has waited for long enough, at least one. */
	#takeDue(): Delivery[] {
		const { clock, linger } = this.#options;
		const dueBefore = linger ? clock.monotonic() - linger.forMs : Number.POSITIVE_INFINITY;
		const count = this.#waiting.findIndex(({ at }, place) => place > 0 && at > dueBefore);
		return this.#waiting.splice(0, count < 0 ? this.#waiting.length : count).map(({ delivery }) => delivery);
	}
}
