/**
 * Owns events that nobody took in time, or will take: they become dead letters and leave their stream.
 * Promises the letter first and then the removal of exactly that message, so that a crash in between leaves both, and the
 * next round repeats harmlessly; and that an event at or below its node's ack floor, which was taken, only goes. An event that
 * its node has in its hands at that very moment may be handled although it is buried.
 */

import { formatDuration } from '../base/duration.ts';
import { messageOf } from '../base/errors.ts';
import { derivedId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { consumerName, parseEventSubject, streams } from '../domain/subject.ts';
import type { Connection } from '../jetstream/connection.ts';
import { ackFloor } from '../jetstream/consumers.ts';
import { type DeadLetters, eventOrigin } from '../jetstream/dead-letters.ts';
import type { Stored } from '../jetstream/direct-get.ts';
import { type Events, readKey } from '../jetstream/events.ts';

/** Events of one round; what is left waits for the next. */
const atOnce = 1000;
/** A round that meets so many which it cannot take off ends: the broker has other troubles. */
const mostFailures = 10;

export type UndeliveredOptions = {
	connection: Connection;
	events: Pick<Events, 'next' | 'remove'>;
	dead: Pick<DeadLetters, 'write'>;
	/** Milliseconds. */
	deliverWithinMs: number;
	serverNow: () => number;
	log: Log;
};

export class Undelivered {
	readonly #options: UndeliveredOptions;

	constructor(options: UndeliveredOptions) {
		this.#options = options;
	}

	/** Answers how many it took off the stream. One that cannot be taken off now does not keep the others. */
	async runOnce(stopping?: AbortSignal): Promise<number> {
		const { events, deliverWithinMs, serverNow, log } = this.#options;
		const youngest = serverNow() - deliverWithinMs;
		const floors = new Map<string, Promise<number>>();
		let removed = 0;
		let failures = 0;
		for (let from = 1; removed < atOnce && failures < mostFailures && !stopping?.aborted; ) {
			const event = await events.next(from);
			if (!event || event.storedAt > youngest) break;
			from = event.seq + 1;
			try {
				await this.#takeOff(event, floors);
				removed += 1;
			} catch (error) {
				failures += 1;
				log.warn({ subject: event.subject, err: messageOf(error) }, 'an old event stays for now');
			}
		}
		return removed;
	}

	/**
	 * What still waits for a node that is out of service; answers how many. It was taken out of its hands: its consumer must be there still,
	 * or be gone since the last time, so that what it took is told from what it did not.
	 */
	async endOf(node: string, why: string): Promise<number> {
		const { events } = this.#options;
		const floors = new Map<string, Promise<number>>();
		let removed = 0;
		for (let from = 1; removed < atOnce; removed++) {
			const event = await events.next(from, node);
			if (!event) break;
			from = event.seq + 1;
			await this.#takeOff(event, floors, why);
		}
		return removed;
	}

	async #takeOff(event: Stored, floors: Map<string, Promise<number>>, gone?: string): Promise<void> {
		const { connection, events, deliverWithinMs, log } = this.#options;
		const node = nodeOf(event);
		const floor = floors.get(node) ?? ackFloor(connection, streams.events, consumerName(node, 'events'));
		floors.set(node, floor);
		if (event.seq > (await floor)) {
			await this.#bury(
				event,
				node,
				gone ?? `${node} did not take it within ${formatDuration(deliverWithinMs)}`,
			);
			const why = gone ?? 'nobody took it in time';
			log.warn({ subject: event.subject }, `an event is a dead letter: ${why}`);
		}
		await events.remove(event.seq);
	}

	async #bury(event: Stored, node: string, message: string): Promise<void> {
		const { dead, serverNow } = this.#options;
		const address = parseEventSubject(event.subject);
		await dead.write({
			node,
			kind: 'event',
			method: address?.method ?? 'unknown',
			id: readKey(event.header)?.id ?? derivedId('event', event.seq),
			sender: address?.sender ?? 'unknown',
			at: serverNow(),
			attempts: 0,
			fault: { code: 'undelivered', message },
			origin: eventOrigin(event.seq),
			message: new TextDecoder().decode(event.data),
		});
	}
}

/** The consumer of a node filters on this token alone. */
function nodeOf({ subject }: Stored): string {
	return subject.split('.')[2] ?? 'unknown';
}
