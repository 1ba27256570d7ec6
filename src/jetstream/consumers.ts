/**
 * Owns the durable consumers: a node's, one for each lane, and the centre's own.
 * Promises that making one that is there changes nothing, and that a lost one can be made again; a consumer is soft state:
 * a new one replays what is not settled, and journals answer for what ran. So on a cluster a lane's consumer lives on one
 * server, wherever its stream does; the centre's own live where their stream lives.
 */

import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import type { Lane } from '../domain/names.ts';
import { consumerName, streams, subjects } from '../domain/subject.ts';
import { askLeader } from './ask-again.ts';
import type { Connection } from './connection.ts';
import { isConsumerNotFound, isNoAnswer, noAnswer } from './errors.ts';

/** How long a delivery may go without a word before it is made again. */
const ackWaitMs = 30_000;
/** Of a consumer whose server is gone nobody confirms the removal. */
const deleteWithinMs = 1000;

export type LaneConsumer = {
	readonly node: string;
	readonly shard: number;
	readonly lane: Lane;
	readonly capacity: number;
};

/**
 * Makes the consumer of a node's lane, or brings it to the lane's capacity. `silent`: its stream answers, and the consumer says
 * nothing: the server on which it lives is away.
 */
export async function ensureLaneConsumer(
	connection: Connection,
	wanted: LaneConsumer,
): Promise<'made' | 'there' | 'silent'> {
	const { stream, config } = laneConsumer(wanted);
	try {
		return (await ensureConsumer(connection, stream, config)) ? 'made' : 'there';
	} catch (error) {
		if (!isNoAnswer(error)) throw error;
		// A stream that says nothing either has no leader: then nothing is known of its consumers.
		await connection.jsm.streams.info(stream);
		return 'silent';
	}
}

/**
 * Gives a consumer up that lives on a server that is gone, and makes it on another. `silent`: it was placed on one that does
 * not answer either; to be tried again.
 */
export async function remakeLaneConsumer(
	connection: Connection,
	wanted: LaneConsumer,
): Promise<'made' | 'there' | 'silent'> {
	const { stream, config } = laneConsumer(wanted);
	try {
		await connection.nc.request(`${connection.api}.CONSUMER.DELETE.${stream}.${config.durable_name}`, '', {
			timeout: deleteWithinMs,
		});
	} catch (error) {
		// The one server that could confirm it is gone; the others have noted it.
		if (!isNoAnswer(error)) throw error;
	}
	return ensureLaneConsumer(connection, wanted);
}

/** Of a node that is out of service; one that is not there is as good. */
export async function removeLaneConsumer(
	{ jsm }: Connection,
	{ node, shard, lane }: Omit<LaneConsumer, 'capacity'>,
): Promise<void> {
	try {
		await jsm.consumers.delete(
			lane === 'events' ? streams.events : streams.commands(shard),
			consumerName(node, lane),
		);
	} catch (error) {
		if (!isConsumerNotFound(error)) throw error;
	}
}

function laneConsumer({ node, shard, lane, capacity }: LaneConsumer): { stream: string; config: Wanted } {
	const isEvents = lane === 'events';
	return {
		stream: isEvents ? streams.events : streams.commands(shard),
		config: {
			durable_name: consumerName(node, lane),
			filter_subject: isEvents ? subjects.eventsOfNode(node) : subjects.commandsOfLane(shard, node, lane),
			max_ack_pending: capacity === 1 ? 1 : 4 * capacity,
			num_replicas: 1,
		},
	};
}

/** A consumer of the centre itself, over a whole stream. Its name begins with `_`, as no node's does. */
export function ensureCentreConsumer(connection: Connection, stream: string, name: string): Promise<boolean> {
	return ensureConsumer(connection, stream, { durable_name: name, max_ack_pending: 4096, num_replicas: 0 });
}

type Wanted = {
	durable_name: string;
	filter_subject?: string;
	max_ack_pending: number;
	/** 0: as many as the stream has. */
	num_replicas: 0 | 1;
};

async function ensureConsumer({ jsm }: Connection, stream: string, wanted: Wanted): Promise<boolean> {
	try {
		const { config } = await jsm.consumers.info(stream, wanted.durable_name);
		const { max_ack_pending, num_replicas } = wanted;
		if (config.max_ack_pending === max_ack_pending && config.num_replicas === num_replicas) return false;
		await jsm.consumers.update(stream, wanted.durable_name, { max_ack_pending, num_replicas });
		return true;
	} catch (error) {
		if (!isConsumerNotFound(error)) throw error;
	}
	await jsm.consumers.add(stream, {
		...wanted,
		ack_policy: AckPolicy.Explicit,
		deliver_policy: DeliverPolicy.All,
		ack_wait: ackWaitMs * 1e6,
		// Attempts are counted in the journal; after max_deliver a message would stay in the stream unseen.
		max_deliver: -1,
	});
	return true;
}

/** Everything up to this sequence is acknowledged; 0 when the consumer is not there. */
export async function ackFloor({ jsm }: Connection, stream: string, consumer: string): Promise<number> {
	try {
		return (await jsm.consumers.info(stream, consumer)).ack_floor.stream_seq;
	} catch (error) {
		if (isConsumerNotFound(error)) return 0;
		throw error;
	}
}

/** Messages that it has not acknowledged, handed over or not; 0 when it is not there. */
export async function backlogOf({ jsm }: Connection, stream: string, consumer: string): Promise<number> {
	try {
		const { num_pending, num_ack_pending } = await jsm.consumers.info(stream, consumer);
		return num_pending + num_ack_pending;
	} catch (error) {
		if (isConsumerNotFound(error)) return 0;
		throw error;
	}
}

/** Removes what is below `seq`, of one subject filter or of all. */
export async function purgeBelow(
	{ jsm }: Connection,
	stream: string,
	seq: number,
	filter?: string,
): Promise<number> {
	const { purged } = await jsm.streams.purge(stream, filter === undefined ? { seq } : { seq, filter });
	return purged;
}

/** Subjects of a stream that match, and how full the stream is, 0 to 1. @throws StewardError `no-broker` */
export async function contentOf(
	{ jsm }: Connection,
	stream: string,
	filter: string,
): Promise<{ subjects: readonly string[]; fill: number }> {
	try {
		const { state, config } = await askLeader(() => jsm.streams.info(stream, { subjects_filter: filter }));
		const fill = config.max_bytes > 0 ? state.bytes / config.max_bytes : 0;
		return { subjects: Object.keys(state.subjects ?? {}), fill };
	} catch (error) {
		throw noAnswer(stream, error);
	}
}

/** Subjects of a stream that match. @throws StewardError `no-broker` */
export async function subjectsOf(
	connection: Connection,
	stream: string,
	filter: string,
): Promise<readonly string[]> {
	return (await contentOf(connection, stream, filter)).subjects;
}
