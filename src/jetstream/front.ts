/**
 * Owns removing many messages from the front of a filter with one request: each by itself costs the broker a request and a flush.
 * Promises that only what the stream itself has shown right before goes, message by message from its first on, over the same connection:
 * a sequence that was learned earlier proves nothing where a broker may have come back with an older copy of its store.
 * A crash in between leaves all of them there.
 */

import { systemClock } from '../base/clock.ts';
import type { Connection } from './connection.ts';
import { purgeBelow } from './consumers.ts';
import { getFrom, type Stored } from './direct-get.ts';

/** What is looked at in one go: messages, and bytes of their headers and bodies. */
const most = { batch: 1000, maxBytes: 1024 * 1024 };
/** What was seen longer ago does not count. */
const mostAgeMs = 1000;

/** Fewer are removed one by one: looking at them costs as much. */
export const fewestOfFront = 8;

/** What is gone: all that matches the filter, up to a sequence. Both 0 where the first is not over, or there is none. */
export type Front = { readonly upTo: number; readonly removed: number };

/**
 * Removes what matches `filter`, from the first message on and no more than `atMost`, as long as `isOver` says so of each; the first that
 * is not over, and all behind it, stays. Answers how far it came.
 * @throws StewardError `no-broker`; Error where the answer has a gap, or the link was lost since: where nothing was removed before that
 */
export async function purgeFront(
	connection: Connection,
	stream: string,
	filter: string,
	atMost: number,
	isOver: (stored: Stored) => boolean,
): Promise<Front> {
	const { changes } = connection.reach;
	let front: Front = { upTo: 0, removed: 0 };
	try {
		for (let isMore = true; isMore && front.removed < atMost; ) {
			const since = systemClock.monotonic();
			const batch = Math.min(most.batch, atMost - front.removed);
			const shown = await getFrom(connection, stream, filter, 1, { ...most, batch });
			const last = lastOfFront(shown, isOver);
			if (!last) break;
			assertSame(connection, stream, changes, since);
			const removed = await purgeBelow(connection, stream, last.seq + 1, filter);
			front = { upTo: last.seq, removed: front.removed + removed };
			isMore = removed > 0 && last === shown.at(-1);
		}
	} catch (error) {
		if (front.removed === 0) throw error;
	}
	return front;
}

function assertSame({ reach }: Connection, stream: string, changes: number, since: number): void {
	const isOld = systemClock.monotonic() - since > mostAgeMs;
	if (isOld || !reach.isUp || reach.changes !== changes)
		throw new Error(`what ${stream} has shown is too old to remove anything by it`);
}

function lastOfFront(shown: readonly Stored[], isOver: (stored: Stored) => boolean): Stored | undefined {
	let last: Stored | undefined;
	for (const stored of shown) {
		// The server says of each which one it sent before: none was lost on the way.
		if (Number(stored.header('Nats-Last-Sequence')) !== (last?.seq ?? 0))
			throw new Error('a message is missing');
		if (!isOver(stored)) break;
		last = stored;
	}
	return last;
}
