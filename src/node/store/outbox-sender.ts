/**
 * Owns sending what the outbox holds: stream by stream, in order, a window at a time, no faster than its budget.
 * Promises that an entry leaves the disk only after the broker's PubAck, that a stream which takes nothing delays no
 * other one, and that what can never be sent is set aside with its reason instead of standing in the way.
 * A crash sends again what was not confirmed; the receiver knows it by its key.
 */

import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { streams } from '../../domain/subject.ts';
import { type Connection, requestTimeoutMs } from '../../jetstream/connection.ts';
import { sizeOf } from '../../jetstream/publish-request.ts';
import {
	batchHeadersBytes,
	PublishError,
	Publisher,
	type PublishRequest,
	type Seal,
} from '../../jetstream/publisher.ts';
import type { Store, Writes } from './store.ts';
import { type UplinkBounds, UplinkBudget } from './uplink-budget.ts';

export type OutboxEntry = {
	readonly stream: string;
	readonly request: PublishRequest;
	/** The journal's entry that waits for the confirmation of this report. */
	readonly journalId?: string;
};

export type OutboxSenderOptions = {
	store: Store;
	/** Vouches for reports. */
	seal?: Seal | undefined;
	/** Called with the journal's id when its report is confirmed, within the transaction that removes the entry. */
	onConfirmed: (writes: Writes, journalId: string) => void;
	/** How fast it may go out. */
	uplink: UplinkBounds;
	/** Called when an entry is no longer in the outbox. */
	onGone: (entry: OutboxEntry) => void;
	/** How long the broker's first word may take, milliseconds. */
	answerWithinMs?: number | undefined;
	/** Called when an entry was moved to the table `undeliverable`. */
	onUndeliverable: (entry: OutboxEntry, why: string) => void;
	clock: Clock;
	log: Log;
};

/** A node batches at most this much: a stream abandons a batch after 10 s of silence on a thin link. */
const batchBytes = 64 * 1024;
/** Messages of one stream under way at once. */
const window = 256;
const retryAfterMs = 1000;
/** A broker that has so much to write is asked no more often than this. */
const longestAnswerMs = 30_000;
/** The server's `err_code` for a message that its stream will never take: it is too large. */
const exceedsMaximum = 10054;

/** Where an entry is in the table `outbox`: the keys of one stream sort by number. */
export function outboxKeyOf(stream: string, n: number): string {
	return `${stream} ${String(n).padStart(16, '0')}`;
}

/** An entry and its key in the table. */
type Sent = { readonly name: string; readonly entry: OutboxEntry };

/** One stream's way over one connection: how far it was read, what is under way, and whether it waits after a failure. */
type Channel = {
	readonly stream: string;
	readonly connection: Connection;
	publisher: Publisher;
	/** How long it waits for the broker's word: longer each time that none came, for as long as this connection holds. */
	answerWithinMs: number;
	readonly inFlight: Set<string>;
	/** What the broker has, and the disk still holds. */
	confirmed: Sent[];
	cursor: string;
	/** The disk may hold something from the cursor on: until it was read to its end, what is new waits behind that. */
	isBehind: boolean;
	isPaused: boolean;
	cancelRetry: () => void;
};

export class OutboxSender {
	readonly #options: OutboxSenderOptions;
	/** Made anew on every connect: what was under way is sent again, in order, without waiting for answers that are lost. */
	#channels: readonly Channel[] = [];
	/** What the broker has, or never takes, and the disk still holds: no link sends it again. */
	readonly #leaving = new Set<string>();
	#pumping: NodeJS.Immediate | undefined;
	#maxPayload: number | undefined;
	readonly #budget: UplinkBudget;

	constructor(options: OutboxSenderOptions) {
		this.#options = options;
		this.#budget = new UplinkBudget(options.uplink, options.clock, () => this.pump());
	}

	/** How many bytes the broker takes in one message; undefined before the first connection. */
	get maxPayload(): number | undefined {
		return this.#maxPayload;
	}

	/** The link is up: all that is on disk is sent, from the first on. */
	attach(connection: Connection): void {
		this.detach();
		this.#maxPayload = connection.nc.info?.max_payload;
		const answerWithinMs = this.#options.answerWithinMs ?? requestTimeoutMs;
		this.#channels = [streams.reports, streams.events, streams.intake].map((stream) => {
			const channel: Channel = {
				...{ stream, connection, answerWithinMs },
				publisher: this.#publisherOf({ stream, connection, answerWithinMs }, () => this.#isCurrent(channel)),
				inFlight: new Set(),
				confirmed: [],
				cursor: outboxKeyOf(stream, 0),
				isBehind: true,
				isPaused: false,
				cancelRetry: () => undefined,
			};
			return channel;
		});
		this.pump();
	}

	/** What was under way when its link was lost is tried again by the next one, and by nobody else: `mayPublish` says whether it is there. */
	#publisherOf(
		{ stream, connection, answerWithinMs }: Pick<Channel, 'stream' | 'connection' | 'answerWithinMs'>,
		mayPublish: () => boolean,
	): Publisher {
		const seal = stream === streams.reports ? this.#options.seal : undefined;
		const bounds = { maxBytes: batchBytes, timeoutMs: answerWithinMs };
		return new Publisher(connection, { stream, mayLookUp: false, ...bounds, seal, mayPublish });
	}

	/** The link is down, or the outbox stops: nothing more is sent. */
	detach(): void {
		for (const channel of this.#channels) channel.cancelRetry();
		this.#budget.forget();
		this.#channels = [];
	}

	/** It is on disk now: sent at once, without being read again, where nothing of its stream is before it. */
	take(name: string, entry: OutboxEntry): void {
		const channel = this.#channels.find(({ stream }) => stream === entry.stream);
		if (!channel || name < channel.cursor) return;
		const goesAtOnce = !channel.isBehind && this.#hasRoom(channel) && this.#budget.mayTake(costOf(entry));
		if (goesAtOnce) return this.#begin(channel, name, entry);
		channel.isBehind = true;
		this.#pump(channel);
	}

	/** The disk may hold what it was not told of: that is read before anything new goes out. */
	lookAgain(): void {
		for (const channel of this.#channels) channel.isBehind = true;
		this.pump();
	}

	/** Sends what the disk holds. */
	pump(): void {
		for (const channel of this.#channels) this.#pump(channel);
	}

	#pump(channel: Channel): void {
		if (!channel.isBehind || !this.#hasRoom(channel)) return;
		const bounds = { start: channel.cursor, end: `${channel.stream} ~` };
		for (const { key, value } of this.#options.store.range<OutboxEntry>('outbox', bounds)) {
			const name = String(key);
			if (channel.inFlight.has(name) || this.#leaving.has(name)) {
				channel.cursor = `${name} `;
				continue;
			}
			// Its number would be given out again after a power loss: it is taken once it is on disk.
			if (!this.#options.store.isOnDisk('outbox', name) || !this.#budget.mayTake(costOf(value))) return;
			this.#begin(channel, name, value);
			if (!this.#hasRoom(channel)) return;
		}
		channel.isBehind = false;
	}

	#hasRoom(channel: Channel): boolean {
		return !channel.isPaused && channel.inFlight.size < window && !this.#budget.isUsedUp;
	}

	#begin(channel: Channel, name: string, entry: OutboxEntry): void {
		channel.cursor = `${name} `;
		channel.inFlight.add(name);
		void this.#send(channel, name, entry);
	}

	async #send(channel: Channel, name: string, entry: OutboxEntry): Promise<void> {
		try {
			const why = await this.#publish(channel, entry);
			if (why === undefined) return this.#removeSoon(channel, { name, entry });
			await this.#setAside(name, entry, why);
			channel.inFlight.delete(name);
			this.#pumpSoon();
		} catch (error) {
			channel.inFlight.delete(name);
			this.#pause(channel, error);
		}
	}

	/** Those of one batch leave the disk together. */
	#removeSoon(channel: Channel, sent: Sent): void {
		this.#leaving.add(sent.name);
		channel.confirmed.push(sent);
		if (channel.confirmed.length === 1) setImmediate(() => void this.#remove(channel));
	}

	async #remove(channel: Channel): Promise<void> {
		const { store, onConfirmed, onGone } = this.#options;
		const confirmed = channel.confirmed.splice(0);
		try {
			await store.commitLazily((writes) => {
				for (const { name } of confirmed) writes.remove('outbox', name);
				// Once for each: within one transaction nobody reads what another has just written.
				for (const id of new Set(confirmed.flatMap(({ entry }) => entry.journalId ?? [])))
					onConfirmed(writes, id);
			});
			for (const { entry } of confirmed) onGone(entry);
		} catch (error) {
			// Also where its link is another by now, which passed them over.
			for (const current of this.#channels)
				if (current.stream === channel.stream) this.#pause(current, error);
		} finally {
			for (const { name } of confirmed) {
				channel.inFlight.delete(name);
				this.#leaving.delete(name);
			}
			this.#pumpSoon();
		}
	}

	/** Those of one batch are done with together: the disk is read once for all of them. Another link may have waited for them, too. */
	#pumpSoon(): void {
		this.#pumping ??= setImmediate(() => {
			this.#pumping = undefined;
			this.pump();
		});
	}

	#isCurrent(channel: Channel): boolean {
		return this.#channels.includes(channel);
	}

	/** Resolves when the broker has it, or with the reason why it never will. @throws PublishError */
	async #publish({ publisher }: Channel, { request }: OutboxEntry): Promise<string | undefined> {
		try {
			await publisher.publish(request);
			return undefined;
		} catch (error) {
			if (error instanceof PublishError && error.errCode === exceedsMaximum) return error.message;
			throw error;
		}
	}

	async #setAside(name: string, entry: OutboxEntry, why: string): Promise<void> {
		const { store, clock, log, onUndeliverable, onGone } = this.#options;
		this.#leaving.add(name);
		try {
			await store.commit((writes) => {
				writes.remove('outbox', name);
				writes.put('undeliverable', name, { ...entry, why, at: clock.now() });
			});
		} catch (error) {
			return this.#pauseStream(entry.stream, error);
		} finally {
			this.#leaving.delete(name);
		}
		onGone(entry);
		log.error(
			{ stream: entry.stream, subject: entry.request.subject, err: why },
			'a message can never be sent; it is kept aside',
		);
		onUndeliverable(entry, why);
	}

	/** The disk fails. Its link may be another by now, which has passed over what was leaving. */
	#pauseStream(stream: string, error: unknown): void {
		for (const channel of this.#channels) if (channel.stream === stream) this.#pause(channel, error);
	}

	/** The stream waits a moment, and goes on from its first entry. */
	#pause(channel: Channel, error: unknown): void {
		if (channel.isPaused || !this.#isCurrent(channel)) return;
		const { clock, log } = this.#options;
		log.info({ stream: channel.stream, err: messageOf(error) }, 'what the outbox sends there waits');
		channel.isPaused = true;
		if (error instanceof PublishError && error.kind === 'ambiguous') this.#waitLonger(channel);
		channel.cancelRetry = clock.after(retryAfterMs, () => {
			channel.isPaused = false;
			channel.isBehind = true;
			channel.cursor = outboxKeyOf(channel.stream, 0);
			this.#pump(channel);
		});
	}

	/**
	 * A word that comes late is the word of a broker with much to write, or of a slow link. Asked again as soon as before, it has to write
	 * the same once more, and is later still: many nodes at once would send nothing but repeats.
	 */
	#waitLonger(channel: Channel): void {
		channel.answerWithinMs = Math.min(2 * channel.answerWithinMs, longestAnswerMs);
		channel.publisher = this.#publisherOf(channel, () => this.#isCurrent(channel));
	}
}

/** Of the uplink's bytes. */
const costOf = ({ request }: OutboxEntry) => sizeOf(request) + batchHeadersBytes;
