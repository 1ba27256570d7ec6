/**
 * Owns which streams the index is read from, and how far it has come in each.
 * Promises that a place counts only what the index holds: also what was removed before it could be heard of, once it is known that nothing comes.
 * Soft state: a restart reads again.
 */

import { buckets, streams, subjects } from '../domain/subject.ts';
import { bucketStream, bucketSubject } from '../jetstream/bucket.ts';
import type { Connection } from '../jetstream/connection.ts';
import { type Followed, type Following, follow } from '../jetstream/follow.ts';
import type { SourceName } from './index-listeners.ts';
import { ReadingPlace } from './reading-place.ts';

export type Source = {
	readonly name: SourceName;
	readonly place: ReadingPlace;
	readonly stream: string;
	readonly filter: readonly string[];
	readonly from: 'all' | 'last';
	readonly headersOnly: boolean;
	readonly take: (message: Followed) => void;
	readonly reset: () => void;
};

/** What becomes of a message, and of all that came from a stream that was made anew. */
type Taker = Pick<Source, 'take' | 'reset'>;
export type Takers = Readonly<Record<Exclude<SourceName, number>, Taker>> & {
	readonly commands: (shard: number) => Taker;
};

export function sourcesOf(shards: number, takers: Takers): readonly Source[] {
	const ofBucket = (name: keyof typeof takers & keyof typeof buckets): Source => ({
		...{ name, place: new ReadingPlace(), stream: bucketStream(buckets[name]) },
		...{ filter: [bucketSubject(buckets[name], '>')], from: 'last', headersOnly: name === 'ledger' },
		...takers[name],
	});
	const ofShard = (shard: number): Source => ({
		...{ name: shard, place: new ReadingPlace(), stream: streams.commands(shard) },
		...{ filter: [subjects.commandsOfShard(shard)], from: 'all', headersOnly: true },
		...takers.commands(shard),
	});
	return [
		...(['ledger', 'nodes', 'presence', 'schedules', 'trust'] as const).map(ofBucket),
		...Array.from({ length: shards }, (_, shard) => ofShard(shard)),
	];
}

export async function followSource(connection: Connection, source: Source): Promise<Following> {
	const { stream, filter, from, headersOnly, place } = source;
	let lastAtFirst: number | undefined;
	const following = await follow(
		connection,
		{
			...{ stream, filter, from, headersOnly },
			onReset: () => {
				place.restart();
				source.reset();
			},
			onOpen: ({ created, lastSeq }) => {
				place.open(created);
				lastAtFirst ??= lastSeq;
			},
		},
		(message) => {
			source.take(message);
			place.reach(message.seq);
		},
	);
	// What was removed since will not be heard of.
	const caughtUp = following.caughtUp.then(() => place.reach(lastAtFirst ?? 0));
	return { caughtUp, stop: () => following.stop() };
}
