/**
 * Owns what the centre's index knows of commands: what waits on the streams, what waits for its time, and what the ledger says of them.
 * Promises that what the ledger calls final waits nowhere, and to tell of each command whose standing changes.
 * Soft state: a restart reads it again.
 */

import { isLater } from '../domain/delay.ts';
import { formatHandle, type Handle, parseHandle } from '../domain/names.ts';
import { isFinal } from '../domain/state.ts';
import { buckets, type CommandAddress, parseCommandSubject, shardOf, subjects } from '../domain/subject.ts';
import { ledgerAgeMs } from '../domain/wire.ts';
import { keyOf } from '../jetstream/bucket.ts';
import type { Followed } from '../jetstream/follow.ts';
import { readLedgerSummary } from '../jetstream/ledger-store.ts';
import { readStoredCommand, type StoredCommand } from '../jetstream/stored-command.ts';
import { Arrivals } from './arrivals.ts';
import type { IndexedCommand, IndexListeners } from './index-listeners.ts';
import { LaterIndex } from './later-index.ts';
import { type IndexedSummary, LedgerTable } from './ledger-table.ts';
import type { ReadingPlace } from './reading-place.ts';
import type { ScheduleIndex } from './schedule-index.ts';

export type CommandIndexOptions = {
	readonly shards: number;
	readonly schedules: ScheduleIndex;
	readonly listeners: IndexListeners;
	/** How far this shard's stream was read. */
	readonly placeOf: (shard: number) => ReadingPlace | undefined;
};

export class CommandIndex {
	/** Summaries by handle. */
	readonly ledger = new LedgerTable();
	/** Handles of those that silence would make lost, and when, server time. */
	readonly withNode = new Map<string, number>();
	/** Commands that are on their lane, by node and id; also those that run. */
	readonly waiting = new Map<string, Map<string, StoredCommand>>();
	/** Commands that wait for their time, and are on no lane. */
	readonly later = new LaterIndex();
	/** Arrived after the ledger had called their id final: either a repeat, or the ledger's entry is out of date here. */
	readonly #doubtful = new Map<string, StoredCommand>();
	readonly #arrivals = new Arrivals();
	readonly #settled: ((command: StoredCommand) => void)[] = [];
	readonly #options: CommandIndexOptions;

	constructor(options: CommandIndexOptions) {
		this.#options = options;
	}

	onSettledWaiting(listener: (command: StoredCommand) => void): void {
		this.#settled.push(listener);
	}

	/** What the ledger says of a command, or else that it waits; undefined where it is not known. */
	readonly known = (handle: string): IndexedCommand | undefined => {
		const summary = this.ledger.get(handle);
		if (summary) return summary;
		const dot = handle.indexOf('.');
		return this.#stored({ node: handle.slice(0, dot), id: handle.slice(dot + 1) });
	};

	open(node: string): StoredCommand[] {
		const commands = [...(this.waiting.get(node)?.values() ?? [])];
		return commands.sort((a, b) => a.facts.seq - b.facts.seq);
	}

	queuedCount(node: string): number {
		let count = 0;
		for (const command of this.waiting.get(node)?.values() ?? []) {
			if (!this.ledger.has(formatHandle(command))) count += 1;
		}
		return count;
	}

	forget(handle: string): void {
		this.#change(handle, () => {
			this.ledger.delete(handle);
			this.withNode.delete(handle);
			const command = this.#doubtful.get(handle);
			this.#doubtful.delete(handle);
			if (command) this.#addWaiting(command);
		});
	}

	forgetLater(command: Handle): void {
		this.#change(formatHandle(command), () => this.later.remove(command));
	}

	prune(serverNow: number): number {
		let forgotten = 0;
		for (const [handle, { settledAt }] of this.ledger) {
			if (settledAt === null || serverNow - settledAt < ledgerAgeMs) continue;
			this.forget(handle);
			forgotten += 1;
		}
		return forgotten;
	}

	takeLedger(message: Followed): void {
		const handle = ownText(keyOf(buckets.ledger, message.subject));
		const summary = readLedgerSummary(message.header);
		if (summary) this.#takeSummary(handle, { ...summary, revision: message.seq });
		else
			this.#change(handle, () => {
				this.ledger.delete(handle);
				this.withNode.delete(handle);
			});
		this.#options.listeners.taken('ledger', message.seq, handle);
	}

	#takeSummary(handle: string, summary: IndexedSummary): void {
		const { listeners } = this.#options;
		// As {@link known} would tell, of thousands a second.
		const before = listeners.areNone ? undefined : this.known(handle);
		this.ledger.set(handle, summary);
		if (summary.lostAt === null) this.withNode.delete(handle);
		else this.withNode.set(handle, summary.lostAt);
		if (isFinal(summary.state)) this.#forgetWaiting(handle, summary.seq);
		listeners.tell(handle, before, summary);
	}

	forgetLedger(): void {
		for (const handle of [...this.ledger.keys()]) this.#change(handle, () => this.ledger.delete(handle));
		this.withNode.clear();
		this.#options.listeners.reset('ledger');
	}

	takeStored(message: Followed): void {
		const heard = this.#arrivals.hear(message);
		if (heard.as === 'new') return this.#read(message);
		if (heard.as === 'known') return this.#tellStored(message);
		if (heard.instead) this.#placeOf(heard.instead)?.release(heard.instead.seq);
		this.#placeOf(message)?.hold(message.seq);
	}

	expectStored(command: CommandAddress): void {
		this.#arrivals.expect(subjects.command(this.#shardOf(command.node), command));
	}

	noteStored(command: CommandAddress, stored: StoredCommand | undefined): void {
		const subject = subjects.command(this.#shardOf(command.node), command);
		const heard = this.#arrivals.note(subject, stored?.facts.seq);
		if (heard) this.#placeOf(heard)?.release(heard.seq);
		if (stored) this.#onStored(stored);
		if (heard && heard.seq === stored?.facts.seq) this.#tellStored(heard);
		else if (heard) this.#read(heard);
	}

	forgetShard(shard: number): void {
		const isOf = (node: string) => this.#shardOf(node) === shard;
		for (const command of this.later.commands()) if (isOf(command.node)) this.forgetLater(command);
		this.later.forgetWhere(isOf);
		for (const [node, ofNode] of [...this.waiting]) {
			if (!isOf(node)) continue;
			for (const command of [...ofNode.values()]) {
				this.#options.schedules.removeOpen(command);
				this.#change(formatHandle(command), () => ofNode.delete(command.id));
			}
			this.waiting.delete(node);
		}
		this.#options.listeners.reset(shard);
	}

	/** Of what no stream tells any more. */
	clear(): void {
		this.#doubtful.clear();
		this.later.clear();
	}

	#shardOf(node: string): number {
		return shardOf(node, this.#options.shards);
	}

	#change(handle: string, apply: () => unknown): void {
		this.#options.listeners.change(handle, this.known, apply);
	}

	#read(message: Followed): void {
		const command = readStoredCommand(message);
		if (!command || command.shard !== this.#shardOf(command.node)) return;
		this.#onStored(command);
		this.#options.listeners.taken(command.shard, message.seq, formatHandle(command));
	}

	#placeOf({ subject }: Followed): ReadingPlace | undefined {
		const address = parseCommandSubject(subject);
		return address && this.#options.placeOf(address.shard);
	}

	/** One that was known before it was heard of. */
	#tellStored({ subject, seq }: Followed): void {
		const { listeners } = this.#options;
		const address = listeners.areNone ? undefined : parseCommandSubject(subject);
		if (address) listeners.taken(address.shard, seq, formatHandle(address));
	}

	#onStored(command: StoredCommand): void {
		const handle = formatHandle(command);
		const summary = this.ledger.get(handle);
		if (summary && isFinal(summary.state)) {
			this.#doubtful.set(handle, command);
			for (const listener of this.#settled) listener(command);
			return;
		}
		// As {@link known} would tell, of thousands a second.
		const before = summary ?? this.#stored(command);
		this.#addWaiting(command);
		this.#options.listeners.tell(handle, before, summary ?? this.#stored(command));
	}

	#stored({ node, id }: Handle): StoredCommand | undefined {
		return this.waiting.get(node)?.get(id) ?? this.later.get({ node, id });
	}

	#addWaiting(command: StoredCommand): void {
		if (isLater(command.facts)) return this.later.add(command);
		this.later.noteQueued(command);
		const ofNode = this.waiting.get(command.node) ?? new Map<string, StoredCommand>();
		this.waiting.set(command.node, ofNode);
		ofNode.set(command.id, command);
		this.#options.schedules.addOpen(command);
	}

	#forgetWaiting(handle: string, seq: number): void {
		const { node, id } = parseHandle(handle);
		const ofNode = this.waiting.get(node);
		const queued = ofNode?.get(id);
		const later = this.later.remove({ node, id });
		ofNode?.delete(id);
		if (queued) this.#options.schedules.removeOpen(queued);
		if (ofNode?.size === 0) this.waiting.delete(node);
		for (const command of [queued, later]) {
			// Another sequence: sent again in the moment of its settling, and to be removed as well.
			if (!command || command.facts.seq === seq) continue;
			for (const listener of this.#settled) listener(command);
		}
	}
}

/** A piece of a longer text keeps all of that in memory. */
function ownText(piece: string): string {
	return Buffer.from(piece).toString();
}
