/**
 * Owns the node's disk: one lmdb environment with the tables of journal and outbox.
 * Promises that a commit is one transaction and that it is on disk (fdatasync) when it resolves; commits of one
 * moment share a flush. A crash leaves the last flushed transaction, whole.
 */

import { mkdir } from 'node:fs/promises';
import { type Database, open, type RootDatabase } from 'lmdb';
import { messageOf, StewardError } from '../base/errors.ts';
import { randomToken } from '../base/ids.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';

export const tables = ['meta', 'journal', 'outbox', 'seen'] as const;
export type Table = (typeof tables)[number];

type Key = string | number;

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
		return this.#table(table).get(key) as Value | undefined;
	}

	/** In the order of keys, from `start` on. */
	*range<Value>(table: Table, start?: Key, limit?: number): Generator<{ key: Key; value: Value }> {
		const bounds = { ...(start === undefined ? {} : { start }), ...(limit === undefined ? {} : { limit }) };
		for (const { key, value } of this.#table(table).getRange(bounds)) yield { key, value: value as Value };
	}

	/** The greatest key of a table of numbers, 0 when it is empty. */
	lastNumber(table: Table): number {
		for (const key of this.#table(table).getKeys({ reverse: true, limit: 1 })) return Number(key);
		return 0;
	}

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
		collect({
			put: (table, key, value) => done.push(this.#table(table).put(key, value)),
			remove: (table, key) => done.push(this.#table(table).remove(key)),
		});
		await Promise.all(done);
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
		const root = this.#root;
		this.#root = undefined;
		this.#tables = new Map();
		await root?.flushed;
		await root?.close();
	}
}
