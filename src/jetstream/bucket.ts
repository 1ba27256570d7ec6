/**
 * Owns reading and writing KV buckets as the streams that they are: direct gets, compare-and-set, TTLs, markers.
 * Promises that a value written with `expectRevision` replaced exactly that revision.
 * A crash in the middle of a write leaves the old revision or the new one.
 */

import type { Connection } from './connection.ts';
import { getLast, getLastOfMany, type Stored } from './direct-get.ts';
import { GroupGet } from './group-get.ts';
import { expectedSeqHeader, type PublishRequest } from './publisher.ts';

export type Entry = {
	readonly key: string;
	readonly value: Uint8Array;
	readonly revision: number;
	readonly header: (name: string) => string;
	/** Server time of the write, milliseconds since the epoch. */
	readonly writtenAt: number;
	/** A marker says that the key is gone: deleted, or its TTL passed. */
	readonly gone: boolean;
};

export function bucketStream(bucket: string): string {
	return `KV_${bucket}`;
}

export function bucketSubject(bucket: string, key: string): string {
	return `$KV.${bucket}.${key}`;
}

export function keyOf(bucket: string, subject: string): string {
	return subject.slice(`$KV.${bucket}.`.length);
}

/** True for the markers that deletes and expiry leave behind. */
export function isMarker(header: (name: string) => string): boolean {
	return header('KV-Operation') !== '' || header('Nats-Marker-Reason') !== '';
}

/** The last entry of a key, markers included; undefined when there is none. */
export async function readEntry(
	connection: Connection,
	bucket: string,
	key: string,
): Promise<Entry | undefined> {
	const stored = await getLast(connection, bucketStream(bucket), bucketSubject(bucket, key));
	return stored && toEntry(bucket, stored);
}

/** The last entries of many keys, by key; keys without an entry are left out. */
export async function readEntries(
	connection: Connection,
	bucket: string,
	keys: readonly string[],
): Promise<Map<string, Entry>> {
	const wanted = keys.map((key) => bucketSubject(bucket, key));
	const stored = await getLastOfMany(connection, bucketStream(bucket), wanted);
	return new Map(stored.map((message) => [keyOf(bucket, message.subject), toEntry(bucket, message)]));
}

/** Reads of one bucket that are shared by whoever asks at the same time. */
export class BucketReader {
	readonly #bucket: string;
	readonly #group: GroupGet;

	constructor(connection: Connection, bucket: string) {
		this.#bucket = bucket;
		this.#group = new GroupGet(connection, bucketStream(bucket));
	}

	/** What tells of each of these keys its last entry, as {@link readEntries}. */
	async entries(keys: readonly string[]): Promise<(key: string) => Entry | undefined> {
		const bucket = this.#bucket;
		const found = await this.#group.get(keys.map((key) => bucketSubject(bucket, key)));
		return (key) => {
			const stored = found.size === 0 ? undefined : found.get(bucketSubject(bucket, key));
			return stored && toEntry(bucket, stored);
		};
	}
}

function toEntry(bucket: string, stored: Stored): Entry {
	return {
		key: keyOf(bucket, stored.subject),
		value: stored.data,
		revision: stored.seq,
		header: stored.header,
		writtenAt: stored.storedAt,
		gone: isMarker(stored.header),
	};
}

/** A write of one key, for a Publisher: `expectRevision` 0 means that the key must not be there. */
export function writeRequest(
	bucket: string,
	key: string,
	value: string | Uint8Array,
	options: { expectRevision?: number; ttlMs?: number | undefined; headers?: Record<string, string> } = {},
): PublishRequest {
	const { expectRevision, ttlMs } = options;
	const headers: Record<string, string> = { ...options.headers };
	if (expectRevision !== undefined) headers[expectedSeqHeader] = String(expectRevision);
	if (ttlMs !== undefined) headers['Nats-TTL'] = `${Math.max(1, Math.ceil(ttlMs / 1000))}s`;
	return { subject: bucketSubject(bucket, key), data: value, headers };
}

/** A delete of one key, for a Publisher: leaves a marker, and its time. */
export function deleteRequest(bucket: string, key: string, expectRevision?: number): PublishRequest {
	const request = writeRequest(bucket, key, '', expectRevision === undefined ? {} : { expectRevision });
	return { ...request, headers: { ...request.headers, 'KV-Operation': 'DEL' } };
}
