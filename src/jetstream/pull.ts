/**
 * Owns pulling from one durable consumer: exactly as many messages as there are free slots, never more.
 * Promises that a lost pull is noticed and made again, that a missing consumer is said, and that after `stop`
 * nothing is delivered. What was delivered and not acknowledged before a crash comes again by itself.
 */

import {
	createInbox,
	type Msg,
	type MsgHdrs,
	headers as makeHeaders,
	type Subscription,
} from '@nats-io/transport-node';
import type { Clock } from '../base/clock.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Connection, Link } from './connection.ts';

/** One hand-over of a message by a consumer. */
export type Delivery = {
	readonly subject: string;
	readonly data: Uint8Array;
	readonly header: (name: string) => string;
	/** Sequence on the stream. */
	readonly seq: number;
	/** How often the consumer has handed it over, 1 for the first time. */
	readonly deliveries: number;
	/** Server time of its storing, milliseconds since the epoch. */
	readonly storedAt: number;
	/** Acknowledges and waits for the server's word; false when none came in time. */
	ackAck(): Promise<boolean>;
	/** Acknowledges without waiting. */
	ack(): void;
	/** Hands it back, to come again after `delayMs`. */
	nak(delayMs?: number): void;
	/** Ends it: it will not come again. */
	term(reason: string): void;
	/** Keeps its lease: the server waits another `ack_wait`. */
	working(): void;
};

export type PullStatus = 'ready' | 'waiting';

type PullerOptions = {
	link: Link;
	/** Undefined while it is not known yet: then nothing is pulled. */
	stream: () => string | undefined;
	consumer: string;
	/** Slots that are free now, outstanding pulls not counted. */
	freeSlots: () => number;
	onDelivery: (delivery: Delivery) => void;
	/** `waiting`: the consumer is not there; said once for each change. */
	onStatus?: (status: PullStatus) => void;
	clock: Clock;
};

/** A pull waits this long at the server before it is made again. */
const expiresMs = 30_000;
const heartbeatMs = 10_000;
const retryMs = { first: 200, most: 5000 };

type Pull = { remaining: number; lastHeard: number };

export class Puller implements Service {
	readonly name: string;
	readonly #options: PullerOptions;
	readonly #lifecycle: Lifecycle;
	readonly #pulls = new Map<string, Pull>();
	#subscription: Subscription | undefined;
	#inbox = '';
	#serial = 0;
	#cancelRetry: () => void = () => undefined;
	#cancelWatch: () => void = () => undefined;
	#failures = 0;
	#status: PullStatus | undefined;
	#offLink: (() => void)[] = [];

	constructor(options: PullerOptions) {
		this.name = `pull ${options.consumer}`;
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#offLink = [
					options.link.onUp((connection) => this.#attach(connection)),
					options.link.onDown(() => this.#detach()),
				];
				this.#watch();
			},
			async () => {
				for (const off of this.#offLink) off();
				this.#cancelWatch();
				this.#detach();
				this.#status = undefined;
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Slots came free, or the consumer was made: pull now what is missing. */
	poke(): void {
		const connection = this.#options.link.connection;
		const stream = this.#options.stream();
		if (!connection || !stream || !this.#subscription) return;
		const outstanding = [...this.#pulls.values()].reduce((sum, pull) => sum + pull.remaining, 0);
		const wanted = this.#options.freeSlots() - outstanding;
		if (wanted <= 0) return;
		this.#cancelRetry();
		const token = String(++this.#serial);
		this.#pulls.set(token, { remaining: wanted, lastHeard: this.#options.clock.monotonic() });
		connection.nc.publish(
			`$JS.API.CONSUMER.MSG.NEXT.${stream}.${this.#options.consumer}`,
			JSON.stringify({ batch: wanted, expires: expiresMs * 1e6, idle_heartbeat: heartbeatMs * 1e6 }),
			{ reply: `${this.#inbox}.${token}` },
		);
	}

	#attach(connection: Connection): void {
		this.#detach();
		this.#inbox = createInbox();
		this.#subscription = connection.nc.subscribe(`${this.#inbox}.*`, {
			callback: (error, message) => {
				if (!error) this.#onMessage(connection, message);
			},
		});
		this.poke();
	}

	#detach(): void {
		this.#subscription?.unsubscribe();
		this.#subscription = undefined;
		this.#pulls.clear();
		this.#cancelRetry();
	}

	#onMessage(connection: Connection, message: Msg): void {
		if (message.reply) return this.#onDelivery(connection, message);
		// A status comes to the inbox of its pull; a message keeps its own subject.
		const token = message.subject.slice(this.#inbox.length + 1);
		const pull = this.#pulls.get(token);
		if (!pull || !message.headers) return;
		pull.lastHeard = this.#options.clock.monotonic();
		switch (message.headers.code) {
			case 100:
				return this.#say('ready');
			case 404:
			case 408:
				this.#pulls.delete(token);
				this.#say('ready');
				return this.poke();
			default: {
				// 503: no such consumer, or nobody to ask. 409: it was deleted, or the server changes hands.
				this.#pulls.delete(token);
				const deleted = /deleted/i.test(message.headers.description);
				if (message.headers.code === 503 || deleted) this.#say('waiting');
				this.#retryLater();
			}
		}
	}

	#onDelivery(connection: Connection, message: Msg): void {
		this.#failures = 0;
		this.#say('ready');
		// The server serves the oldest pull first.
		const [oldest] = this.#pulls;
		if (oldest) {
			const [token, pull] = oldest;
			pull.remaining -= 1;
			pull.lastHeard = this.#options.clock.monotonic();
			if (pull.remaining <= 0) this.#pulls.delete(token);
		}
		const delivery = toDelivery(connection, message);
		if (delivery) this.#options.onDelivery(delivery);
	}

	#retryLater(): void {
		this.#cancelRetry();
		const wait = Math.min(retryMs.first * 2 ** this.#failures++, retryMs.most);
		this.#cancelRetry = this.#options.clock.after(wait, () => this.poke());
	}

	/** A pull that says nothing for two heartbeats is lost: the server or the way to it forgot it. */
	#watch(): void {
		this.#cancelWatch = this.#options.clock.after(heartbeatMs, () => {
			const now = this.#options.clock.monotonic();
			for (const [token, pull] of this.#pulls) {
				if (now - pull.lastHeard > 2.5 * heartbeatMs) this.#pulls.delete(token);
			}
			this.poke();
			this.#watch();
		});
	}

	#say(status: PullStatus): void {
		if (this.#status === status) return;
		this.#status = status;
		this.#options.onStatus?.(status);
	}
}

/** Reads `$JS.ACK.[domain.account.]stream.consumer.delivered.seq.consumerSeq.time.pending[.token]` (ADR-15). */
function toDelivery({ nc }: Connection, message: Msg): Delivery | undefined {
	const tokens = message.reply?.split('.') ?? [];
	const offset = tokens.length > 9 ? 2 : 0;
	const [deliveries, seq, , nanos] = tokens.slice(4 + offset, 8 + offset);
	const reply = message.reply;
	if (!reply || tokens[1] !== 'ACK' || !seq || !nanos) return undefined;
	const header: MsgHdrs = message.headers ?? makeHeaders();
	return {
		subject: message.subject,
		data: message.data,
		header: (name) => header.get(name),
		seq: Number(seq),
		deliveries: Number(deliveries),
		storedAt: Number(BigInt(nanos) / 1_000_000n),
		ack: () => nc.publish(reply, '+ACK'),
		nak: (delayMs) =>
			nc.publish(reply, delayMs ? `-NAK ${JSON.stringify({ delay: delayMs * 1e6 })}` : '-NAK'),
		term: (reason) => nc.publish(reply, `+TERM ${reason}`),
		working: () => nc.publish(reply, '+WPI'),
		ackAck: async () => {
			try {
				await nc.request(reply, '+ACK', { timeout: 5000 });
				return true;
			} catch {
				// No word: it may count or not. The next delivery, if one comes, is answered by the journal.
				return false;
			}
		},
	};
}
