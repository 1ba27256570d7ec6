/**
 * Owns events on their way to a node: publishing one, reading one, and knowing when it was taken.
 * Promises at least once; the key of the sender's outbox travels with it, so that the receiver drops repeats.
 * A crash before the PubAck leaves the event stored or not: the sender sends it again under the same key.
 */

import { JetStreamApiError } from '@nats-io/jetstream';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { isStewardError, StewardError } from '../base/errors.ts';
import { randomToken } from '../base/ids.ts';
import { formatHandle, idPattern, isSender, methodNamePattern, operatorSender } from '../domain/names.ts';
import { consumerName, parseEventSubject, streams, subjects } from '../domain/subject.ts';
import { deadEventSchema, decode, type OutboxKey } from '../domain/wire.ts';
import type { Connection } from './connection.ts';
import { DeadLetters } from './dead-letters.ts';
import { getAt, getLast, getNext, type Stored } from './direct-get.ts';
import { isConsumerNotFound } from './errors.ts';
import { assertFits } from './limits.ts';
import { publishFailure } from './publish-answer.ts';
import { PublishError, Publisher, type PublishRequest } from './publisher.ts';

/** Made once: a schema takes longer to make than an event to read. */
const anyJson = z.unknown();
const header = { id: 'Steward-Id', epoch: 'Steward-Epoch', number: 'Steward-Number' } as const;

export type EventMessage = {
	readonly node: string;
	readonly sender: string;
	readonly method: string;
	readonly id: string;
	readonly data: unknown;
};

/** The message as it is stored; an outbox builds it once and sends the same on every repeat. */
export function eventRequest(event: EventMessage, key: OutboxKey): PublishRequest {
	return {
		subject: subjects.event(event.node, event.sender, event.method),
		data: JSON.stringify(event.data ?? null),
		headers: keyHeaders(event.id, key),
	};
}

/** Headers that tell a repeat from a new message, on events and on intake. */
export function keyHeaders(id: string, key: OutboxKey): Record<string, string> {
	return { [header.id]: id, [header.epoch]: key.epoch, [header.number]: String(key.n) };
}

/** The sender's key of a stored event or intake message; undefined for what no outbox sent. */
export function readKey(read: (name: string) => string): { id: string; key: OutboxKey } | undefined {
	const id = read(header.id);
	const epoch = read(header.epoch);
	const n = Number(read(header.number));
	return idPattern.test(id) && epoch !== '' && Number.isSafeInteger(n) && n > 0
		? { id, key: { epoch, n } }
		: undefined;
}

/** Undefined when the subject or the body is no event's. */
export function readEvent(message: {
	subject: string;
	data: Uint8Array;
	header: (name: string) => string;
}): (EventMessage & { key: OutboxKey }) | undefined {
	const address = parseEventSubject(message.subject);
	const keyed = readKey(message.header);
	if (!address || !keyed) return undefined;
	if (!isSender(address.sender) || !methodNamePattern.test(address.method)) return undefined;
	const data = decode(anyJson, message.data);
	const { node, sender, method } = address;
	return data === undefined ? undefined : { node, sender, method, id: keyed.id, key: keyed.key, data };
}

/** Events that operators send: each connection is an outbox of its own, without a disk. */
export class Events {
	readonly #connection: Connection;
	readonly #publisher: Publisher;
	readonly #letters: DeadLetters;
	readonly #epoch = randomToken();
	#sent = 0;

	constructor(connection: Connection) {
		this.#connection = connection;
		this.#publisher = new Publisher(connection, { stream: streams.events, mayLookUp: true });
		this.#letters = new DeadLetters(connection);
	}

	/** The first stored message from sequence `from` on, whatever it is, or that is for a node. @throws StewardError `no-broker` */
	next(from: number, node?: string): Promise<Stored | undefined> {
		const filter = node === undefined ? subjects.allEvents : subjects.eventsOfNode(node);
		return getNext(this.#connection, streams.events, filter, from);
	}

	/** Removes exactly the message with this sequence; done as well when it was gone. */
	async remove(seq: number): Promise<void> {
		try {
			await this.#connection.jsm.streams.deleteMessage(streams.events, seq, false);
		} catch (error) {
			if (await getAt(this.#connection, streams.events, seq)) throw error;
		}
	}

	/** Sequence on the events stream. @throws StewardError `refused`, `no-broker`, `ambiguous` */
	async publish(
		event: EventMessage,
		key: OutboxKey = { epoch: this.#epoch, n: ++this.#sent },
	): Promise<number> {
		const request = eventRequest(event, key);
		for (let attempt = 1; ; attempt++) {
			try {
				assertFits(this.#connection, JSON.stringify(event.data ?? null));
				return (await this.#publisher.publish(request)).seq;
			} catch (error) {
				const ambiguous = error instanceof PublishError && error.kind === 'ambiguous';
				// The receiver drops the repeat by its key.
				if (ambiguous && attempt < 3) continue;
				throw eventError(event, error);
			}
		}
	}

	/**
	 * Resolves when the node has taken the event with this sequence.
	 * @throws StewardError `refused` when it became a dead letter, `waited-too-long` after `timeoutMs`
	 */
	async waitDelivered(
		event: { node: string; method: string; id: string; seq: number },
		clock: Clock,
		timeoutMs = Number.POSITIVE_INFINITY,
	): Promise<void> {
		const deadline = clock.monotonic() + timeoutMs;
		while (!(await this.#isTaken(event.node, event.seq))) {
			if (await this.#isBuried(event)) throw deadLetterOf(event, 'did not take the event in time');
			if (this.#connection.nc.isClosed()) {
				throw new StewardError('no-broker', 'the connection was closed while an event was waited for');
			}
			if (clock.monotonic() >= deadline) {
				throw new StewardError(
					'waited-too-long',
					`${event.node} has not taken the event yet; it stays on its way`,
				);
			}
			await clock.sleep(100);
		}
		const dead = subjects.dead(event.node, 'event', event.method, event.id);
		const stated = await getLast(this.#connection, streams.reports, subjects.report(event.node, event.id));
		// The node's statement counts before a centre has made a dead letter of it.
		const isDead = stated !== undefined && decode(deadEventSchema, stated.data) !== undefined;
		if (isDead || (await getLast(this.#connection, streams.dead, dead)) || (await this.#isBuried(event))) {
			throw deadLetterOf(event, 'could not handle the event');
		}
	}

	/** A restarting broker is asked again. */
	async #isBuried(event: { node: string; method: string; id: string; seq: number }): Promise<boolean> {
		try {
			return await this.#letters.holdsEvent(event);
		} catch (error) {
			if (isStewardError(error, 'no-broker') && !this.#connection.nc.isClosed()) return false;
			throw error;
		}
	}

	async #isTaken(node: string, seq: number): Promise<boolean> {
		try {
			const info = await this.#connection.jsm.consumers.info(streams.events, consumerName(node, 'events'));
			return info.ack_floor.stream_seq >= seq;
		} catch (error) {
			// No consumer yet: the node was never here. No answer: the broker restarts, and is asked again.
			if (isConsumerNotFound(error) || !(error instanceof JetStreamApiError)) return false;
			throw error;
		}
	}
}

function deadLetterOf({ node, id }: { node: string; id: string }, what: string): StewardError {
	const handle = formatHandle({ node, id });
	return new StewardError(
		'refused',
		`${node} ${what}; it is a dead letter (steward dead show ${handle} tells why)`,
		{ details: { handle } },
	);
}

function eventError(event: EventMessage, error: unknown): unknown {
	const what = `the event to ${event.node} (${event.sender === operatorSender ? event.method : event.id})`;
	return publishFailure(error, {
		ambiguous: `no answer from the broker: ${what} may be stored or not`,
		unavailable: 'the broker takes no events at the moment: is it restarting? try again',
		refused: `${what} cannot be sent`,
	});
}
