/**
 * Owns the look at a whole store in a process of its own: `node store-walk.js <folder>`, one line of JSON on stdout.
 * Promises to read every entry by its key and to write once, as the node will, so that whatever lmdb dies of on a damaged
 * file, it dies of here. It changes nothing but a note of itself; killed in the middle, it is started again.
 */

import { writeSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';
import { messageOf } from '../../base/errors.ts';
import { DamagedValue, type Key, openOptions, sealed, type Table, tables, unsealed } from './store-layout.ts';

/** What the walk says; a damaged file may end it before it says anything. */
export type WalkWord =
	| { readonly is: 'sound'; readonly entries: number }
	| { readonly is: 'damaged'; readonly why: string }
	/** Neither: the system refused something. */
	| { readonly is: 'unknown'; readonly why: string };

/** lmdb's own: VERSION_MISMATCH, MAP_FULL, DBS_FULL, READERS_FULL, TLS_FULL, TXN_FULL. */
const harmlessCodes: readonly unknown[] = [-30794, -30792, -30791, -30790, -30789, -30788];

function walk(path: string): WalkWord {
	const root = open<string, Key>({ ...openOptions, path });
	let entries = 0;
	for (const name of tables) entries += walkTable(root, name);
	const meta = root.openDB<string, Key>('meta', { encoding: 'string' });
	meta.putSync('walked', sealed('meta', 'walked', String(entries)).toString());
	return { is: 'sound', entries };
}

/** Every entry in order, each found again by its key, and as many as the table says that it has. */
function walkTable(root: RootDatabase<string, Key>, name: Table): number {
	const table = root.openDB<string, Key>(name, { encoding: 'string' });
	const expected = entryCountOf(table);
	let found = 0;
	let last: Key = '';
	for (const key of table.getKeys()) {
		found += 1;
		// A page that is followed twice; without the count it might be followed for ever.
		if (found > expected || !isBefore(last, key)) {
			throw new DamagedValue(`the table ${name} is out of order`);
		}
		last = key;
		const stored = table.get(key);
		if (stored === undefined) throw new DamagedValue(`the entry ${key} of the table ${name} cannot be found`);
		unsealed(name, key, stored);
	}
	if (found < expected) throw new DamagedValue(`the table ${name} has ${found} of its ${expected} entries`);
	return found;
}

/** As lmdb sorts them; numbers, which no table has today, are not judged. */
function isBefore(a: Key, b: Key): boolean {
	if (typeof a === 'number' || typeof b === 'number') return true;
	return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}

function entryCountOf(table: Database<string, Key>): number {
	const stats: unknown = table.getStats();
	return typeof stats === 'object' && stats !== null && 'entryCount' in stats ? Number(stats.entryCount) : 0;
}

/** What the system refused has its number; our own mistakes are no damage; all else is lmdb that cannot make sense of it. */
function wordFor(error: unknown): WalkWord {
	const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
	const isOfSystem = typeof code === 'string' || (typeof code === 'number' && code > 0);
	const isOurs = error instanceof TypeError || error instanceof ReferenceError;
	const isUnknown = isOfSystem || isOurs || harmlessCodes.includes(code);
	return { is: isUnknown ? 'unknown' : 'damaged', why: messageOf(error) };
}

function say(word: WalkWord): void {
	writeSync(1, `${JSON.stringify(word)}\n`);
}

const [path] = process.argv.slice(2);
try {
	say(walk(path ?? ''));
} catch (error) {
	say(wordFor(error));
}
// Without a close: lmdb may die of that on a damaged file, and all is said.
process.exit(0);
