/**
 * Owns the node's disk: one lmdb environment with the tables of journal and outbox.
 * Promises that a commit is whole and on disk (fdatasync) when it resolves, that those which wait share a flush, and
 * that `get` answers with what was handed over last, on disk or not, or fails: never with what was not written.
 * A crash leaves the last flushed transaction, whole.
 */

import { dirname } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { type Clock, withDeadline } from '../../base/clock.ts';
import { messageOf, StewardError } from '../../base/errors.ts';
import { makeFolder, syncFolder } from '../../base/files.ts';
import { randomToken } from '../../base/ids.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import { Commit, nameOf, type Operation, type Writes } from './commit.ts';
import { type Key, openOptions, sealed, type Table, tables, unsealed } from './store-layout.ts';

export type { Writes } from './commit.ts';
export type { Table } from './store-layout.ts';

export type StoreOptions = {
	/** Called before the file is opened, which may be damaged: whoever opens it then may die of it. */
	readonly prepare?: () => Promise<unknown>;
	/** Called once when what is read is not what was written; from then on nothing is read or written. */
	readonly onDamage?: (error: StewardError) => void;
};

/** A disk that takes longer than this for a flush does not answer. */
const flushWithinMs = 30_000;
const closeWithinMs = 2000;

export class Store implements Service {
	readonly name = 'store';
	readonly #path: string;
	readonly #clock: Clock;
	readonly #options: StoreOptions;
	readonly #lifecycle: Lifecycle;
	#root: RootDatabase<Buffer, Key> | undefined;
	#epoch = '';
	#tables: ReadonlyMap<Table, Database<Buffer, Key>> = new Map();
	#waiting: Commit[] = [];
	#writing: Promise<void> | undefined;
	/** What is handed over and not committed: whoever reads and writes again must not lose the write before. */
	readonly #pending = new Map<string, Operation>();
	/** What is committed and not flushed, with its batch: a power loss forgets it. */
	readonly #unflushed = new Map<string, readonly Commit[]>();
	#damage: StewardError | undefined;

	constructor(path: string, clock: Clock, options: StoreOptions = {}) {
		this.#path = path;
		this.#clock = clock;
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#damage = undefined;
				await options.prepare?.();
				await this.#open();
				this.#epoch = this.get<string>('meta', 'epoch') ?? randomToken();
				await this.commit((writes) => writes.put('meta', 'epoch', this.#epoch));
			},
			() => this.#close(),
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Identity of this store, made with it: another disk, or an emptied one, has another. */
	get epoch(): string {
		return this.#epoch;
	}

	/** The value as it was written: whoever reads a table knows its type. @throws StewardError `storage` */
	get<Value>(table: Table, key: Key): Value | undefined {
		const opened = this.#table(table);
		const pending = this.#pending.get(nameOf(table, key));
		if (pending) return pending.text === undefined ? undefined : (JSON.parse(pending.text) as Value);
		try {
			const stored = opened.get(key);
			return stored === undefined
				? undefined
				: (JSON.parse(unsealed(table, key, stored.toString())) as Value);
		} catch (error) {
			throw this.#damaged(error);
		}
	}

	/** What is committed, in the order of keys: from `start` on, before `end`. @throws StewardError `storage` */
	*range<Value>(
		table: Table,
		bounds: { start?: Key; end?: Key; limit?: number } = {},
	): Generator<{ key: Key; value: Value }> {
		const opened = this.#table(table);
		try {
			for (const { key, value } of opened.getRange(bounds)) {
				yield { key, value: JSON.parse(unsealed(table, key, value.toString())) as Value };
			}
		} catch (error) {
			throw this.#damaged(error);
		}
	}

	/** What is written under this key survives a power loss. */
	isOnDisk(table: Table, key: Key): boolean {
		const name = nameOf(table, key);
		return !this.#pending.has(name) && !this.#unflushed.has(name);
	}

	/** How many entries are committed. */
	count(table: Table): number {
		return this.#table(table).getKeysCount({});
	}

	/** One transaction, on disk when it resolves. @throws StewardError `storage` */
	commit(collect: (writes: Writes) => void): Promise<void> {
		return this.#enqueue(collect, 'flushed');
	}

	/** As `commit`, without waiting for the disk: for what a power loss may forget. A kill of this process forgets nothing of it. */
	commitLazily(collect: (writes: Writes) => void): Promise<void> {
		return this.#enqueue(collect, 'committed');
	}

	#enqueue(collect: (writes: Writes) => void, waitsFor: 'committed' | 'flushed'): Promise<void> {
		return new Promise((resolve, reject) => {
			this.#opened();
			if (this.#damage) throw this.#damage;
			const commit = new Commit(waitsFor, resolve, reject);
			collect(commit);
			for (const operation of commit.operations) this.#pending.set(operation.name, operation);
			this.#waiting.push(commit);
			this.#writing ??= this.#writeAll();
		});
	}

	/** One transaction at a time: what is handed over meanwhile is the next one. */
	async #writeAll(): Promise<void> {
		// Callers of the same turn of the event loop belong together.
		await Promise.resolve();
		while (this.#waiting.length > 0) {
			const batch = this.#waiting.splice(0);
			try {
				await this.#write(batch);
			} catch (error) {
				for (const { reject } of batch) reject(this.#failure(error));
			}
		}
		this.#writing = undefined;
	}

	async #write(batch: readonly Commit[]): Promise<void> {
		const root = this.#opened();
		const names = await this.#transact(root, batch);
		for (const commit of batch) commit.committed();
		// Where it takes too long, whoever waited was told so; what is on disk then all the same is known to be there.
		const onDisk = Promise.resolve(root.flushed).then(() => {
			for (const name of names) if (this.#unflushed.get(name) === batch) this.#unflushed.delete(name);
			for (const commit of batch) commit.flushed();
		});
		await withDeadline(this.#clock, onDisk, flushWithinMs, () => new Error('the disk does not answer'));
	}

	/** The names of what was written. */
	async #transact(root: RootDatabase<Buffer, Key>, batch: readonly Commit[]): Promise<readonly string[]> {
		// All of it is written or none: of several writes of one key only the last is seen.
		const last = new Map<string, Operation>();
		for (const { operations } of batch)
			for (const operation of operations) last.set(operation.name, operation);
		try {
			await root.transaction(() => {
				for (const { table, key, text } of last.values()) {
					if (text === undefined) void this.#table(table).remove(key);
					else void this.#table(table).put(key, sealed(table, key, text));
				}
			});
			// Before it is pending no more: at no moment is it taken for what a power loss leaves.
			for (const name of last.keys()) this.#unflushed.set(name, batch);
		} catch (error) {
			throw await commitError(error);
		} finally {
			// A later write of the same key is pending on its own.
			for (const [name, operation] of last) {
				if (this.#pending.get(name) === operation) this.#pending.delete(name);
			}
		}
		return [...last.keys()];
	}

	#failure(error: unknown): StewardError {
		return new StewardError(
			'storage',
			`the node's store at ${this.#path} cannot be written (${messageOf(error)}): is the disk full or read-only?`,
			{ cause: error },
		);
	}

	/** Nothing of it may be relied on, so that the node must end; its next start looks at all of it. */
	#damaged(cause: unknown): StewardError {
		if (this.#damage) return this.#damage;
		if (!this.#root)
			return new StewardError('storage', `the node's store at ${this.#path} is closed`, { cause });
		this.#damage = new StewardError(
			'storage',
			`the node's store at ${this.#path} is damaged (${messageOf(cause)}): start the node again, which looks at all of it`,
			{ cause },
		);
		this.#options.onDamage?.(this.#damage);
		return this.#damage;
	}

	#opened(): RootDatabase<Buffer, Key> {
		if (!this.#root) throw new StewardError('storage', `the node's store at ${this.#path} is closed`);
		return this.#root;
	}

	#table(name: Table): Database<Buffer, Key> {
		if (this.#damage) throw this.#damage;
		const table = this.#tables.get(name);
		if (!table) throw new StewardError('storage', `the node's store at ${this.#path} is closed`);
		return table;
	}

	async #open(): Promise<void> {
		try {
			await makeFolder(this.#path);
			const root = open<Buffer, Key>({ ...openOptions, encoding: 'binary', path: this.#path });
			this.#root = root;
			this.#tables = new Map(
				tables.map((name) => [name, root.openDB<Buffer, Key>(name, { encoding: 'binary' })]),
			);
			// lmdb forces to disk what its file holds, and never the file's name.
			for (const folder of [this.#path, dirname(this.#path)]) await syncFolder(folder);
		} catch (error) {
			throw new StewardError(
				'storage',
				`the node's store at ${this.#path} cannot be opened: ${messageOf(error)}`,
				{ cause: error },
			);
		}
	}

	async #close(): Promise<void> {
		await this.#writing;
		const root = this.#root;
		this.#root = undefined;
		this.#tables = new Map();
		if (!root) return;
		// After a failed write lmdb waits for a flush that never comes; what was promised is on disk.
		await Promise.race([root.close(), this.#clock.sleep(closeWithinMs)]);
	}
}

/** lmdb gives the reason of a failed commit as another promise beside the error. */
async function commitError(error: unknown): Promise<unknown> {
	if (typeof error !== 'object' || error === null || !('commitError' in error)) return error;
	try {
		await error.commitError;
		return error;
	} catch (reason) {
		return reason;
	}
}
