/**
 * Owns the commands streams: putting a command onto its shard, finding it by id, counting and removing what waits.
 * Promises that one durable write enqueues, and that one id is there once, on whatever lane or method.
 * A crash before the PubAck leaves the command queued or not; the id tells which.
 */

import { type Envelope, envelopeSchema } from '../domain/message.ts';
import type { Lane } from '../domain/names.ts';
import { type CommandAddress, parseCommandSubject, shardOf, streams, subjects } from '../domain/subject.ts';
import { type CommandFacts, decode } from '../domain/wire.ts';
import type { Connection } from './connection.ts';
import { countFrom, getLast } from './direct-get.ts';
import { assertFits } from './limits.ts';
import { expectedSeqHeader, expectedSubjectHeader, type PublishAck, Publisher } from './publisher.ts';

/** Headers of a stored command: what the centre must know without reading the body. */
const header = {
	digest: 'Steward-Digest',
	sender: 'Steward-Sender',
	deliverWithin: 'Steward-Deliver-Within',
	runFor: 'Steward-Run-For',
	/** Made anew for each send: tells "mine, whose answer was lost" from "another's with the same id". */
	nonce: 'Steward-Nonce',
} as const;

/** A command as it waits on its stream. */
export type StoredCommand = CommandAddress & {
	readonly shard: number;
	readonly facts: CommandFacts;
	readonly nonce: string;
};

type StoredMessage = {
	readonly subject: string;
	readonly header: (name: string) => string;
	readonly seq: number;
	readonly storedAt: number;
};

/** Reads subject and headers of a stored command; undefined for what steward did not write. */
export function readStoredCommand(message: StoredMessage): StoredCommand | undefined {
	const address = parseCommandSubject(message.subject);
	const within = message.header(header.deliverWithin);
	if (!address || within === '') return undefined;
	const runFor = message.header(header.runFor);
	const facts: CommandFacts = {
		method: address.method,
		lane: address.lane,
		sender: message.header(header.sender),
		digest: message.header(header.digest),
		seq: message.seq,
		queuedAt: message.storedAt,
		deliverWithinMs: within === 'never' ? null : Number(within),
		...(runFor === '' ? {} : { runForMs: Number(runFor) }),
	};
	return { ...address, facts, nonce: message.header(header.nonce) };
}

/** Undefined when the body is no envelope, or is one for another address. */
export function readEnvelope(command: CommandAddress, data: Uint8Array): Envelope | undefined {
	const envelope = decode(envelopeSchema, data);
	if (!envelope || envelope.node !== command.node || envelope.id !== command.id) return undefined;
	return envelope.method === command.method && envelope.lane === command.lane ? envelope : undefined;
}

export class Commands {
	readonly #connection: Connection;
	readonly #shards: number;
	readonly #publishers = new Map<number, Publisher>();

	constructor(connection: Connection, shards: number) {
		this.#connection = connection;
		this.#shards = shards;
	}

	get allShards(): readonly number[] {
		return Array.from({ length: this.#shards }, (_, shard) => shard);
	}

	shardOf(node: string): number {
		return shardOf(node, this.#shards);
	}

	/** @throws PublishError; 10071 means that the id is there already, on any lane or method, 10054 that it is too large. */
	async enqueue(envelope: Envelope, digest: string, nonce: string): Promise<PublishAck> {
		const shard = this.shardOf(envelope.node);
		const data = JSON.stringify(envelope);
		assertFits(this.#connection, data);
		return this.#publisher(shard).publish({
			subject: subjects.command(shard, envelope),
			data,
			headers: {
				[expectedSeqHeader]: '0',
				[expectedSubjectHeader]: subjects.commandById(shard, envelope.node, envelope.id),
				[header.digest]: digest,
				[header.sender]: envelope.sender,
				[header.deliverWithin]:
					envelope.deliverWithinMs === null ? 'never' : String(envelope.deliverWithinMs),
				...(envelope.runForMs === undefined ? {} : { [header.runFor]: String(envelope.runForMs) }),
				[header.nonce]: nonce,
			},
		});
	}

	async find(node: string, id: string): Promise<StoredCommand | undefined> {
		const shard = this.shardOf(node);
		const subject = subjects.commandById(shard, node, id);
		const stored = await getLast(this.#connection, streams.commands(shard), subject);
		return stored && readStoredCommand(stored);
	}

	/** The stored body, null when the command is gone. */
	async body(node: string, id: string): Promise<string | null> {
		const shard = this.shardOf(node);
		const stored = await getLast(
			this.#connection,
			streams.commands(shard),
			subjects.commandById(shard, node, id),
		);
		return stored ? new TextDecoder().decode(stored.data) : null;
	}

	/** How many commands of its lane are on the stream up to this one, itself and one that runs included; 0 if it is gone. */
	async positionOf(node: string, lane: Lane, seq: number): Promise<number> {
		const shard = this.shardOf(node);
		const filter = subjects.commandsOfLane(shard, node, lane);
		const count = (from: number) => countFrom(this.#connection, streams.commands(shard), filter, from);
		const [all, behind] = await Promise.all([count(1), count(seq + 1)]);
		return Math.max(0, all - behind);
	}

	/** Removes a settled command, whatever its lane. */
	async purge(node: string, id: string): Promise<void> {
		const shard = this.shardOf(node);
		await this.#connection.jsm.streams.purge(streams.commands(shard), {
			filter: subjects.commandById(shard, node, id),
		});
	}

	/** Removes exactly the message with this sequence. */
	async remove(node: string, seq: number): Promise<void> {
		await this.#connection.jsm.streams.deleteMessage(streams.commands(this.shardOf(node)), seq, false);
	}

	#publisher(shard: number): Publisher {
		const existing = this.#publishers.get(shard);
		if (existing) return existing;
		const publisher = new Publisher(this.#connection, { stream: streams.commands(shard), mayLookUp: true });
		this.#publishers.set(shard, publisher);
		return publisher;
	}
}
