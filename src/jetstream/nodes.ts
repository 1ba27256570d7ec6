/**
 * Owns what is known of nodes: their records, their presence, and whether a centre watches at all.
 * Promises that "absent" is said only where a centre would have noticed; else it is "unknown", with its time.
 * Presence lives in memory and is made anew by the next beat.
 */

import { rfc3339 } from '../base/clock.ts';
import { type NodeRecord, nodeRecordSchema } from '../domain/node-state.ts';
import type { Standing } from '../domain/standing.ts';
import { buckets } from '../domain/subject.ts';
import type { Presence } from '../domain/view.ts';
import { decode } from '../domain/wire.ts';
import { BucketReader, bucketStream, deleteRequest, type Entry, readEntry, writeRequest } from './bucket.ts';
import type { Connection } from './connection.ts';
import { isWrongSequence, Publisher } from './publisher.ts';
import { standingKey, standingOf } from './standings.ts';

/** Key of the leader's lease. */
export const leaderKey = 'leader';

/** `record` is read when it is asked for. */
export type KnownNode = {
	readonly presence: Presence;
	readonly record: () => NodeRecord | undefined;
	readonly standing: () => Standing;
};

export class Nodes {
	readonly #connection: Connection;
	readonly #records: Publisher;
	readonly #presence: Publisher;
	readonly #read: Readonly<Record<'presence' | 'leases' | 'nodes', BucketReader>>;

	constructor(connection: Connection) {
		this.#connection = connection;
		this.#read = {
			presence: new BucketReader(connection, buckets.presence),
			leases: new BucketReader(connection, buckets.leases),
			nodes: new BucketReader(connection, buckets.nodes),
		};
		this.#records = new Publisher(connection, { stream: bucketStream(buckets.nodes), mayLookUp: true });
		// A beat that waited for an election would be old: the next one is on its way.
		const presence = { stream: bucketStream(buckets.presence), mayLookUp: true, rideOverMs: 0 };
		this.#presence = new Publisher(connection, presence);
	}

	async read(node: string): Promise<{ record: NodeRecord; revision: number } | undefined> {
		const entry = await readEntry(this.#connection, buckets.nodes, node);
		if (!entry || entry.gone) return undefined;
		const record = decode(nodeRecordSchema, entry.value);
		return record && { record, revision: entry.revision };
	}

	/** False when another centre was faster. @throws PublishError */
	async write(node: string, record: NodeRecord, revision: number): Promise<boolean> {
		try {
			const request = writeRequest(buckets.nodes, node, JSON.stringify(record), { expectRevision: revision });
			await this.#records.publish(request);
			return true;
		} catch (error) {
			if (isWrongSequence(error)) return false;
			throw error;
		}
	}

	/** Says that the node is there, for `ttlMs`. @throws PublishError */
	async markPresent(node: string, ttlMs: number): Promise<void> {
		await this.#presence.publish(writeRequest(buckets.presence, node, '', { ttlMs }));
	}

	/** Says that the node took its leave. @throws PublishError */
	async markAbsent(node: string): Promise<void> {
		await this.#presence.publish(deleteRequest(buckets.presence, node));
	}

	async presenceOf(nodes: readonly string[]): Promise<Map<string, Presence>> {
		const known = await this.knownOf(nodes);
		return new Map(nodes.map((node) => [node, known(node).presence]));
	}

	/** What tells what is known of each of these nodes: three questions, shared with whoever asks at the same time. */
	async knownOf(nodes: readonly string[]): Promise<(node: string) => KnownNode> {
		const [entryOf, leaseOf, recordAt] = await Promise.all([
			this.#read.presence.entries(nodes),
			this.#read.leases.entries([leaderKey]),
			this.#read.nodes.entries(nodes.flatMap((node) => [node, standingKey(node)])),
		]);
		const lease = leaseOf(leaderKey);
		return (node) => {
			const record = () => recordOf(recordAt(node));
			const presence = presenceFrom(entryOf(node), lease, () => record()?.lastSeenAt);
			return { presence, record, standing: () => standingOf(recordAt(standingKey(node))) };
		};
	}
}

function recordOf(entry: Entry | undefined): NodeRecord | undefined {
	return entry && !entry.gone ? decode(nodeRecordSchema, entry.value) : undefined;
}

/**
 * Presence from its three witnesses: the node's presence entry (or the marker that its expiry left), the leader's
 * lease, and when the node's last state was stored.
 */
function presenceFrom(
	presence: Pick<Entry, 'gone' | 'writtenAt'> | undefined,
	lease: Pick<Entry, 'gone' | 'writtenAt'> | undefined,
	readLastSeenAt: () => number | undefined,
): Presence {
	if (presence && !presence.gone) return { status: 'present', since: null };
	if (!lease || lease.gone) return { status: 'unknown', since: lease ? rfc3339(lease.writtenAt) : null };
	const lastSeenAt = readLastSeenAt();
	if (lastSeenAt === undefined) return { status: 'never', since: null };
	return { status: 'absent', since: rfc3339(Math.max(presence?.writtenAt ?? 0, lastSeenAt)) };
}
