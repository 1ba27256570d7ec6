/**
 * Owns the way of a command that waited for its time onto its lane: the same message once more under the lane's subject, in place
 * of the one before. Promises that it is queued once, whoever does it, and never after it was settled: the one before must still
 * be the last of its id. A crash in between leaves both; the newer one counts, and the older goes with {@link LaterCommands.drop}.
 */

import { formatAccepted } from '../domain/delay.ts';
import { streams, subjects } from '../domain/subject.ts';
import type { Connection } from './connection.ts';
import { purgeBelow } from './consumers.ts';
import { getFromLeader, type Stored } from './direct-get.ts';
import { GroupGet } from './group-get.ts';
import { expectedSeqHeader, expectedSubjectHeader, Publisher } from './publisher.ts';
import { acceptedHeader, keptHeaders, type StoredCommand } from './stored-command.ts';

/** Bodies read in one request: each may have half a megabyte. */
const bodiesAtOnce = 32;

export class LaterCommands {
	readonly #connection: Connection;
	readonly #publishers = new Map<number, Publisher>();
	readonly #bodies = new Map<number, GroupGet>();

	constructor(connection: Connection) {
		this.#connection = connection;
	}

	/** The message of exactly this command, undefined where it is gone. */
	async read(command: StoredCommand): Promise<Stored | undefined> {
		const { shard, facts } = command;
		const subject = subjects.laterCommand(shard, command);
		const found = (await this.#bodiesOf(shard).get([subject])).get(subject);
		if (found?.seq === facts.seq) return found;
		const stored = await getFromLeader(this.#connection, streams.commands(shard), { seq: facts.seq });
		return stored?.subject === subject ? stored : undefined;
	}

	/** @throws PublishError; 10071 means that it is not the last of its id any more, or gone. */
	async queue(command: StoredCommand, { data, header }: Stored): Promise<void> {
		const { shard, node, id, facts } = command;
		const kept = keptHeaders.map((name) => [name, header(name)]).filter(([, value]) => value !== '');
		await this.#publisher(shard).publish({
			subject: subjects.command(shard, command),
			data,
			headers: {
				...Object.fromEntries(kept),
				[acceptedHeader]: formatAccepted({ at: facts.queuedAt, seq: facts.seq }),
				[expectedSeqHeader]: String(facts.seq),
				[expectedSubjectHeader]: subjects.commandById(shard, node, id),
			},
		});
	}

	/** Removes the message of one that was queued; nothing where it is gone. */
	async drop(command: StoredCommand): Promise<void> {
		const { shard, facts } = command;
		const filter = subjects.laterCommand(shard, command);
		await purgeBelow(this.#connection, streams.commands(shard), facts.seq + 1, filter);
	}

	#bodiesOf(shard: number): GroupGet {
		const bodies =
			this.#bodies.get(shard) ?? new GroupGet(this.#connection, streams.commands(shard), bodiesAtOnce);
		this.#bodies.set(shard, bodies);
		return bodies;
	}

	#publisher(shard: number): Publisher {
		const publisher =
			this.#publishers.get(shard) ??
			new Publisher(this.#connection, { stream: streams.commands(shard), mayLookUp: true });
		this.#publishers.set(shard, publisher);
		return publisher;
	}
}
