/**
 * Owns the stream of nodes that come and go.
 * Promises each change once, as the centre notices it, however often a node gives signs of life; who is there at the beginning is no
 * change. Where the broker's memory of presence was lost, who is there again has not come, and who is not is not told. Keeps names.
 */

import { rfc3339 } from '../base/clock.ts';
import { buckets } from '../domain/subject.ts';
import { bucketStream, bucketSubject, isMarker, keyOf } from '../jetstream/bucket.ts';
import { follow } from '../jetstream/follow.ts';
import { latestChanges } from './changes.ts';
import type { FleetParts } from './parts.ts';

export type NodeChange = {
	readonly node: string;
	readonly presence: 'present' | 'absent';
	/** When the centre noticed it, RFC 3339. */
	readonly at: string;
};

export type WatchNodesOptions = { node?: string; signal?: AbortSignal };

export function watchNodes(
	{ connection }: FleetParts,
	{ node = '*', signal }: WatchNodesOptions,
): AsyncGenerator<NodeChange> {
	return latestChanges<NodeChange>(connection, signal, async (push) => {
		const present = new Set<string>();
		let isNews = false;
		const following = await follow(
			connection,
			{
				stream: bucketStream(buckets.presence),
				filter: [bucketSubject(buckets.presence, node)],
				from: 'last',
				headersOnly: true,
			},
			(message) => {
				const name = keyOf(buckets.presence, message.subject);
				const isGone = isMarker(message.header);
				if (present.has(name) === !isGone) return;
				if (isGone) present.delete(name);
				else present.add(name);
				const at = rfc3339(message.storedAt);
				if (isNews) push(name, { node: name, presence: isGone ? 'absent' : 'present', at });
			},
		);
		void following.caughtUp.then(() => {
			isNews = true;
		});
		return [following];
	});
}
