/**
 * Owns following a stream from its present content on: an ordered consumer, and the moment when it has caught up.
 * Promises every message in order, none twice, through reconnects. State built from it is soft: a restart reads again.
 */

import { type ConsumerMessages, DeliverPolicy } from '@nats-io/jetstream';
import type { Connection } from './connection.ts';

export type Followed = {
	readonly subject: string;
	readonly data: Uint8Array;
	readonly header: (name: string) => string;
	readonly seq: number;
	/** Server time of its storing, milliseconds since the epoch. */
	readonly storedAt: number;
};

export type Following = {
	/** Resolves when everything that was there at the start has been handed over. */
	readonly caughtUp: Promise<void>;
	stop(): Promise<void>;
};

/** Calls `onMessage` for what is in the stream (`last`: the last of each subject) and for all that comes. */
export async function follow(
	connection: Connection,
	options: { stream: string; filter: readonly string[]; from: 'all' | 'last' | 'new'; headersOnly?: boolean },
	onMessage: (message: Followed) => void,
): Promise<Following> {
	const consumer = await connection.js.consumers.get(options.stream, {
		filter_subjects: [...options.filter],
		deliver_policy: policies[options.from],
		...(options.headersOnly ? { headers_only: true } : {}),
	});
	const { num_pending: waiting } = await consumer.info(true);
	let left = waiting;
	let caughtUp: () => void = () => undefined;
	const whenCaughtUp = new Promise<void>((resolve) => {
		caughtUp = resolve;
	});
	if (left === 0) caughtUp();
	const messages: ConsumerMessages = await consumer.consume({
		max_messages: 2000,
		callback: (message) => {
			onMessage({
				subject: message.subject,
				data: message.data,
				header: (name) => message.headers?.get(name) ?? '',
				seq: message.seq,
				storedAt: Number(message.timestampNanos / 1_000_000n),
			});
			left -= 1;
			if (left === 0 || message.info.pending === 0) caughtUp();
		},
	});
	return {
		caughtUp: whenCaughtUp,
		stop: async () => {
			await messages.close();
		},
	};
}

const policies = {
	all: DeliverPolicy.All,
	last: DeliverPolicy.LastPerSubject,
	new: DeliverPolicy.New,
} as const;
