/**
 * Owns one delivery: what was handed over, and the words that answer it.
 * Promises that only `ackAck` waits for the server, and that none of them throws, whatever became of the link.
 * What was not acknowledged before a crash is delivered again after the consumer's `ack_wait`.
 */

import type { Msg } from '@nats-io/transport-node';
import type { Connection } from './connection.ts';
import { headersOf } from './headers.ts';
import { askOne } from './replies.ts';

/** One hand-over of a message by a consumer. */
export type Delivery = {
	readonly subject: string;
	readonly data: Uint8Array;
	readonly header: (name: string) => string;
	/** Where the words that answer it go. */
	readonly reply: string;
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

const ackWord = Buffer.from('+ACK');

type AckSubject = {
	readonly deliveries: number;
	readonly seq: number;
	/** Number of the hand-over within its consumer. */
	readonly consumerSeq: number;
	readonly storedAt: number;
	/** Messages that the consumer has not handed over yet. */
	readonly pending: number;
};

/** Reads `$JS.ACK.[domain.account.]stream.consumer.delivered.seq.consumerSeq.time.pending[.token]` (ADR-15). */
export function parseAckSubject(reply: string): AckSubject | undefined {
	const tokens = reply.split('.');
	const offset = tokens.length > 9 ? 2 : 0;
	const [deliveries, seq, consumerSeq, nanos, pending] = tokens.slice(4 + offset, 9 + offset);
	// No stream begins at 0: that is what a node made itself, and a broker may not say it is.
	if (tokens[1] !== 'ACK' || !isNumber(seq) || Number(seq) === 0 || !isNumber(nanos)) return undefined;
	return {
		deliveries: Number(deliveries),
		seq: Number(seq),
		consumerSeq: Number(consumerSeq),
		// Nanoseconds have more digits than a number keeps.
		storedAt: Number(nanos.slice(0, -6)),
		pending: Number(pending),
	};
}

function isNumber(token: string | undefined): token is string {
	return token !== undefined && /^\d+$/.test(token);
}

/** Hands a delivery back of which only its reply subject is known, also one of an earlier process. */
export function handBack({ nc }: Connection, reply: string): void {
	if (parseAckSubject(reply) && !nc.isClosed()) nc.publish(reply, '-NAK');
}

export function toDelivery(connection: Connection, message: Msg): Delivery | undefined {
	const { nc } = connection;
	const { reply } = message;
	const parsed = reply === undefined ? undefined : parseAckSubject(reply);
	if (reply === undefined || parsed === undefined) return undefined;
	/** Said to nobody when the link is closed for good: the message comes again to whoever pulls next. */
	const say = (word: string | Uint8Array) => {
		if (!nc.isClosed()) nc.publish(reply, word);
	};
	return {
		subject: message.subject,
		data: message.data,
		header: headersOf(message).get,
		reply,
		seq: parsed.seq,
		deliveries: parsed.deliveries,
		storedAt: parsed.storedAt,
		ack: () => say(ackWord),
		nak: (delayMs) => say(delayMs ? `-NAK ${JSON.stringify({ delay: Math.round(delayMs * 1e6) })}` : '-NAK'),
		term: (reason) => say(`+TERM ${reason}`),
		working: () => say('+WPI'),
		// No word: it may count or not. The next delivery, if one comes, is answered by the journal.
		ackAck: () => isAckTaken(connection, reply),
	};
}

const ackWithinMs = 5000;

/** False where no word came, or nobody is there to say one. */
function isAckTaken(connection: Connection, reply: string): Promise<boolean> {
	return askOne(connection, { subject: reply, data: ackWord, timeoutMs: ackWithinMs }).then(
		() => true,
		() => false,
	);
}
