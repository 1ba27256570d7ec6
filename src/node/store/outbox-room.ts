/**
 * Owns how much an outbox may hold: what local senders put there, and what the node itself has to report, each with its own bound.
 * Promises that a report is never refused, and that neither kind takes the other's room: senders are told no, and while
 * reports have no room the node starts nothing more that would bring another.
 * Counted anew from the disk at each start.
 */

import { streams } from '../../domain/subject.ts';
import type { OutboxEntry } from './outbox-sender.ts';

export type OutboxBounds = {
	/** Of what programs on this machine send, bytes of messages. */
	readonly maxBytes: number;
	/** Of what the node states itself, bytes of messages. */
	readonly maxReportBytes: number;
};

/** There is room for starts again below this part of the bound: else each report that goes out would let one start. */
const enough = 0.9;
/** What the store writes around an entry, about. */
const entryBytes = 200;

export class OutboxRoom {
	readonly #bounds: OutboxBounds;
	readonly #bytes = { sent: 0, reported: 0 };
	readonly #listeners: (() => void)[] = [];
	#isFull = false;

	constructor(bounds: OutboxBounds) {
		this.#bounds = bounds;
	}

	/** Called when {@link isFull} is another. */
	onChange(listener: () => void): void {
		this.#listeners.push(listener);
	}

	/** There is no room for reports of anything that is not started yet. */
	get isFull(): boolean {
		return this.#isFull;
	}

	/** Of what programs sent, bytes of messages. */
	get sentBytes(): number {
		return this.#bytes.sent;
	}

	get reportedBytes(): number {
		return this.#bytes.reported;
	}

	/** Whether so much more of what programs send may be held. */
	hasRoomFor(bytes: number): boolean {
		return this.#bytes.sent + bytes <= this.#bounds.maxBytes;
	}

	/** What is there at a start. */
	count(entries: Iterable<OutboxEntry>): void {
		this.#bytes.sent = 0;
		this.#bytes.reported = 0;
		for (const entry of entries) this.#bytes[kindOf(entry)] += bytesOf(entry);
		this.#look();
	}

	added(entry: OutboxEntry): void {
		this.#bytes[kindOf(entry)] += bytesOf(entry);
		this.#look();
	}

	removed(entry: OutboxEntry): void {
		this.#bytes[kindOf(entry)] -= bytesOf(entry);
		this.#look();
	}

	#look(): void {
		const { maxReportBytes } = this.#bounds;
		const bound = this.#isFull ? enough * maxReportBytes : maxReportBytes;
		const isFull = this.#bytes.reported >= bound;
		if (isFull === this.#isFull) return;
		this.#isFull = isFull;
		for (const listener of this.#listeners) listener();
	}
}

function kindOf({ stream }: OutboxEntry): 'sent' | 'reported' {
	return stream === streams.reports ? 'reported' : 'sent';
}

function bytesOf({ request: { subject, data, headers = {} } }: OutboxEntry): number {
	const said = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
	return entryBytes + subject.length + said + Buffer.byteLength(data);
}
