/**
 * Owns shorter leases in tests that kill nodes: the shipped `ack_wait` of 30 s would make each of them wait for it.
 * Promises that the consumers of a node's lanes are there and have the given one.
 * Lasts as long as the consumers.
 */

import { systemClock } from '../../src/base/clock.ts';
import { consumerName, shardOf, streams } from '../../src/domain/subject.ts';
import { closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { ensureLaneConsumer } from '../../src/jetstream/consumers.ts';

export async function shortenLeases(
	servers: string,
	node: string,
	ackWaitMs = 1000,
	lanes: Readonly<Partial<Record<'normal' | 'urgent' | 'events', number>>> = { normal: 1, events: 1 },
): Promise<void> {
	const connection = await openConnection({ servers: [servers], name: 'test', timeoutMs: 30_000 });
	try {
		for (const lane of ['normal', 'urgent', 'events'] as const) {
			const capacity = lanes[lane];
			if (capacity === undefined) continue;
			const shard = shardOf(node, 1);
			await ensureLaneConsumer(connection, { node, shard, lane, capacity });
			const stream = lane === 'events' ? streams.events : streams.commands(shard);
			await connection.jsm.consumers.update(stream, consumerName(node, lane), { ack_wait: ackWaitMs * 1e6 });
		}
	} finally {
		await closeConnection(connection, systemClock);
	}
}
