/**
 * Owns the centre's index in memory: what waits on the streams, what the ledger says of it, which nodes there are and
 * which are present. Promises to follow the broker, through reconnects, and to say while it is still being built.
 * Soft state: a restart builds it again.
 */

import { Lifecycle, type Service } from '../base/lifecycle.ts';
import { isLater } from '../domain/delay.ts';
import { formatHandle, parseHandle } from '../domain/names.ts';
import { isFinal } from '../domain/state.ts';
import { buckets, type CommandAddress, shardOf, streams, subjects } from '../domain/subject.ts';
import { ledgerAgeMs } from '../domain/wire.ts';
import { bucketStream, bucketSubject, isMarker, keyOf } from '../jetstream/bucket.ts';
import { readStoredCommand, type StoredCommand } from '../jetstream/commands.ts';
import type { Connection } from '../jetstream/connection.ts';
import { readDocument } from '../jetstream/documents.ts';
import { type Followed, type Following, follow } from '../jetstream/follow.ts';
import { type LedgerSummary, readLedgerSummary } from '../jetstream/ledger-store.ts';
import { readScheduleEntry } from '../jetstream/schedules.ts';
import type { TrustFile } from '../security/trust-file.ts';
import { DocumentIndex } from './document-index.ts';
import { LaterIndex } from './later-index.ts';
import { NodeIndex } from './node-index.ts';
import { ScheduleIndex } from './schedule-index.ts';
import { ScheduleTrust } from './schedule-trust.ts';

/** When a node was last known to be gone; `present` has no time. */
type PresenceEntry = { readonly gone: boolean; readonly writtenAt: number };

/** What is noted is heard of within moments. */
const mostNoted = 200_000;

export class CentreIndex implements Service {
	readonly name = 'index';
	/** Summaries by handle. */
	readonly ledger = new Map<string, LedgerSummary>();
	/** Handles of those that silence would make lost, and when, server time. */
	readonly withNode = new Map<string, number>();
	/** Commands that are on their lane, by node and id; also those that run. */
	readonly waiting = new Map<string, Map<string, StoredCommand>>();
	/** Commands that wait for their time, and are on no lane. */
	readonly later = new LaterIndex();
	readonly #ofNodes = new NodeIndex();
	/** Nodes by their last words. */
	readonly nodes = this.#ofNodes.nodes;
	/** As `nodes`, without those that are out of service. */
	readonly serving = this.#ofNodes.serving;
	readonly standings = this.#ofNodes.standings;
	readonly presence = new Map<string, PresenceEntry>();
	readonly schedules = new ScheduleIndex();
	readonly documents: DocumentIndex;
	readonly scheduleTrust: ScheduleTrust;
	/** Arrived after the ledger had called their id final: either a repeat, or the ledger's entry is out of date here. */
	readonly #doubtful = new Map<string, StoredCommand>();
	/** By subject: what is being put on its stream from here, and what was heard of it so far. */
	readonly #coming = new Map<string, Followed | undefined>();
	/** Sequence and subject of what was noted before it was heard of. */
	readonly #noted = new Set<string>();
	readonly #connection: Connection;
	readonly #shards: number;
	readonly #lifecycle: Lifecycle;
	readonly #settled: ((command: StoredCommand) => void)[] = [];
	readonly #presenceLost: (() => void)[] = [];
	readonly #nodeListeners = new Set<(node: string) => void>();
	#followings: Following[] = [];
	#isComplete = false;

	/**
	 * @param roots Public keys that the documents of the fleet are to be signed by, where they are pinned on this machine.
	 * @param left What the enrolment left on this machine of whom to trust.
	 */
	constructor(connection: Connection, shards: number, roots: readonly string[] = [], left?: TrustFile) {
		this.documents = new DocumentIndex(roots);
		this.scheduleTrust = new ScheduleTrust(this.documents, roots, left);
		this.#connection = connection;
		this.#shards = shards;
		this.#lifecycle = new Lifecycle(
			() => this.#begin(),
			() => this.#end(),
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** False while what was there at the start is still being read. */
	get isComplete(): boolean {
		return this.#isComplete;
	}

	/** Called with a command that is on its stream although the ledger says that it is final. */
	onSettledWaiting(listener: (command: StoredCommand) => void): void {
		this.#settled.push(listener);
	}

	/** Called when nothing is known of who is present any more: the broker's memory was lost. */
	onPresenceLost(listener: () => void): void {
		this.#presenceLost.push(listener);
	}

	/** Called when a node has said something new; the answer takes the listener off. */
	onNode(listener: (node: string) => void): () => void {
		this.#nodeListeners.add(listener);
		return () => this.#nodeListeners.delete(listener);
	}

	/** Commands of a node that are on their lane and not final, in the order of the stream. */
	openCommands(node: string): StoredCommand[] {
		const commands = [...(this.waiting.get(node)?.values() ?? [])];
		return commands.sort((a, b) => a.facts.seq - b.facts.seq);
	}

	/** How many wait to be started. */
	queuedCount(node: string): number {
		let count = 0;
		for (const command of this.waiting.get(node)?.values() ?? []) {
			if (!this.ledger.has(formatHandle(command))) count += 1;
		}
		return count;
	}

	/** The ledger does not know the command any more: what came under its id since is one that waits. */
	forget(handle: string): void {
		this.ledger.delete(handle);
		this.withNode.delete(handle);
		const command = this.#doubtful.get(handle);
		this.#doubtful.delete(handle);
		if (command) this.#addWaiting(command);
	}

	/** Forgets what the ledger has forgotten by age (its expiry leaves no marker); answers how many. */
	prune(serverNow: number): number {
		let forgotten = 0;
		for (const [handle, { settledAt }] of this.ledger) {
			if (settledAt === null || serverNow - settledAt < ledgerAgeMs) continue;
			this.forget(handle);
			forgotten += 1;
		}
		return forgotten;
	}

	async #begin(): Promise<void> {
		const shards = Array.from({ length: this.#shards }, (_, shard) => shard);
		this.#followings = await Promise.all([
			// Presence lives in the broker's memory: after its restart it is another stream.
			follow(
				this.#connection,
				{
					stream: bucketStream(buckets.presence),
					filter: [bucketSubject(buckets.presence, '>')],
					from: 'last',
					onReset: () => {
						this.presence.clear();
						for (const listener of this.#presenceLost) listener();
					},
				},
				(message) =>
					this.presence.set(keyOf(buckets.presence, message.subject), {
						gone: isMarker(message.header),
						writtenAt: message.storedAt,
					}),
			),
			follow(
				this.#connection,
				{
					stream: bucketStream(buckets.ledger),
					filter: [bucketSubject(buckets.ledger, '>')],
					from: 'last',
					headersOnly: true,
					onReset: () => {
						this.ledger.clear();
						this.withNode.clear();
					},
				},
				(message) => this.#onLedger(message),
			),
			follow(
				this.#connection,
				{
					stream: bucketStream(buckets.nodes),
					filter: [bucketSubject(buckets.nodes, '>')],
					from: 'last',
					onReset: () => this.#ofNodes.clear(),
				},
				(message) => this.#onNode(message),
			),
			follow(
				this.#connection,
				{
					stream: bucketStream(buckets.schedules),
					filter: [bucketSubject(buckets.schedules, '>')],
					from: 'last',
					onReset: () => this.schedules.forgetStored(),
				},
				({ subject, seq, data, header }) => {
					const entry = readScheduleEntry(keyOf(buckets.schedules, subject), seq, data, isMarker(header));
					if (entry) this.schedules.take(entry);
				},
			),
			follow(
				this.#connection,
				{
					stream: bucketStream(buckets.trust),
					filter: [bucketSubject(buckets.trust, '>')],
					from: 'last',
					onReset: () => this.documents.clear(),
				},
				({ subject, data, header }) => {
					const entry = readDocument(keyOf(buckets.trust, subject), data, isMarker(header));
					if (entry) this.documents.take(entry);
				},
			),
			...shards.map((shard) =>
				follow(
					this.#connection,
					{
						stream: streams.commands(shard),
						filter: [subjects.commandsOfShard(shard)],
						from: 'all',
						headersOnly: true,
						onReset: () => this.#forgetShard(shard),
					},
					(message) => this.#onCommand(message),
				),
			),
		]);
		void Promise.all(this.#followings.map(({ caughtUp }) => caughtUp)).then(() => {
			this.#isComplete = true;
		});
	}

	async #end(): Promise<void> {
		await Promise.all(this.#followings.map((following) => following.stop()));
		this.#followings = [];
		this.#isComplete = false;
		for (const map of [this.ledger, this.withNode, this.waiting, this.presence, this.#doubtful]) map.clear();
		this.#ofNodes.clear();
		this.schedules.clear();
		this.documents.clear();
		this.later.clear();
	}

	#onLedger(message: Followed): void {
		const handle = keyOf(buckets.ledger, message.subject);
		const summary = readLedgerSummary(message.header);
		if (!summary) {
			this.ledger.delete(handle);
			this.withNode.delete(handle);
			return;
		}
		this.ledger.set(handle, summary);
		if (summary.lostAt === null) this.withNode.delete(handle);
		else this.withNode.set(handle, summary.lostAt);
		if (isFinal(summary.state)) this.#forgetWaiting(handle, summary.seq);
	}

	#onCommand(message: Followed): void {
		if (this.#noted.delete(`${message.seq} ${message.subject}`)) return;
		if (this.#coming.has(message.subject)) this.#coming.set(message.subject, message);
		else this.#read(message);
	}

	#read(message: Followed): void {
		const command = readStoredCommand(message);
		if (command && command.shard === shardOf(command.node, this.#shards)) this.#onStored(command);
	}

	/** A command is about to be put on its stream from here: what is heard of it is held back until {@link noteStored}. */
	expectStored(command: CommandAddress): void {
		this.#coming.set(subjects.command(shardOf(command.node, this.#shards), command), undefined);
	}

	/** It is there; what is heard of it after that is no news. `stored` is undefined where it was not put there from here. */
	noteStored(command: CommandAddress, stored: StoredCommand | undefined): void {
		const subject = subjects.command(shardOf(command.node, this.#shards), command);
		const heard = this.#coming.get(subject);
		this.#coming.delete(subject);
		if (stored) {
			if (!heard) {
				if (this.#noted.size >= mostNoted) this.#noted.clear();
				this.#noted.add(`${stored.facts.seq} ${subject}`);
			}
			this.#onStored(stored);
		}
		if (heard && heard.seq !== stored?.facts.seq) this.#read(heard);
	}

	#onStored(command: StoredCommand): void {
		const summary = this.ledger.get(formatHandle(command));
		if (summary && isFinal(summary.state)) {
			this.#doubtful.set(formatHandle(command), command);
			for (const listener of this.#settled) listener(command);
			return;
		}
		this.#addWaiting(command);
	}

	#addWaiting(command: StoredCommand): void {
		if (isLater(command.facts)) return this.later.add(command);
		this.later.noteQueued(command);
		const ofNode = this.waiting.get(command.node) ?? new Map<string, StoredCommand>();
		this.waiting.set(command.node, ofNode);
		ofNode.set(command.id, command);
		this.schedules.addOpen(command);
	}

	#forgetShard(shard: number): void {
		this.later.forgetWhere((node) => shardOf(node, this.#shards) === shard);
		for (const node of [...this.waiting.keys()]) {
			if (shardOf(node, this.#shards) !== shard) continue;
			for (const command of this.waiting.get(node)?.values() ?? []) this.schedules.removeOpen(command);
			this.waiting.delete(node);
		}
	}

	#onNode(message: Followed): void {
		const node = this.#ofNodes.take(message);
		for (const listener of this.#nodeListeners) listener(node);
	}

	#forgetWaiting(handle: string, seq: number): void {
		const { node, id } = parseHandle(handle);
		const ofNode = this.waiting.get(node);
		const queued = ofNode?.get(id);
		const later = this.later.remove({ node, id });
		ofNode?.delete(id);
		if (queued) this.schedules.removeOpen(queued);
		if (ofNode?.size === 0) this.waiting.delete(node);
		for (const command of [queued, later]) {
			// Another sequence: sent again in the moment of its settling, and to be removed as well.
			if (!command || command.facts.seq === seq) continue;
			for (const listener of this.#settled) listener(command);
		}
	}
}
