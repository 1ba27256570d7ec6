/**
 * Owns the node's disk: one lmdb environment with the tables of journal and outbox.
 * Promises that a commit is one transaction, that it is on disk (fdatasync) when it resolves, and that `get` answers
 * with what was handed over last, on disk or not; commits of one moment share a flush. A crash leaves the last flushed
 * transaction, whole.
 */

import { mkdir } from 'node:fs/promises';
import { type Database, open, type RootDatabase } from 'lmdb';
import { messageOf, StewardError } from '../base/errors.ts';
import { randomToken } from '../base/ids.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';

const tables = ['meta', 'journal', 'outbox', 'undeliverable', 'seen', 'starts'] as const;
export type Table = (typeof tables)[number];

type Key = string | number;

/** A write that lmdb has not committed yet; `value` undefined is a removal. */
type Pending = { readonly value: unknown };

/** Writes of one transaction: collected synchronously, committed together. */
export type Writes = {
	put(table: Table, key: Key, value: unknown): void;
	remove(table: Table, key: Key): void;
};

export class Store implements Service {
	readonly name = 'store';
	readonly #path: string;
	readonly #lifecycle: Lifecycle;
	#root: RootDatabase<unknown, Key> | undefined;
	#epoch = '';
	#tables: ReadonlyMap<Table, Database<unknown, Key>> = new Map();
	/** lmdb reads what is committed; whoever reads and writes again in between must not lose the write before. */
	readonly #pending = new Map<string, Pending>();

	constructor(path: string) {
		this.#path = path;
		this.#lifecycle = new Lifecycle(
			async () => {
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

	/** The value as it was written: whoever reads a table knows its type. */
	get<Value>(table: Table, key: Key): Value | undefined {
		const opened = this.#table(table);
		const pending = this.#pending.get(pendingKey(table, key));
		return (pending ? pending.value : opened.get(key)) as Value | undefined;
	}

	/** What is committed, in the order of keys: from `start` on, before `end`. */
	*range<Value>(
		table: Table,
		bounds: { start?: Key; end?: Key; limit?: number } = {},
	): Generator<{ key: Key; value: Value }> {
		for (const { key, value } of this.#table(table).getRange(bounds)) yield { key, value: value as Value };
	}

	/** How many entries are committed. */
	count(table: Table): number {
		return this.#table(table).getKeysCount({});
	}

	/** One transaction, on disk when it resolves. @throws StewardError `storage` */
	async commit(collect: (writes: Writes) => void): Promise<void> {
		const root = this.#opened();
		try {
			await this.#write(collect);
			await root.flushed;
		} catch (error) {
			throw this.#failure(error);
		}
	}

	/** As `commit`, without waiting for the disk: for what may be forgotten by a crash. Errors are those of the next commit. */
	async commitLazily(collect: (writes: Writes) => void): Promise<void> {
		try {
			await this.#write(collect);
		} catch (error) {
			throw this.#failure(error);
		}
	}

	/** All writes of one turn of the event loop are one transaction of lmdb. */
	async #write(collect: (writes: Writes) => void): Promise<void> {
		const done: Promise<boolean>[] = [];
		const mine: [string, Pending][] = [];
		const remember = (table: Table, key: Key, value: unknown) => {
			const pending: Pending = { value };
			mine.push([pendingKey(table, key), pending]);
			this.#pending.set(pendingKey(table, key), pending);
		};
		try {
			collect({
				put: (table, key, value) => {
					done.push(this.#table(table).put(key, value));
					remember(table, key, value);
				},
				remove: (table, key) => {
					done.push(this.#table(table).remove(key));
					remember(table, key, undefined);
				},
			});
			await Promise.all(done);
		} finally {
			// A later write of the same key is pending on its own.
			for (const [key, pending] of mine) if (this.#pending.get(key) === pending) this.#pending.delete(key);
		}
	}

	#failure(error: unknown): StewardError {
		return new StewardError(
			'storage',
			`the node's store at ${this.#path} cannot be written (${messageOf(error)}): is the disk full or read-only?`,
			{ cause: error },
		);
	}

	#opened(): RootDatabase<unknown, Key> {
		if (!this.#root) throw new StewardError('storage', `the node's store at ${this.#path} is closed`);
		return this.#root;
	}

	#table(name: Table): Database<unknown, Key> {
		const table = this.#tables.get(name);
		if (!table) throw new StewardError('storage', `the node's store at ${this.#path} is closed`);
		return table;
	}

	async #open(): Promise<void> {
		try {
			await mkdir(this.#path, { recursive: true, mode: 0o700 });
			const root = open<unknown, Key>({ path: this.#path, encoding: 'json', maxDbs: 16 });
			this.#root = root;
			this.#tables = new Map(
				tables.map((name) => [name, root.openDB<unknown, Key>(name, { encoding: 'json' })]),
			);
		} catch (error) {
			throw new StewardError(
				'storage',
				`the node's store at ${this.#path} cannot be opened: ${messageOf(error)}`,
				{
					cause: error,
				},
			);
		}
	}

	async #close(): Promise<void> {
		this.#pending.clear();
		const root = this.#root;
		this.#root = undefined;
		this.#tables = new Map();
		await root?.flushed;
		await root?.close();
	}
}

function pendingKey(table: Table, key: Key): string {
	return `${table} ${key}`;
}
