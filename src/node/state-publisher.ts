/**
 * Owns saying what the node is: its state on every connect, on change, and every ten minutes; and its beats.
 * Promises that each saying is also a reading of the broker's clock. Neither goes through the outbox: a state that is
 * lost is said again, and only the last one counts.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import type { Beat, NodeState } from '../domain/node-state.ts';
import { streams, subjects } from '../domain/subject.ts';
import { type Connection, type Link, requestTimeoutMs } from '../jetstream/connection.ts';
import { getLast } from '../jetstream/direct-get.ts';
import { Publisher } from '../jetstream/publisher.ts';
import type { ServerTime } from './server-time.ts';

/** Changes are gathered this long: a state is an fsync at the broker. */
const gatherMs = 1000;
const refreshMs = 600_000;
const retryMs = 2000;

export type StatePublisherOptions = {
	node: string;
	link: Link;
	serverTime: ServerTime;
	describe: () => NodeState;
	/** Who beats: tells two nodes of one name apart. */
	beat: Omit<Beat, 'leaving'>;
	beatEveryMs: number;
	clock: Clock;
	log: Log;
};

export class StatePublisher implements Service {
	readonly name = 'state';
	readonly #options: StatePublisherOptions;
	readonly #lifecycle: Lifecycle;
	#cancelSay: () => void = () => undefined;
	#cancelBeat: () => void = () => undefined;
	#off: () => void = () => undefined;
	#saying: Promise<void> = Promise.resolve();
	#isDue = false;

	constructor(options: StatePublisherOptions) {
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#off = options.link.onUp(() => {
					this.#beat();
					this.#sayIn(0);
				});
			},
			async () => {
				this.#off();
				this.#cancelSay();
				this.#cancelBeat();
				await this.#saying;
				await this.#takeLeave();
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Something in the state is different: it is said soon. */
	changed(): void {
		if (this.#isDue || !this.#lifecycle.running) return;
		this.#sayIn(gatherMs);
	}

	#sayIn(ms: number): void {
		this.#cancelSay();
		this.#isDue = true;
		this.#cancelSay = this.#options.clock.after(ms, () => {
			this.#saying = this.#saying.then(() => this.#say());
		});
	}

	async #say(): Promise<void> {
		const { link, log } = this.#options;
		const connection = link.connection;
		this.#isDue = false;
		if (!connection) return;
		try {
			await this.#publishAndRead(connection);
			if (!this.#isDue && this.#lifecycle.running) this.#sayLater(refreshMs);
		} catch (error) {
			log.debug({ err: messageOf(error) }, 'the state could not be said; again soon');
			if (this.#lifecycle.running) this.#sayIn(retryMs);
		}
	}

	#sayLater(ms: number): void {
		this.#cancelSay = this.#options.clock.after(ms, () => this.#sayIn(0));
	}

	/** The stored time of one's own state is the broker's clock; a replica may lag, so its sequence is compared. */
	async #publishAndRead(connection: Connection): Promise<void> {
		const { node, clock, serverTime, describe } = this.#options;
		const subject = subjects.state(node);
		const publisher = new Publisher(connection, { stream: streams.state, mayLookUp: false });
		const offsetBefore = serverTime.offsetMs;
		const sentAt = clock.now();
		const ack = await publisher.publish({ subject, data: JSON.stringify(describe()) });
		const answeredAt = clock.now();
		const stored = await getLast(connection, streams.state, subject);
		if (stored?.seq !== ack.seq) return;
		serverTime.read(stored.storedAt, sentAt, answeredAt);
		// The first reading is part of the state, so the state is said once more.
		if (offsetBefore === null) this.#sayIn(0);
	}

	#beat(): void {
		const { link, node, clock, beatEveryMs } = this.#options;
		this.#cancelBeat();
		link.connection?.nc.publish(subjects.beat(node), JSON.stringify({ ...this.#options.beat, leaving: false }));
		this.#cancelBeat = clock.after(beatEveryMs, () => this.#beat());
	}

	/** A clean stop says so: the centre need not wait for a silence. */
	async #takeLeave(): Promise<void> {
		const { link, node, clock } = this.#options;
		const connection = link.connection;
		if (!connection) return;
		const said = this.#publishAndRead(connection).catch(() => {
			// Without this last word the centre notices the silence.
		});
		await Promise.race([said, clock.sleep(requestTimeoutMs / 2)]);
		connection.nc.publish(subjects.beat(node), JSON.stringify({ ...this.#options.beat, leaving: true }));
	}
}
