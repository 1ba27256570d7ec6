/**
 * Owns where nodes stand with the centre, as it is stored: beside the record of each node, under a key of its own, so that a node's
 * words never wait for it. Promises that a change is made to what it was decided on.
 * A crash in the middle of a write leaves the old revision or the new one.
 */

import { StewardError } from '../base/errors.ts';
import { isNodeName } from '../domain/names.ts';
import { goodStanding, type Standing, standingSchema } from '../domain/standing.ts';
import { buckets } from '../domain/subject.ts';
import { decode } from '../domain/wire.ts';
import { bucketStream, type Entry, readEntry, writeRequest } from './bucket.ts';
import type { Connection } from './connection.ts';
import { publishFailure } from './publish-answer.ts';
import { isWrongSequence, Publisher } from './publisher.ts';

/** What stands beside the name of a node in the key; no name holds a dot. */
const suffix = '.standing';
const tries = 6;

export function standingKey(node: string): string {
	return node + suffix;
}

/** The node whose standing is under this key; undefined for other keys. */
export function nodeOfStanding(key: string): string | undefined {
	const node = key.endsWith(suffix) ? key.slice(0, -suffix.length) : '';
	return isNodeName(node) ? node : undefined;
}

/** What an entry says; a good one where there is none, or where a newer program wrote it. */
export function standingOf(entry: Pick<Entry, 'value' | 'gone'> | undefined): Standing {
	return (entry && !entry.gone && decode(standingSchema, entry.value)) || goodStanding;
}

export class Standings {
	readonly #connection: Connection;
	readonly #publisher: Publisher;

	constructor(connection: Connection) {
		this.#connection = connection;
		this.#publisher = new Publisher(connection, { stream: bucketStream(buckets.nodes), mayLookUp: true });
	}

	async read(node: string): Promise<Standing> {
		return standingOf(await readEntry(this.#connection, buckets.nodes, standingKey(node)));
	}

	/**
	 * What it is afterwards.
	 * @throws StewardError `refused` while others change it without end, `unauthorized`, `no-broker`, `ambiguous`
	 */
	async change(node: string, change: (standing: Standing) => Standing): Promise<Standing> {
		const key = standingKey(node);
		for (let attempt = 1; attempt <= tries; attempt += 1) {
			const entry = await readEntry(this.#connection, buckets.nodes, key);
			const before = standingOf(entry);
			const after = change(before);
			if (after === before) return before;
			const expectRevision = entry?.revision ?? 0;
			try {
				await this.#publisher.publish(
					writeRequest(buckets.nodes, key, JSON.stringify(after), { expectRevision }),
				);
				return after;
			} catch (error) {
				if (!isWrongSequence(error)) throw notKept(node, error);
			}
		}
		throw new StewardError('refused', `others change where ${node} stands at this moment: try again`);
	}
}

function notKept(node: string, cause: unknown): unknown {
	return publishFailure(cause, {
		ambiguous: `nobody can tell whether where ${node} stands was changed: ask again`,
		unavailable: `where ${node} stands cannot be changed now, no server holds it at the moment: ask again`,
		refused: `where ${node} stands was not changed`,
		details: { node },
	});
}
