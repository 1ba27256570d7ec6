/**
 * Owns the signed documents as they are stored: one key for each kind, with their earlier versions behind it.
 * Promises that a write replaces exactly the revision that was read. Whether a document counts is judged by whoever reads it.
 * A crash in the middle of a write leaves the old version or the new one.
 */

import { StewardError } from '../base/errors.ts';
import { type DocumentKind, documentKinds, type Published, publishedSchema } from '../domain/document.ts';
import { buckets } from '../domain/subject.ts';
import { decode } from '../domain/wire.ts';
import { bucketStream, bucketSubject, isMarker, keyOf, readEntries, writeRequest } from './bucket.ts';
import type { Connection } from './connection.ts';
import { follow } from './follow.ts';
import { assertFits } from './limits.ts';
import { isWrongSequence, Publisher } from './publisher.ts';

/** Of the message that brings it to a node: what stands beside the documents. */
const besideBytes = 4096;

export type StoredDocument = {
	readonly published: Published;
	readonly revision: number;
	/** Server time, milliseconds since the epoch. */
	readonly storedAt: number;
};

/** One entry of the bucket; `published` is undefined where it is gone, or cannot be read. */
export function readDocument(
	key: string,
	data: Uint8Array,
	gone: boolean,
): { readonly kind: DocumentKind; readonly published: Published | undefined } | undefined {
	const kind = documentKinds.find((one) => one === key);
	if (!kind) return undefined;
	const published = gone ? undefined : decode(publishedSchema, data);
	return { kind, published: published?.document.kind === kind ? published : undefined };
}

export class Documents {
	readonly #connection: Connection;
	readonly #publisher: Publisher;

	constructor(connection: Connection) {
		this.#connection = connection;
		this.#publisher = new Publisher(connection, { stream: bucketStream(buckets.trust), mayLookUp: true });
	}

	/** Those that are current. @throws StewardError `schema-newer` for one that cannot be read */
	async read(): Promise<ReadonlyMap<DocumentKind, StoredDocument>> {
		const found = new Map<DocumentKind, StoredDocument>();
		for (const [key, entry] of await readEntries(this.#connection, buckets.trust, documentKinds)) {
			const read = readDocument(key, entry.value, entry.gone);
			if (!read || entry.gone) continue;
			if (!read.published) throw unreadable(key);
			found.set(read.kind, {
				published: read.published,
				revision: entry.revision,
				storedAt: entry.writtenAt,
			});
		}
		return found;
	}

	/** All versions of one kind that are kept, oldest first. */
	async history(kind: DocumentKind): Promise<readonly StoredDocument[]> {
		const versions: StoredDocument[] = [];
		const stream = bucketStream(buckets.trust);
		const filter = [bucketSubject(buckets.trust, kind)];
		const following = await follow(
			this.#connection,
			{ stream, filter, from: 'all' },
			({ subject, seq, data, header, storedAt }) => {
				const read = readDocument(keyOf(buckets.trust, subject), data, isMarker(header));
				if (read?.published) versions.push({ published: read.published, revision: seq, storedAt });
			},
		);
		await following.caughtUp;
		await following.stop();
		return versions;
	}

	/**
	 * False where another was faster; `revision` 0: there is none.
	 * @throws PublishError 10054 for what no node could be told in one message
	 */
	async write(published: Published, revision: number): Promise<boolean> {
		const text = JSON.stringify(published);
		assertFits(this.#connection, text, besideBytes);
		try {
			const { kind } = published.document;
			await this.#publisher.publish(writeRequest(buckets.trust, kind, text, { expectRevision: revision }));
			return true;
		} catch (error) {
			if (isWrongSequence(error)) return false;
			throw error;
		}
	}
}

function unreadable(kind: string): StewardError {
	return new StewardError(
		'schema-newer',
		`the ${kind} list cannot be read: it was written by a newer steward, or by somebody else; install that, or see steward ${kind} history`,
	);
}
