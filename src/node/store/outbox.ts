/**
 * Owns what this node still owes: reports, events and commands for others, numbered and in order.
 * Promises that what was accepted leaves the disk only after the broker's PubAck, and goes out under the same key
 * on every repeat. A crash sends again what was not confirmed; the receiver knows it by its key.
 */

import type { Clock } from '../../base/clock.ts';
import { StewardError } from '../../base/errors.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import { boundedReport } from '../../domain/report-bounds.ts';
import { streams, subjects } from '../../domain/subject.ts';
import type { OutboxKey, Report } from '../../domain/wire.ts';
import type { Link } from '../../jetstream/connection.ts';
import { eventRequest } from '../../jetstream/events.ts';
import { intakeRequest } from '../../jetstream/intake.ts';
import { largestBody } from '../../jetstream/limits.ts';
import type { PublishRequest, Seal } from '../../jetstream/publisher.ts';
import type { Accepted, Intake, IntakeItem } from '../intake/intake.ts';
import { type OutboxBounds, OutboxRoom } from './outbox-room.ts';
import { type OutboxEntry, OutboxSender, outboxKeyOf } from './outbox-sender.ts';
import type { Store, Writes } from './store.ts';
import type { UplinkBounds } from './uplink-budget.ts';

export type OutboxOptions = {
	node: string;
	store: Store;
	link: Link;
	/** How much it may hold. */
	bounds: OutboxBounds;
	/** How fast it may go out. */
	uplink: UplinkBounds;
	/** Vouches for reports. */
	seal?: Seal | undefined;
	/** How long the broker's first word on a message may take, milliseconds. */
	answerWithinMs?: number;
	/** Called when the broker will never take a message: it is kept in the table `undeliverable`. */
	onUndeliverable?: (what: string) => void;
	clock: Clock;
	log: Log;
};

/** What was put into a transaction, and where. */
type Added = { readonly key: string; readonly entry: OutboxEntry };

/** The broker's payload limit where it has not said its own yet. */
const usualPayload = 1024 * 1024;
/** Room for a report's headers. */
const headerBytes = 1024;
/** Room for what surrounds the data in the centre's envelope. */
const envelopeBytes = 2048;
/** What surrounds the data of a message in the outbox, about. */
const messageBytes = 512;
const drainWithinMs = 2000;

export class Outbox implements Service, Intake {
	readonly name = 'outbox';
	readonly #node: string;
	readonly #store: Store;
	readonly #link: Link;
	readonly #clock: Clock;
	readonly #sender: OutboxSender;
	readonly #lifecycle: Lifecycle;
	readonly #room: OutboxRoom;
	readonly #confirmed: ((writes: Writes, journalId: string) => void)[] = [];
	#next = 1;
	/** The number of the next message is known: before that nothing may be accepted. */
	#isOpen = false;
	#off: (() => void)[] = [];

	constructor(options: OutboxOptions) {
		this.#node = options.node;
		this.#store = options.store;
		this.#link = options.link;
		this.#clock = options.clock;
		this.#room = new OutboxRoom(options.bounds);
		this.#sender = new OutboxSender({
			uplink: options.uplink,
			answerWithinMs: options.answerWithinMs,
			onGone: (entry) => this.#room.removed(entry),
			...{ store: options.store, seal: options.seal },
			onConfirmed: (writes, journalId) => {
				for (const listener of this.#confirmed) listener(writes, journalId);
			},
			onUndeliverable: ({ request }, why) => options.onUndeliverable?.(`${request.subject}: ${why}`),
			clock: options.clock,
			log: options.log,
		});
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#next = (this.#store.get<number>('meta', 'outbox:last') ?? 0) + 1;
				this.#room.count(valuesOf(this.#store.range<OutboxEntry>('outbox')));
				this.#isOpen = true;
				this.#off = [
					this.#link.onUp((connection) => this.#sender.attach(connection)),
					this.#link.onDown(() => this.#sender.detach()),
				];
			},
			async () => {
				this.#isOpen = false;
				await this.#drain();
				for (const off of this.#off) off();
				this.#sender.detach();
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

	/** What it holds, bytes of messages. */
	get bytes(): { readonly sentBytes: number; readonly reportedBytes: number } {
		const { sentBytes, reportedBytes } = this.#room;
		return { sentBytes, reportedBytes };
	}

	/** It holds so many reports that nothing more may be started. */
	get isFull(): boolean {
		return this.#room.isFull;
	}

	/** Called when {@link isFull} is another. */
	onFull(listener: () => void): void {
		this.#room.onChange(listener);
	}

	/** Ids of commands whose report the broker has not confirmed, the oldest first. */
	unreported(most: number): readonly string[] {
		const bounds = { start: outboxKeyOf(streams.reports, 0), end: `${streams.reports} ~`, limit: most };
		const entries = [...this.#store.range<OutboxEntry>('outbox', bounds)];
		return [...new Set(entries.flatMap(({ value }) => value.journalId ?? []))];
	}

	/** Calls `listener` with the journal's id when its report is confirmed, within the transaction that takes it out of here. */
	onConfirmed(listener: (writes: Writes, journalId: string) => void): void {
		this.#confirmed.push(listener);
	}

	/**
	 * Adds a report within the caller's transaction, and answers its number. It is sent as soon as that is on disk, so it leaves before the ack
	 * of its command, of which nobody could tell any more if the disk were lost between the two.
	 */
	addReport(writes: Writes, id: string, report: Omit<Report, 'key' | 'v'>): number {
		const key = this.#takeKey();
		this.#noteLast(writes);
		const largest = (this.#sender.maxPayload ?? usualPayload) - headerBytes;
		const data = boundedReport({ v: 1, key, ...report }, largest);
		const request: PublishRequest = { subject: subjects.report(this.#node, id), data };
		this.#put(writes, key, { stream: streams.reports, request, journalId: id });
		return key.n;
	}

	/** Adds any other statement on the reports stream, as {@link addReport}. */
	addStatement(writes: Writes, id: string, build: (key: OutboxKey) => unknown): void {
		const key = this.#takeKey();
		this.#noteLast(writes);
		const request: PublishRequest = {
			subject: subjects.report(this.#node, id),
			data: JSON.stringify(build(key)),
		};
		this.#put(writes, key, { stream: streams.reports, request });
	}

	async accept(
		items: readonly IntakeItem[],
		progress?: { key: string; value: string | null },
	): Promise<readonly Accepted[]> {
		if (!this.#isOpen) {
			throw new StewardError(
				'refused',
				`the node ${this.#node} is starting or stopping, and has accepted nothing: try again in a moment`,
			);
		}
		this.#checkSizes(items);
		const accepted: Accepted[] = [];
		const entries: Added[] = [];
		const written = this.#store.commit((writes) => {
			for (const { message, id } of items) {
				const nodes = 'nodes' in message.target ? message.target.nodes : [];
				const targets = 'nodes' in message.target ? nodes : [undefined];
				for (const node of targets) entries.push(this.#addMessage(writes, { message, id }, node));
				accepted.push({ id, nodes });
			}
			this.#noteLast(writes);
			if (progress?.value === null) writes.remove('meta', `progress:${progress.key}`);
			else if (progress) writes.put('meta', `progress:${progress.key}`, progress.value);
		});
		await written.catch((error: unknown) => {
			// What the disk refused takes no room; what may be on it goes out, and is taken off then.
			for (const { key, entry } of entries) if (!this.#store.get('outbox', key)) this.#room.removed(entry);
			this.#sender.lookAgain();
			throw error;
		});
		return accepted;
	}

	progress(key: string): string | undefined {
		return this.#store.get<string>('meta', `progress:${key}`);
	}

	/** Events for a node by name go straight to it; all else is checked and passed on by the centre. */
	#addMessage(writes: Writes, { message, id }: IntakeItem, node: string | undefined): Added {
		const key = this.#takeKey();
		if (message.kind !== 'event' || node === undefined) {
			const request = intakeRequest(message, node, this.#node, id, key);
			return this.#put(writes, key, { stream: streams.intake, request });
		}
		const event = { node, sender: this.#node, method: message.method, id, data: message.data };
		return this.#put(writes, key, { stream: streams.events, request: eventRequest(event, key) });
	}

	/** Whoever takes one notes it within the same transaction: {@link #noteLast}. */
	#takeKey(): OutboxKey {
		return { epoch: this.#store.epoch, n: this.#next++ };
	}

	#noteLast(writes: Writes): void {
		writes.put('meta', 'outbox:last', this.#next - 1);
	}

	#put(writes: Writes, { n }: OutboxKey, entry: OutboxEntry): Added {
		const key = outboxKeyOf(entry.stream, n);
		this.#room.added(entry);
		writes.put('outbox', key, entry);
		writes.whenOnDisk(() => this.#sender.take(key, entry));
		return { key, entry };
	}

	/** Each against what the broker takes, all against the room. What was refused is nowhere, so that its sender decides. */
	#checkSizes(items: readonly IntakeItem[]): void {
		const largest = largestBody(this.#sender.maxPayload) - envelopeBytes;
		let all = 0;
		for (const { message, id } of items) {
			const bytes = Buffer.byteLength(JSON.stringify(message.data ?? null));
			if (bytes > largest) {
				throw new StewardError(
					'refused',
					`data: message ${id} has ${bytes} bytes, and ${largest} can be queued: send a file's address instead of its content`,
				);
			}
			const copies = 'nodes' in message.target ? message.target.nodes.length : 1;
			all += copies * (messageBytes + bytes);
		}
		if (this.#room.hasRoomFor(all)) return;
		const held = this.#room.sentBytes;
		throw new StewardError(
			'refused',
			`the outbox of ${this.#node} is full: ${held} bytes wait there for the link, and ${all} more are too many; ` +
				'nothing was accepted: try again when the link is back, or allow more (node.outbox.maxBytes)',
			{ details: { reason: 'outboxFull', temporary: true, held } },
		);
	}

	/** A clean stop gives what is on its way a moment; the rest goes out after the next start. */
	async #drain(): Promise<void> {
		const deadline = this.#clock.monotonic() + drainWithinMs;
		while (this.#link.connection && this.depth > 0 && this.#clock.monotonic() < deadline) {
			this.#sender.pump();
			await this.#clock.sleep(20);
		}
	}
}

function* valuesOf(entries: Iterable<{ value: OutboxEntry }>): Generator<OutboxEntry> {
	for (const { value } of entries) yield value;
}
