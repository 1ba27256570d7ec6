/**
 * Owns the node's store in memory for tests that crash it: transactions that are visible first, and on the disk a step later.
 * Promises what the real one promises: a commit that resolved survives, those after it do or do not, whole and in order.
 * The disk outlives the store that writes it, and tells each change of what is on it.
 */

import { systemClock } from '../../src/base/clock.ts';
import { StewardError } from '../../src/base/errors.ts';
import { Store, type Table, type Writes } from '../../src/node/store/store.ts';

type Key = string | number;
type Operation = { readonly name: string; readonly text: string | undefined };
type Commit = {
	readonly operations: readonly Operation[];
	readonly isLazy: boolean;
	readonly onDisk: readonly (() => void)[];
	readonly done: () => void;
	readonly failed: (error: unknown) => void;
};

const nameOf = (table: Table, key: Key) => `${table} ${key}`;

export class Disk {
	/** What a power loss leaves. */
	#flushed = new Map<string, string>();
	#unflushed: (readonly Operation[])[] = [];
	/** With what is committed, and not on the disk. */
	#visible = new Map<string, string>();
	readonly #onChange: (name: string, before: unknown, after: unknown) => void;

	constructor(onChange: (name: string, before: unknown, after: unknown) => void = () => undefined) {
		this.#onChange = onChange;
	}

	/** Whether it refuses whatever is written. */
	isFull = false;

	/** What is on another one is on this one. */
	copy(other: Disk): void {
		this.#flushed = new Map(other.#flushed);
		this.#visible = new Map(other.#flushed);
	}

	get visible(): ReadonlyMap<string, string> {
		return this.#visible;
	}

	/** What is certainly on the disk. */
	read<Value>(table: Table, key: Key): Value | undefined {
		return parsed(this.#flushed.get(nameOf(table, key))) as Value | undefined;
	}

	commit(operations: readonly Operation[]): void {
		apply(this.#visible, operations);
		this.#unflushed.push(operations);
	}

	flush(): void {
		for (const operations of this.#unflushed.splice(0)) this.#toDisk(operations);
	}

	/** The first `kept` of the transactions that nobody flushed came through. */
	crash(kept: number): void {
		for (const operations of this.#unflushed.splice(0).slice(0, kept)) this.#toDisk(operations);
		this.#visible = new Map(this.#flushed);
	}

	#toDisk(operations: readonly Operation[]): void {
		for (const { name, text } of operations)
			this.#onChange(name, parsed(this.#flushed.get(name)), parsed(text));
		apply(this.#flushed, operations);
	}
}

function apply(target: Map<string, string>, operations: readonly Operation[]): void {
	for (const { name, text } of operations) {
		if (text === undefined) target.delete(name);
		else target.set(name, text);
	}
}

function parsed(text: string | undefined): unknown {
	return text === undefined ? undefined : JSON.parse(text);
}

export class MemoryStore extends Store {
	readonly #disk: Disk;
	readonly #newEpoch: string;
	readonly #step: () => Promise<unknown>;
	readonly #pending = new Map<string, Operation>();
	#waiting: Commit[] = [];
	#writing = false;

	/** `step` is waited for before each commit and each flush: what never resolves is a process that is dead. */
	constructor(disk: Disk, newEpoch: string, step: () => Promise<unknown>) {
		super('', systemClock);
		this.#disk = disk;
		this.#newEpoch = newEpoch;
		this.#step = step;
	}

	override async start(): Promise<void> {
		const epoch = this.epoch;
		await this.commit((writes) => writes.put('meta', 'epoch', epoch));
	}

	override get epoch(): string {
		return this.get<string>('meta', 'epoch') ?? this.#newEpoch;
	}

	override get<Value>(table: Table, key: Key): Value | undefined {
		const name = nameOf(table, key);
		const pending = this.#pending.get(name);
		return parsed(pending ? pending.text : this.#disk.visible.get(name)) as Value | undefined;
	}

	override *range<Value>(
		table: Table,
		bounds: { start?: Key; end?: Key; limit?: number } = {},
	): Generator<{ key: Key; value: Value }> {
		const { start = '', end = '\uffff', limit } = bounds;
		const all = [...this.#disk.visible].filter(([name]) => name.startsWith(`${table} `));
		const entries = all.map(([name, text]) => ({ key: name.slice(table.length + 1), text }));
		const inRange = entries.filter(({ key }) => key >= String(start) && key < String(end));
		inRange.sort((a, b) => (a.key < b.key ? -1 : 1));
		for (const { key, text } of inRange.slice(0, limit)) yield { key, value: parsed(text) as Value };
	}

	override count(table: Table): number {
		return [...this.range(table)].length;
	}

	override commit(collect: (writes: Writes) => void): Promise<void> {
		return this.#enqueue(collect, false);
	}

	override commitLazily(collect: (writes: Writes) => void): Promise<void> {
		return this.#enqueue(collect, true);
	}

	#enqueue(collect: (writes: Writes) => void, isLazy: boolean): Promise<void> {
		const operations: Operation[] = [];
		const onDisk: (() => void)[] = [];
		collect({
			put: (table, key, value) =>
				void operations.push({ name: nameOf(table, key), text: JSON.stringify(value) }),
			remove: (table, key) => void operations.push({ name: nameOf(table, key), text: undefined }),
			whenOnDisk: (listener) => void onDisk.push(listener),
		});
		for (const operation of operations) this.#pending.set(operation.name, operation);
		return new Promise((done, failed) => {
			this.#waiting.push({ operations, isLazy, onDisk, done, failed });
			if (!this.#writing) void this.#writeAll();
		});
	}

	async #writeAll(): Promise<void> {
		this.#writing = true;
		while (this.#waiting.length > 0) {
			await this.#step();
			const batch = this.#waiting.splice(0);
			const operations = batch.flatMap((commit) => commit.operations);
			const isFull = this.#disk.isFull;
			if (!isFull) this.#disk.commit(operations);
			for (const operation of operations) {
				if (this.#pending.get(operation.name) === operation) this.#pending.delete(operation.name);
			}
			if (isFull) {
				for (const { failed } of batch) failed(new StewardError('storage', 'the disk is full'));
				continue;
			}
			for (const { isLazy, done } of batch) if (isLazy) done();
			await this.#step();
			this.#disk.flush();
			for (const { onDisk } of batch) for (const listener of onDisk) listener();
			for (const { isLazy, done } of batch) if (!isLazy) done();
		}
		this.#writing = false;
	}
}
