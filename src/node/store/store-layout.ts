/**
 * Owns what the store's file looks like: its tables, how lmdb is asked to open it, and how a value is written.
 * Promises that a value which is not what was written under its table and key is told as damage, and never given out;
 * values of a store from before there were checksums are read as they are.
 * Pure.
 */

import { crc32 } from 'node:zlib';
import { messageOf } from '../../base/errors.ts';

export const tables = [
	...['meta', 'journal', 'outbox', 'undeliverable', 'seen', 'starts', 'cancels'],
	...['schedules', 'ticks', 'spent', 'documents'],
] as const;
export type Table = (typeof tables)[number];

export type Key = string | number;

/** The file's name in the store's folder; lmdb's own. */
export const dataFile = 'data.mdb';

/**
 * Transactions are gathered by the store: those that lmdb gathers have promises of its own, whose failures nobody hears.
 * `mapSize` is room for addresses, not memory: lmdb would begin with little, map all of the file anew each time that it has doubled,
 * and keep the old maps, whose pages then count once more.
 */
export const openOptions = {
	encoding: 'string',
	eventTurnBatching: false,
	maxDbs: 16,
	mapSize: 256 * 2 ** 20,
} as const;

/** What was read is not what was written. */
export class DamagedValue extends Error {}

/** No JSON begins with it. */
const sealMark = '#';
const sealLength = 9;

/** Where texts become bytes; one that may not fit has room of its own. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * The text with its checksum, as it is stored: bytes that hold until the next call. Within a transaction lmdb has copied them when `put` is
 * over. (Of a text, lmdb and the checksum would each make a copy on the heap.)
 */
export function sealed(table: Table, key: Key, text: string): Buffer {
	const most = sealLength + 3 * text.length;
	const room = most <= scratch.length ? scratch : Buffer.allocUnsafeSlow(most);
	const end = sealLength + room.write(text, sealLength);
	room.write(sealOf(table, key, room.subarray(sealLength, end)), 'latin1');
	return room.subarray(0, end);
}

/** The text that was sealed. @throws DamagedValue */
export function unsealed(table: Table, key: Key, stored: string): string {
	if (!stored.startsWith(sealMark)) return withoutSeal(table, key, stored);
	const text = stored.slice(sealLength);
	if (stored.slice(0, sealLength) === sealOf(table, key, text)) return text;
	throw new DamagedValue(`the entry ${key} of the table ${table} is not what was written`);
}

/** The table and the key count: an entry that stands in another's place is damage as well. */
function sealOf(table: Table, key: Key, text: string | Uint8Array): string {
	const sum = crc32(text, crc32(`${table} ${key}`));
	return sealMark + sum.toString(16).padStart(sealLength - 1, '0');
}

/** Without a checksum, what is no JSON cannot have been written; more cannot be said of it. */
function withoutSeal(table: Table, key: Key, text: string): string {
	try {
		JSON.parse(text);
		return text;
	} catch (error) {
		throw new DamagedValue(`the entry ${key} of the table ${table} is no JSON: ${messageOf(error)}`);
	}
}
