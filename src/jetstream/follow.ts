/**
 * Owns following a stream from its present content on: every message in order, and the moment when it has caught up.
 * Promises none lost and none twice through reconnects, and that a stream that was made anew is read from its beginning.
 * State built from it is soft: a restart reads again. (The client's own ordered consumer was seen to stop pulling after
 * a reconnect until two long heartbeats had been missed.)
 */

import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { type Msg, nuid, type Subscription } from '@nats-io/transport-node';
import { type Clock, systemClock } from '../base/clock.ts';
import { importedApi } from '../domain/subject.ts';
import type { Connection } from './connection.ts';
import { parseAckSubject } from './delivery.ts';
import { noAnswer } from './errors.ts';
import { ReadingFollower } from './follow-by-reading.ts';
import { headersOf } from './headers.ts';
import { apartFromReader } from './reach.ts';

export type Followed = {
	readonly subject: string;
	readonly data: Uint8Array;
	readonly header: (name: string) => string;
	readonly seq: number;
	/** Server time of its storing, milliseconds since the epoch. */
	readonly storedAt: number;
};

export type Following = {
	/** Resolves when everything that was there at the start has been handed over. */
	readonly caughtUp: Promise<void>;
	stop(): Promise<void>;
};

export type FollowOptions = {
	readonly stream: string;
	readonly filter: readonly string[];
	/** `last`: the last message of each subject, then all that comes. */
	readonly from: 'all' | 'last' | 'new';
	/** Only what comes after this sequence of the stream that is there at first. */
	readonly after?: number;
	readonly headersOnly?: boolean;
	/** Messages that are asked for at once, and that may wait for a slow `onMessage`. 1,000 by default. */
	readonly batch?: number;
	/** The stream was made anew: what was built from the old one counts no more. */
	readonly onReset?: () => void;
	/** Told which stream it is, and its last sequence then; each time that it is asked for. Not where it follows by reading. */
	readonly onOpen?: (stream: { readonly created: string; readonly lastSeq: number }) => void;
	readonly clock?: Clock;
};

/** What it answers counts only where it is a promise. */
type OnMessage = (message: Followed) => unknown;

const policies = {
	all: DeliverPolicy.All,
	last: DeliverPolicy.LastPerSubject,
	new: DeliverPolicy.StartSequence,
} as const;

const usualBatch = 1000;
const expiresMs = 30_000;
const heartbeatMs = 5000;
const retryMs = 500;
/** A new leader writes down what it has of the old one; a store that has lost something still lacks it after that. */
const catchUpMs = 3000;
/** The server removes a consumer that nobody has pulled from for so long. */
const inactiveMs = 60_000;

/**
 * Calls `onMessage` for what is in the stream and for all that comes. Where it answers with promises, no more is asked for
 * than `batch` beyond what they have done with: memory stays bounded, however slow they are.
 * @throws StewardError `no-broker` at first
 */
export async function follow(
	connection: Connection,
	options: FollowOptions,
	onMessage: OnMessage,
): Promise<Following> {
	const mayMakeConsumers = connection.api !== importedApi;
	const follower = mayMakeConsumers
		? new Follower(connection, options, onMessage)
		: new ReadingFollower(connection, options, onMessage, options.clock ?? systemClock);
	await follower.open();
	return follower;
}

class Follower implements Following {
	readonly caughtUp: Promise<void>;
	readonly #connection: Connection;
	readonly #options: FollowOptions;
	readonly #onMessage: OnMessage;
	readonly #clock: Clock;
	readonly #stopping = new AbortController();
	#offLink: () => void = () => undefined;
	#isCaughtUp: () => void = () => undefined;
	#subscription: Subscription | undefined;
	/** Where the consumer answers; empty while there is none. */
	#inbox = '';
	#opening: Promise<void> | undefined;
	#streamCreated = '';
	/** Since when the stream has held less than was handed over. */
	#behindSince: number | undefined;
	/** Last sequence that was handed over; 0 before the first. */
	#cursor: number;
	#consumer = '';
	#consumerSeq = 0;
	#outstanding = 0;
	/** Handed over, and not done with. */
	#unhandled = 0;
	/** Messages that were there at the start and have not come yet; undefined before the start. */
	#left: number | undefined;
	#lastHeard = 0;
	#cancelWatch: () => void = () => undefined;

	constructor(connection: Connection, options: FollowOptions, onMessage: OnMessage) {
		this.#connection = connection;
		this.#options = options;
		this.#onMessage = onMessage;
		this.#clock = options.clock ?? systemClock;
		this.#cursor = options.after ?? 0;
		this.caughtUp = new Promise((resolve) => {
			this.#isCaughtUp = resolve;
		});
	}

	async open(): Promise<void> {
		try {
			await this.#make();
		} catch (error) {
			throw noAnswer(this.#options.stream, error);
		}
		this.#offLink = this.#connection.reach.onChange((isUp) => {
			if (isUp) this.#reopen();
		});
		this.#watch();
	}

	async stop(): Promise<void> {
		this.#stopping.abort();
		this.#offLink();
		this.#cancelWatch();
		this.#subscription?.unsubscribe();
		this.#forget(this.#consumer);
	}

	/** Not waited for: where nobody answers, the server removes it by itself. */
	#forget(consumer: string): void {
		if (consumer === '' || this.#connection.nc.isClosed()) return;
		this.#connection.jsm.consumers.delete(this.#options.stream, consumer).catch(() => false);
	}

	/** A consumer that says nothing for two heartbeats is gone, or the way to it. Who is asked nothing says nothing. */
	#watch(): void {
		this.#cancelWatch = this.#clock.after(heartbeatMs, () => {
			if (this.#outstanding > 0 && this.#clock.monotonic() - this.#lastHeard > 2.5 * heartbeatMs)
				this.#reopen();
			this.#watch();
		});
	}

	#reopen(): void {
		this.#opening ??= this.#tryToMake().finally(() => {
			this.#opening = undefined;
		});
	}

	async #tryToMake(): Promise<void> {
		const { signal } = this.#stopping;
		while (!signal.aborted) {
			try {
				return await this.#make();
			} catch {
				// The stream or its server is not there; whoever watches the link says so.
				await this.#clock.sleep(retryMs, signal);
			}
		}
	}

	async #make(): Promise<void> {
		const { jsm, nc } = this.#connection;
		const { stream, filter, from, headersOnly } = this.#options;
		this.#subscription?.unsubscribe();
		this.#inbox = '';
		const lastSeq = await this.#noticeReset();
		if (this.#stopping.signal.aborted) return;
		// "New" is fixed to a sequence: what comes while the consumer has to be made again is new as well.
		if (this.#left === undefined && from === 'new') this.#cursor = lastSeq;
		const resumed = this.#cursor > 0 || from === 'new';
		const info = await jsm.consumers.add(stream, {
			name: nuid.next(),
			ack_policy: AckPolicy.None,
			filter_subjects: [...filter],
			deliver_policy: resumed ? DeliverPolicy.StartSequence : policies[from],
			...(resumed ? { opt_start_seq: this.#cursor + 1 } : {}),
			...(headersOnly ? { headers_only: true } : {}),
			mem_storage: true,
			num_replicas: 1,
			inactive_threshold: inactiveMs * 1e6,
		});
		if (this.#stopping.signal.aborted) return this.#forget(info.name);
		this.#consumer = info.name;
		this.#consumerSeq = 0;
		this.#outstanding = 0;
		this.#lastHeard = this.#clock.monotonic();
		this.#left ??= info.num_pending;
		if (this.#left === 0) this.#isCaughtUp();
		const inbox = this.#connection.newInbox();
		this.#inbox = inbox;
		this.#subscription = nc.subscribe(inbox, {
			callback: (error, message) => {
				if (!error) apartFromReader(() => this.#take(inbox, message));
			},
		});
		this.#pull(inbox);
	}

	/** Last sequence of the stream. */
	async #noticeReset(): Promise<number> {
		const { created, state, config } = await this.#connection.jsm.streams.info(this.#options.stream);
		const isBehind = created === this.#streamCreated && state.last_seq < this.#cursor;
		this.#behindSince = isBehind ? (this.#behindSince ?? this.#clock.monotonic()) : undefined;
		const mayCatchUp = config.num_replicas > 1 && isBehind;
		if (mayCatchUp && this.#clock.monotonic() - (this.#behindSince ?? 0) < catchUpMs) {
			throw new Error('a new leader has not caught up yet');
		}
		const isAnother = this.#streamCreated !== '' && (created !== this.#streamCreated || isBehind);
		this.#streamCreated = created;
		if (isAnother && !this.#stopping.signal.aborted) {
			this.#cursor = 0;
			this.#options.onReset?.();
		}
		this.#options.onOpen?.({ created, lastSeq: state.last_seq });
		return state.last_seq;
	}

	#pull(inbox: string): void {
		const { batch = usualBatch } = this.#options;
		const held = this.#outstanding + this.#unhandled;
		// A quarter may be left before more is asked for.
		if (held > batch / 4) return;
		if (this.#outstanding === 0) this.#lastHeard = this.#clock.monotonic();
		this.#outstanding += batch;
		this.#connection.nc.publish(
			`${this.#connection.api}.CONSUMER.MSG.NEXT.${this.#options.stream}.${this.#consumer}`,
			JSON.stringify({ batch, expires: expiresMs * 1e6, idle_heartbeat: heartbeatMs * 1e6 }),
			{ reply: inbox },
		);
	}

	#take(inbox: string, message: Msg): void {
		this.#lastHeard = this.#clock.monotonic();
		const ack = message.reply === undefined ? undefined : parseAckSubject(message.reply);
		if (!ack) return this.#onStatus(inbox, message);
		if (ack.consumerSeq !== this.#consumerSeq + 1) return this.#reopen();
		this.#consumerSeq = ack.consumerSeq;
		this.#outstanding -= 1;
		this.#cursor = ack.seq;
		const { subject, data } = message;
		const handled = this.#onMessage({
			...{ subject, data, header: headersOf(message).get },
			seq: ack.seq,
			storedAt: ack.storedAt,
		});
		if (handled instanceof Promise) void this.#whenHandled(handled);
		if (this.#left !== undefined && this.#left > 0) {
			this.#left -= 1;
			if (this.#left === 0 || ack.pending === 0) this.#isCaughtUp();
		}
		this.#pull(inbox);
	}

	async #whenHandled(handled: Promise<unknown>): Promise<void> {
		this.#unhandled += 1;
		await handled;
		this.#unhandled -= 1;
		if (!this.#stopping.signal.aborted && this.#inbox !== '') this.#pull(this.#inbox);
	}

	#onStatus(inbox: string, message: Msg): void {
		const { code, get } = headersOf(message);
		switch (code) {
			case 100:
				// An idle server has handed over everything, also where what was counted at the start is gone since.
				return this.#isCaughtUp();
			case 404:
			case 408: {
				const left = Number(get('Nats-Pending-Messages'));
				this.#outstanding -= Number.isFinite(left) && left > 0 ? left : this.#outstanding;
				return this.#pull(inbox);
			}
			default:
				// Deleted, or nobody is there to ask.
				this.#reopen();
		}
	}
}
