/**
 * Owns what one caller hands to the store at once: writes that belong together, whoever waits for them, and who is told of them.
 * Promises that what is collected stays as it was handed over: a value is made to text when it is put.
 * In memory until the store has written it; a crash before that forgets all of it.
 */

import type { Key, Table } from './store-layout.ts';

/** One write; `name` is that of its table and key, `text` undefined is a removal. */
export type Operation = {
	readonly name: string;
	readonly table: Table;
	readonly key: Key;
	readonly text: string | undefined;
};

/** Writes of one transaction: collected synchronously, committed together. */
export type Writes = {
	put(table: Table, key: Key, value: unknown): void;
	remove(table: Table, key: Key): void;
	/** Calls `listener` when all of them are on disk: in the order in which they were handed over, and before who waits for it goes on. */
	whenOnDisk(listener: () => void): void;
};

export class Commit implements Writes {
	readonly operations: Operation[] = [];
	readonly #onDisk: (() => void)[] = [];
	readonly #waitsFor: 'committed' | 'flushed';
	readonly #resolve: () => void;
	readonly reject: (error: unknown) => void;

	constructor(waitsFor: 'committed' | 'flushed', resolve: () => void, reject: (error: unknown) => void) {
		this.#waitsFor = waitsFor;
		this.#resolve = resolve;
		this.reject = reject;
	}

	put(table: Table, key: Key, value: unknown): void {
		this.operations.push({ name: nameOf(table, key), table, key, text: JSON.stringify(value) });
	}

	remove(table: Table, key: Key): void {
		this.operations.push({ name: nameOf(table, key), table, key, text: undefined });
	}

	whenOnDisk(listener: () => void): void {
		this.#onDisk.push(listener);
	}

	/** What was written is not kept in memory until the disk has it. */
	committed(): void {
		this.operations.length = 0;
		if (this.#waitsFor === 'committed') this.#resolve();
	}

	flushed(): void {
		for (const listener of this.#onDisk) listener();
		if (this.#waitsFor === 'flushed') this.#resolve();
	}
}

/** Of an entry, whatever its table. */
export function nameOf(table: Table, key: Key): string {
	return `${table} ${key}`;
}
