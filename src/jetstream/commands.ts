/**
 * Owns the commands streams: putting a command onto its shard, finding it by id, counting and removing what waits.
 * Promises that one durable write enqueues, and that one id is there once, on whatever lane or method.
 * A crash before the PubAck leaves the command queued or not; the id tells which.
 */

import { isLater } from '../domain/delay.ts';
import type { Envelope } from '../domain/envelope.ts';
import { formatHandle, type Handle, type Lane } from '../domain/names.ts';
import { type CommandAddress, shardOf, streams, subjects } from '../domain/subject.ts';
import { isLocal } from '../domain/wire.ts';
import type { Connection } from './connection.ts';
import { purgeBelow, subjectsOf } from './consumers.ts';
import { countFrom, firstFrom, getFromLeader, getLast, getLastOfMany } from './direct-get.ts';
import { type Front, purgeFront } from './front.ts';
import { GroupGet } from './group-get.ts';
import { assertFits } from './limits.ts';
import {
	expectedSeqHeader,
	expectedSubjectHeader,
	type PublishAck,
	Publisher,
	type PublisherOptions,
} from './publisher.ts';
import { commandHeader, headersFor, readStoredCommand, type StoredCommand } from './stored-command.ts';

/** Bodies read in one request: each may have half a megabyte. */
const bodiesAtOnce = 32;
const utf8 = new TextDecoder();

/** Where a command stands on its lane. What runs is first, and counts. */
export type QueuePlace = {
	readonly position: number;
	readonly of: number;
	readonly first: StoredCommand | undefined;
};

export type CommandsOptions = Pick<PublisherOptions, 'mayPublish' | 'inFlight'> & {
	/** Vouches for each command that is put on its stream. */
	readonly sign?: ((envelope: Envelope) => Promise<Envelope>) | undefined;
};

export class Commands {
	readonly #connection: Connection;
	readonly #shards: number;
	readonly #options: Omit<CommandsOptions, 'sign'>;
	readonly #sign: CommandsOptions['sign'];
	readonly #publishers = new Map<number, Publisher>();
	readonly #bodies = new Map<number, GroupGet>();

	/** `options`: also as of a Publisher. */
	constructor(connection: Connection, shards: number, { sign, ...options }: CommandsOptions = {}) {
		this.#connection = connection;
		this.#shards = shards;
		this.#options = options;
		this.#sign = sign;
	}

	get allShards(): readonly number[] {
		return Array.from({ length: this.#shards }, (_, shard) => shard);
	}

	shardOf(node: string): number {
		return shardOf(node, this.#shards);
	}

	/**
	 * @param waits Its time has not come: it is on no lane before that.
	 * @param nonce May be empty where nobody asks whose it is.
	 * @throws PublishError; 10071 means that the id is there already, on any lane or method, 10054 that it is too large.
	 */
	async enqueue(envelope: Envelope, digest: string, nonce: string, waits = false): Promise<PublishAck> {
		const shard = this.shardOf(envelope.node);
		const sent = this.#sign ? await this.#sign(envelope) : envelope;
		const data = Buffer.from(JSON.stringify(sent));
		assertFits(this.#connection, data);
		const headers = headersFor(envelope, digest);
		headers[expectedSeqHeader] = '0';
		headers[expectedSubjectHeader] = subjects.commandById(shard, envelope.node, envelope.id);
		if (waits) headers[commandHeader.lane] = envelope.lane;
		if (nonce !== '') headers[commandHeader.nonce] = nonce;
		const subject = waits ? subjects.laterCommand(shard, envelope) : subjects.command(shard, envelope);
		// Not the promise itself: an async function takes three turns to give back what another one gives.
		return await this.#publisher(shard).publish({ subject, data, headers, order: envelope.node });
	}

	async find(node: string, id: string): Promise<StoredCommand | undefined> {
		const shard = this.shardOf(node);
		const subject = subjects.commandById(shard, node, id);
		const stored = await getLast(this.#connection, streams.commands(shard), subject);
		return stored && readStoredCommand(stored);
	}

	/** As {@link find}, by handle; those that are on no stream are left out. */
	async findMany(handles: readonly Handle[]): Promise<ReadonlyMap<string, StoredCommand>> {
		const [only, ...others] = handles;
		if (only && others.length === 0) {
			const command = await this.find(only.node, only.id);
			return new Map(command ? [[formatHandle(command), command]] : []);
		}
		const filters = new Map<number, string[]>();
		for (const { node, id } of handles) {
			const shard = this.shardOf(node);
			const ofShard = filters.get(shard) ?? [];
			filters.set(shard, ofShard);
			ofShard.push(subjects.commandById(shard, node, id));
		}
		const found = new Map<string, StoredCommand>();
		const read = async ([shard, wanted]: readonly [number, readonly string[]]) => {
			for (const stored of await getLastOfMany(this.#connection, streams.commands(shard), wanted)) {
				const command = readStoredCommand(stored);
				if (!command) continue;
				// While its time comes it is there under two names: the later one counts.
				const [key, seq] = [formatHandle(command), command.facts.seq];
				if (seq > (found.get(key)?.facts.seq ?? 0)) found.set(key, command);
			}
		};
		await Promise.all([...filters].map(read));
		return found;
	}

	/** As {@link find}, by the leader's word: no replica that lags says that it is not there. */
	async findForCertain(node: string, id: string): Promise<StoredCommand | undefined> {
		const shard = this.shardOf(node);
		const query = { last_by_subj: subjects.commandById(shard, node, id) };
		const stored = await getFromLeader(this.#connection, streams.commands(shard), query);
		return stored && readStoredCommand(stored);
	}

	/** The stored body of exactly this message, null when it is gone, or was on no stream. */
	async body(command: CommandAddress & { readonly seq: number }): Promise<string | null> {
		const { seq, node, id, method } = command;
		if (isLocal({ seq })) return null;
		const shard = this.shardOf(command.node);
		const subject = subjects.command(shard, command);
		let stored = (await this.#bodiesOf(shard).get([subject])).get(subject);
		if (stored?.seq !== seq) stored = await getFromLeader(this.#connection, streams.commands(shard), { seq });
		if (stored?.seq !== seq) return null;
		// One that waits for its time has another subject.
		const waiting = subjects.laterCommand(shard, { node, method, id });
		const isIt = stored.subject === subject || stored.subject === waiting;
		return isIt ? utf8.decode(stored.data) : null;
	}

	#bodiesOf(shard: number): GroupGet {
		const existing = this.#bodies.get(shard);
		if (existing) return existing;
		const bodies = new GroupGet(this.#connection, streams.commands(shard), bodiesAtOnce);
		this.#bodies.set(shard, bodies);
		return bodies;
	}

	/** How many are on the stream for a node, on whatever lane, also before their time. @throws StewardError `no-broker` */
	countOf(node: string): Promise<number> {
		const shard = this.shardOf(node);
		return countFrom(this.#connection, streams.commands(shard), subjects.commandsOfNode(shard, node), 1);
	}

	/** Ids of all that is on the stream for a node, as {@link findForCertain}. */
	async idsForCertain(node: string): Promise<ReadonlySet<string>> {
		const shard = this.shardOf(node);
		const filter = subjects.commandsOfNode(shard, node);
		const found = await subjectsOf(this.#connection, streams.commands(shard), filter);
		return new Set(found.map((subject) => subject.slice(subject.lastIndexOf('.') + 1)));
	}

	/** How many commands of its lane are on the stream up to this one, itself and one that runs included; 0 if it is gone. */
	async positionOf(node: string, lane: Lane, seq: number): Promise<number> {
		const shard = this.shardOf(node);
		const filter = subjects.commandsOfLane(shard, node, lane);
		const { first, count } = await firstFrom(this.#connection, streams.commands(shard), filter, 1);
		// Where nothing waits before it, that is the whole answer.
		if (first?.seq === seq) return 1;
		const behind = await countFrom(this.#connection, streams.commands(shard), filter, seq + 1);
		return Math.max(0, count - behind);
	}

	/** As {@link positionOf}, with how many there are in all, and the first of them; undefined if it is gone, or on no lane yet. */
	async placeOf({ node, lane, facts }: StoredCommand): Promise<QueuePlace | undefined> {
		if (isLater(facts)) return undefined;
		const shard = this.shardOf(node);
		const filter = subjects.commandsOfLane(shard, node, lane);
		const stream = streams.commands(shard);
		const [{ first, count }, behind] = await Promise.all([
			firstFrom(this.#connection, stream, filter, 1),
			countFrom(this.#connection, stream, filter, facts.seq + 1),
		]);
		const position = count - behind;
		if (position <= 0) return undefined;
		return { position, of: count, first: first && readStoredCommand(first) };
	}

	/** Removes a settled command, whatever its lane: what is on its stream under its id, up to this sequence. */
	async purge(node: string, id: string, seq: number): Promise<void> {
		const shard = this.shardOf(node);
		const filter = subjects.commandById(shard, node, id);
		await purgeBelow(this.#connection, streams.commands(shard), seq + 1, filter);
	}

	/**
	 * Removes settled commands of a node from the first on, no more than `atMost`: up to the first that `isOver` does not know as over.
	 * @throws As {@link purgeFront}
	 */
	purgeFront(node: string, atMost: number, isOver: (command: StoredCommand) => boolean): Promise<Front> {
		const shard = this.shardOf(node);
		const filter = subjects.frontOfNode(shard, node);
		return purgeFront(this.#connection, streams.commands(shard), filter, atMost, (stored) => {
			const command = readStoredCommand(stored);
			return command !== undefined && isOver(command);
		});
	}

	/** Removes exactly the message with this sequence. */
	async remove(node: string, seq: number): Promise<void> {
		await this.#connection.jsm.streams.deleteMessage(streams.commands(this.shardOf(node)), seq, false);
	}

	#publisher(shard: number): Publisher {
		const existing = this.#publishers.get(shard);
		if (existing) return existing;
		const stream = streams.commands(shard);
		const publisher = new Publisher(this.#connection, { stream, mayLookUp: true, ...this.#options });
		this.#publishers.set(shard, publisher);
		return publisher;
	}
}
