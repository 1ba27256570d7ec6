/**
 * Owns the question whether a broker that was started on a restored store has kept its promises.
 * Promises to look for each promised message by its sequence and to compare its bytes; one that is missing is excused only by a
 * later message of its subject on a stream that keeps one, or by a removal that the broker had read. Reads only.
 */

import type { Connection } from '../../../src/jetstream/connection.ts';
import type { Promised, Removal } from './promises.ts';

/** The promises that the store does not keep, in words. */
export async function brokenPromises(
	{ jsm }: Connection,
	promised: readonly Promised[],
	removals: readonly Removal[],
	place: number,
): Promise<string[]> {
	const broken: string[] = [];
	const keepsOne = new Map<string, boolean>();
	for await (const { config } of jsm.streams.list()) {
		keepsOne.set(config.name, config.max_msgs_per_subject === 1);
	}
	const stored = (stream: string, query: { seq: number } | { last_by_subj: string }) =>
		jsm.streams.getMessage(stream, query);
	for (const promise of promised) {
		if (promise.place >= place) break;
		const { stream, seq, subject, data } = promise;
		const name = `${stream} ${seq} ${subject}`;
		const asked = removals.some(
			(removal) => removal.place < place && removal.stream === stream && removal.covers(promise),
		);
		if (asked) continue;
		const keeps = keepsOne.get(stream);
		if (keeps === undefined) {
			broken.push(`${name} is gone, with its stream`);
			continue;
		}
		const message = await stored(stream, { seq });
		if (message) {
			const isSame = message.subject === subject && Buffer.from(message.data).equals(data);
			if (!isSame) broken.push(`${name} is another message`);
			continue;
		}
		const later = keeps ? await stored(stream, { last_by_subj: subject }) : null;
		if (!later || later.seq < seq) broken.push(`${name} is gone`);
	}
	return broken;
}
