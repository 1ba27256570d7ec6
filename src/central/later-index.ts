/**
 * Owns what the centre's index knows of commands that wait for their time: which there are, which are due, and which were queued
 * and have left a message behind. Promises that one which is taken as due is due again, until it is heard that it was queued or
 * has ended: whoever took it may fail or die. Soft state: a restart reads it again.
 */

import { formatHandle, type Handle } from '../domain/names.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';
import { DueQueue } from './due-queue.ts';

/** One that could not be queued is due again after this time. */
const againMs = 2000;
/** Entries of the queue that may be of commands which are gone. */
const mostStale = 10_000;

export class LaterIndex {
	/** By node and id. */
	readonly #commands = new Map<string, Map<string, StoredCommand>>();
	#count = 0;
	readonly #due = new DueQueue<StoredCommand>();
	/** Queued, and still on their stream beside that; by handle. */
	readonly #left = new Map<string, StoredCommand>();

	get size(): number {
		return this.#count;
	}

	/** Entries in the order of time; more than {@link size} where some are stale. */
	get queued(): number {
		return this.#due.size;
	}

	nodes(): Iterable<string> {
		return this.#commands.keys();
	}

	countOf(node: string): number {
		return this.#commands.get(node)?.size ?? 0;
	}

	get({ node, id }: Handle): StoredCommand | undefined {
		return this.#commands.get(node)?.get(id);
	}

	/** Of one node, or of all. */
	commands(node?: string): StoredCommand[] {
		const maps = node === undefined ? [...this.#commands.values()] : [this.#commands.get(node)];
		return maps.flatMap((ofNode) => [...(ofNode?.values() ?? [])]);
	}

	add(command: StoredCommand): void {
		this.remove(command);
		const ofNode = this.#commands.get(command.node) ?? new Map<string, StoredCommand>();
		this.#commands.set(command.node, ofNode);
		ofNode.set(command.id, command);
		this.#count += 1;
		this.#addDue(command);
		if (this.#due.size > 2 * this.#count + mostStale) this.#forgetStale();
	}

	/** A command is on its lane: if it waited here, its message from before is left. */
	noteQueued(handle: Handle): void {
		const command = this.remove(handle);
		if (command) this.#left.set(formatHandle(handle), command);
	}

	/** It waits no more, and whoever settles it removes all that is stored of it. */
	remove({ node, id }: Handle): StoredCommand | undefined {
		this.#left.delete(formatHandle({ node, id }));
		const ofNode = this.#commands.get(node);
		const command = ofNode?.get(id);
		if (!ofNode || !command) return undefined;
		ofNode.delete(id);
		this.#count -= 1;
		if (ofNode.size === 0) this.#commands.delete(node);
		return command;
	}

	/** Those whose time has come, in its order. */
	takeDue(now: number, most: number): StoredCommand[] {
		const due: StoredCommand[] = [];
		while (due.length < most) {
			const command = this.#due.take(now);
			if (!command) break;
			if (this.#isCurrent(command)) due.push(command);
		}
		for (const command of due) this.#due.add(now + againMs, command.facts.seq, command);
		return due;
	}

	/** Those whose message from before is still to be removed. */
	leftovers(most: number): StoredCommand[] {
		const some: StoredCommand[] = [];
		for (const command of this.#left.values()) {
			if (some.length === most) break;
			some.push(command);
		}
		return some;
	}

	noteDropped(command: StoredCommand): void {
		const handle = formatHandle(command);
		if (this.#left.get(handle) === command) this.#left.delete(handle);
	}

	forgetWhere(isOf: (node: string) => boolean): void {
		for (const command of [...this.commands(), ...this.#left.values()]) {
			if (isOf(command.node)) this.remove(command);
		}
	}

	clear(): void {
		this.#commands.clear();
		this.#count = 0;
		this.#left.clear();
		this.#due.clear();
	}

	#addDue(command: StoredCommand): void {
		const { notBefore = 0, seq } = command.facts;
		this.#due.add(notBefore, seq, command);
	}

	#isCurrent(command: StoredCommand): boolean {
		return this.#commands.get(command.node)?.get(command.id) === command;
	}

	/** What is under way is due once more: asking for it twice does no harm. */
	#forgetStale(): void {
		this.#due.clear();
		for (const command of this.commands()) this.#addDue(command);
	}
}
