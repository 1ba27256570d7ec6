/**
 * Owns what this node still owes: reports, events and commands for others, numbered and in order.
 * Promises that what was accepted leaves the disk only after the broker's PubAck, and goes out under the same key
 * on every repeat. A crash sends again what was not confirmed; the receiver knows it by its key.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf, StewardError } from '../base/errors.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import { streams, subjects } from '../domain/subject.ts';
import type { OutboxKey, Report } from '../domain/wire.ts';
import type { Connection, Link } from '../jetstream/connection.ts';
import { eventRequest } from '../jetstream/events.ts';
import { intakeRequest } from '../jetstream/intake.ts';
import { type PublishAck, PublishError, Publisher, type PublishRequest } from '../jetstream/publisher.ts';
import type { Accepted, Intake, IntakeItem } from './intake.ts';
import type { Store, Writes } from './store.ts';

type OutboxEntry = {
	readonly stream: string;
	readonly request: PublishRequest;
	/** The journal's entry that waits for the confirmation of this report. */
	readonly journalId?: string;
};

/** A node batches at most this much: a stream abandons a batch after 10 s of silence on a thin link. */
const batchBytes = 64 * 1024;
/** Messages under way at once. */
const window = 512;
/** A message may be this large: the broker's payload limit, less room for its headers. */
const largestMessage = 1024 * 1024 - 16 * 1024;
const retryAfterMs = 1000;
const drainWithinMs = 2000;

export class Outbox implements Service, Intake {
	readonly name = 'outbox';
	readonly #node: string;
	readonly #store: Store;
	readonly #link: Link;
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #lifecycle: Lifecycle;
	readonly #inFlight = new Set<number>();
	readonly #confirmed: ((journalId: string) => void)[] = [];
	readonly #publishers = new Map<string, Publisher>();
	#next = 1;
	#cursor = 0;
	#cancelRetry: () => void = () => undefined;
	#off: (() => void)[] = [];

	constructor(options: { node: string; store: Store; link: Link; clock: Clock; log: Log }) {
		this.#node = options.node;
		this.#store = options.store;
		this.#link = options.link;
		this.#clock = options.clock;
		this.#log = options.log;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#recall();
				this.#off = [
					this.#link.onUp(() => {
						this.#publishers.clear();
						this.#cursor = 0;
						this.#pump();
					}),
				];
			},
			async () => {
				await this.#drain();
				for (const off of this.#off) off();
				this.#cancelRetry();
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Messages that the broker has not confirmed. */
	get depth(): number {
		return this.#store.count('outbox');
	}

	/** Calls `listener` with the journal's id when its report is confirmed. */
	onConfirmed(listener: (journalId: string) => void): void {
		this.#confirmed.push(listener);
	}

	/** Adds a report within the caller's transaction; call {@link flush} when that is on disk. Answers its number. */
	addReport(writes: Writes, id: string, report: Omit<Report, 'key' | 'v'>): number {
		const key = this.#takeKey(writes);
		const full: Report = { v: 1, key, ...report };
		const request: PublishRequest = { subject: subjects.report(this.#node, id), data: JSON.stringify(full) };
		this.#put(writes, key, { stream: streams.reports, request, journalId: id });
		return key.n;
	}

	/** Adds any other statement on the reports stream, as {@link addReport}. */
	addStatement(writes: Writes, id: string, build: (key: OutboxKey) => unknown): void {
		const key = this.#takeKey(writes);
		const request: PublishRequest = {
			subject: subjects.report(this.#node, id),
			data: JSON.stringify(build(key)),
		};
		this.#put(writes, key, { stream: streams.reports, request });
	}

	/** Sends what is on disk and not under way. */
	flush(): void {
		this.#pump();
	}

	async accept(
		items: readonly IntakeItem[],
		progress?: { key: string; value: string | null },
	): Promise<readonly Accepted[]> {
		for (const { message, id } of items) this.#checkSize(id, message.data);
		const accepted: Accepted[] = [];
		await this.#store.commit((writes) => {
			for (const { message, id } of items) {
				const nodes = 'nodes' in message.target ? message.target.nodes : [];
				const targets = 'nodes' in message.target ? nodes : [undefined];
				for (const node of targets) {
					const key = this.#takeKey(writes);
					const event = {
						node: node ?? '',
						sender: this.#node,
						method: message.method,
						id,
						data: message.data,
					};
					const direct = message.kind === 'event' && node !== undefined;
					this.#put(writes, key, {
						stream: direct ? streams.events : streams.intake,
						request: direct ? eventRequest(event, key) : intakeRequest(message, node, this.#node, id, key),
					});
				}
				accepted.push({ id, nodes });
			}
			if (progress?.value === null) writes.remove('meta', `progress:${progress.key}`);
			else if (progress) writes.put('meta', `progress:${progress.key}`, progress.value);
		});
		this.#pump();
		return accepted;
	}

	progress(key: string): string | undefined {
		return this.#store.get<string>('meta', `progress:${key}`);
	}

	#recall(): void {
		const used = this.#store.get<number>('meta', 'outbox:last') ?? 0;
		this.#next = Math.max(used, this.#store.lastNumber('outbox')) + 1;
		this.#cursor = 0;
		this.#inFlight.clear();
	}

	#takeKey(writes: Writes): OutboxKey {
		const n = this.#next++;
		writes.put('meta', 'outbox:last', n);
		return { epoch: this.#store.epoch, n };
	}

	#put(writes: Writes, key: OutboxKey, entry: OutboxEntry): void {
		writes.put('outbox', key.n, entry);
	}

	#checkSize(id: string, data: unknown): void {
		const bytes = Buffer.byteLength(JSON.stringify(data ?? null));
		if (bytes <= largestMessage) return;
		throw new StewardError(
			'refused',
			`data: message ${id} has ${bytes} bytes, and the broker takes ${largestMessage}: send a file's address instead of its content`,
		);
	}

	/** A clean stop gives what is on its way a moment; the rest goes out after the next start. */
	async #drain(): Promise<void> {
		const deadline = this.#clock.monotonic() + drainWithinMs;
		while (this.#link.connection && this.depth > 0 && this.#clock.monotonic() < deadline) {
			this.#sendWaiting();
			await this.#clock.sleep(20);
		}
	}

	#pump(): void {
		if (this.#lifecycle.running) this.#sendWaiting();
	}

	#sendWaiting(): void {
		const connection = this.#link.connection;
		if (!connection) return;
		const room = window - this.#inFlight.size;
		if (room <= 0) return;
		for (const { key, value } of this.#store.range<OutboxEntry>('outbox', this.#cursor, window)) {
			const n = Number(key);
			this.#cursor = n + 1;
			if (this.#inFlight.has(n)) continue;
			this.#inFlight.add(n);
			void this.#send(connection, n, value);
			if (this.#inFlight.size >= window) break;
		}
	}

	async #send(connection: Connection, n: number, entry: OutboxEntry): Promise<void> {
		try {
			await this.#publish(connection, entry);
			await this.#store.commitLazily((writes) => writes.remove('outbox', n));
			if (entry.journalId) for (const listener of this.#confirmed) listener(entry.journalId);
			this.#inFlight.delete(n);
			this.#pump();
		} catch (error) {
			this.#inFlight.delete(n);
			this.#cursor = Math.min(this.#cursor, n);
			if (error instanceof PublishError && error.kind === 'refused') {
				this.#log.warn(
					{ n, stream: entry.stream, err: error.message },
					'the broker refuses; the outbox keeps it',
				);
			} else if (!(error instanceof PublishError)) {
				this.#log.warn({ n, err: messageOf(error) }, 'a message stays in the outbox');
			}
			this.#retry();
		}
	}

	#publish(connection: Connection, entry: OutboxEntry): Promise<PublishAck> {
		let publisher = this.#publishers.get(entry.stream);
		if (!publisher) {
			publisher = new Publisher(connection, { stream: entry.stream, mayLookUp: false, maxBytes: batchBytes });
			this.#publishers.set(entry.stream, publisher);
		}
		return publisher.publish(entry.request);
	}

	#retry(): void {
		this.#cancelRetry();
		this.#cancelRetry = this.#clock.after(retryAfterMs, () => this.#pump());
	}
}
