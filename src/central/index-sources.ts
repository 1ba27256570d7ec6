/**
 * Owns which streams the index is read from, and how far it has come in each.
 * Promises that a place counts only what the index holds: also what was removed before it could be heard of, once it is known that nothing comes.
 * Soft state: a restart reads again.
 */

import { systemClock } from '../base/clock.ts';
import { buckets, streams, subjects } from '../domain/subject.ts';
import { bucketStream, bucketSubject } from '../jetstream/bucket.ts';
import type { Connection } from '../jetstream/connection.ts';
import { noAnswer } from '../jetstream/errors.ts';
import { type Followed, type Following, follow } from '../jetstream/follow.ts';
import type { SourceName } from './index-listeners.ts';
import { ReadingPlace } from './reading-place.ts';

/** What a list is looked at for; a command has one or two entries. */
const newestOfLedger = 150_000;
const retryMs = 500;

export type Source = {
	readonly name: SourceName;
	readonly place: ReadingPlace;
	readonly stream: string;
	readonly filter: readonly string[];
	readonly from: 'all' | 'last';
	readonly headersOnly: boolean;
	/** Where there is much: what has the last so many sequences is read first, and what is before them after that. */
	readonly newest?: number | undefined;
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
		newest: name === 'ledger' ? newestOfLedger : undefined,
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

/**
 * The newest first, where there is much: lists show that in seconds. How far it has come is said once all of it is read.
 * @throws StewardError `no-broker` at first
 */
export async function followSource(connection: Connection, source: Source): Promise<Following> {
	const { stream, filter, from, headersOnly, place, newest } = source;
	const after = newest === undefined ? 0 : await beginningOf(connection, stream, newest);
	/** Of these there is something newer than what is older than all of that. */
	const newer = new Set<string>();
	let isWhole = after === 0;
	let heard = 0;
	const reach = (seq: number) => {
		heard = Math.max(heard, seq);
		if (isWhole) place.reach(heard);
	};
	let lastAtFirst: number | undefined;
	const stopping = new AbortController();
	const following = await follow(
		connection,
		{
			...{ stream, filter, from, headersOnly, after },
			onReset: () => {
				// Of another stream: what comes of it now says nothing any more.
				stopping.abort();
				[heard, lastAtFirst, isWhole] = [0, undefined, true];
				newer.clear();
				place.restart();
				source.reset();
			},
			onOpen: ({ created, lastSeq }) => {
				place.open(created);
				lastAtFirst ??= lastSeq;
			},
		},
		(message) => {
			if (!isWhole) newer.add(message.subject);
			source.take(message);
			reach(message.seq);
		},
	);
	const caughtUp = following.caughtUp.then(async () => {
		const take = (message: Followed) => newer.has(message.subject) || source.take(message);
		if (!isWhole && !(await readUpTo(connection, source, after, take, stopping.signal))) return;
		// Of what another stream holds nothing is known but what comes.
		if (stopping.signal.aborted) return;
		newer.clear();
		isWhole = true;
		// What was removed since will not be heard of.
		reach(lastAtFirst ?? 0);
	});
	const stop = () => {
		stopping.abort();
		return following.stop();
	};
	return { caughtUp, stop };
}

/** The sequence after which the last `newest` ones are. @throws StewardError `no-broker` */
async function beginningOf({ jsm }: Connection, stream: string, newest: number): Promise<number> {
	try {
		const { state } = await jsm.streams.info(stream);
		return Math.max(0, state.last_seq - newest);
	} catch (error) {
		throw noAnswer(stream, error);
	}
}

/** Hands over what the stream holds up to this sequence. False where the stream was made anew meanwhile, or it was stopped: then nothing more. */
async function readUpTo(
	connection: Connection,
	{ stream, filter, headersOnly }: Source,
	last: number,
	take: (message: Followed) => unknown,
	stopping: AbortSignal,
): Promise<boolean> {
	let isAnew = false;
	let end: () => void = () => undefined;
	const isOver = new Promise<void>((resolve) => {
		end = resolve;
	});
	stopping.addEventListener('abort', end, { once: true });
	const options = { stream, filter, headersOnly, from: 'all' } as const;
	const onReset = () => {
		isAnew = true;
		end();
	};
	const begin = async () => {
		while (!stopping.aborted) {
			try {
				return await follow(connection, { ...options, onReset }, (message) => {
					if (message.seq > last) end();
					else if (!stopping.aborted && !isAnew) take(message);
				});
			} catch {
				// The broker is away, which whoever watches the link says.
				await systemClock.sleep(retryMs, stopping);
			}
		}
		return undefined;
	};
	const older = await begin();
	await Promise.race([older?.caughtUp, isOver]);
	await older?.stop();
	return !isAnew && !stopping.aborted;
}
