/**
 * Owns the centre's index in memory: what waits on the streams, what the ledger says of it, which nodes there are and
 * which are present. Promises to follow the broker, through reconnects, and to say while it is still being built.
 * Soft state: a restart builds it again.
 */

import { rfc3339 } from '../base/clock.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import { isLater } from '../domain/delay.ts';
import { formatHandle, type Handle, parseHandle } from '../domain/names.ts';
import { isFinal } from '../domain/state.ts';
import {
	buckets,
	type CommandAddress,
	parseCommandSubject,
	shardOf,
	streams,
	subjects,
} from '../domain/subject.ts';
import type { Presence } from '../domain/view.ts';
import { ledgerAgeMs } from '../domain/wire.ts';
import { bucketStream, bucketSubject, isMarker, keyOf } from '../jetstream/bucket.ts';
import { readStoredCommand, type StoredCommand } from '../jetstream/commands.ts';
import type { Connection } from '../jetstream/connection.ts';
import { readDocument } from '../jetstream/documents.ts';
import type { Followed, Following } from '../jetstream/follow.ts';
import { readLedgerSummary } from '../jetstream/ledger-store.ts';
import { readScheduleEntry } from '../jetstream/schedules.ts';
import type { TrustFile } from '../security/trust-file.ts';
import { DocumentIndex } from './document-index.ts';
import {
	followSource,
	type IndexedCommand,
	type IndexedSummary,
	type IndexListener,
	type Source,
	type SourceName,
	tellAll,
} from './index-sources.ts';
import { LaterIndex } from './later-index.ts';
import { NodeIndex } from './node-index.ts';
import { ReadingPlace } from './reading-place.ts';
import { ScheduleIndex } from './schedule-index.ts';
import { ScheduleTrust } from './schedule-trust.ts';

/** When a node was last known to be gone; `present` has no time. */
type PresenceEntry = { readonly gone: boolean; readonly writtenAt: number; readonly seq: number };

/** What is noted is heard of within moments. */
const mostNoted = 200_000;

export class CentreIndex implements Service {
	readonly name = 'index';
	/** Summaries by handle. */
	readonly ledger = new Map<string, IndexedSummary>();
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
	/** Of the last word about each node. */
	readonly nodeSeqs = this.#ofNodes.seqs;
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
	readonly #listeners = new Set<IndexListener>();
	/** What it follows. */
	readonly sources: readonly Source[];
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
		this.sources = this.#makeSources();
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
		this.#change(handle, () => {
			this.ledger.delete(handle);
			this.withNode.delete(handle);
			const command = this.#doubtful.get(handle);
			this.#doubtful.delete(handle);
			if (command) this.#addWaiting(command);
		});
	}

	/** It was to be queued, and is on its stream no more. */
	forgetLater(command: Handle): void {
		this.#change(formatHandle(command), () => this.later.remove(command));
	}

	/** What the ledger says of a command, or else that it waits; undefined where it is not known. */
	known(handle: string): IndexedCommand | undefined {
		const summary = this.ledger.get(handle);
		if (summary) return summary;
		const dot = handle.indexOf('.');
		const [node, id] = [handle.slice(0, dot), handle.slice(dot + 1)];
		return this.waiting.get(node)?.get(id) ?? this.later.get({ node, id });
	}

	presenceOf(node: string): Presence {
		const entry = this.presence.get(node);
		if (entry && !entry.gone) return { status: 'present', since: null };
		const record = this.nodes.get(node);
		if (!record) return { status: 'never', since: null };
		return { status: 'absent', since: rfc3339(Math.max(entry?.writtenAt ?? 0, record.lastSeenAt)) };
	}

	/** Hears of all that is there, and of all that comes; the answer takes the listener off. */
	listen(listener: IndexListener): () => void {
		tellAll(this, listener);
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
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
		this.#followings = await Promise.all(
			this.sources.map((source) => followSource(this.#connection, source)),
		);
		void Promise.all(this.#followings.map(({ caughtUp }) => caughtUp)).then(() => {
			this.#isComplete = true;
		});
	}

	#makeSources(): readonly Source[] {
		const ofBucket = (bucket: string) => ({
			...{ place: new ReadingPlace(), stream: bucketStream(bucket), filter: [bucketSubject(bucket, '>')] },
			from: 'last' as const,
		});
		return [
			{
				...{ name: 'ledger', ...ofBucket(buckets.ledger), headersOnly: true },
				take: (message) => this.#onLedger(message),
				reset: () => this.#forgetLedger(),
			},
			{
				...{ name: 'nodes', ...ofBucket(buckets.nodes) },
				take: (message) => this.#onNode(message),
				reset: () => {
					this.#ofNodes.clear();
					this.#tellReset('nodes');
				},
			},
			// Presence lives in the broker's memory: after its restart it is another stream.
			{
				...{ name: 'presence', ...ofBucket(buckets.presence) },
				take: ({ subject, seq, header, storedAt }) => {
					const node = keyOf(buckets.presence, subject);
					const gone = isMarker(header);
					const isNews = this.presence.get(node)?.gone !== gone;
					this.presence.set(node, { gone, writtenAt: storedAt, seq });
					if (isNews) this.#tellTaken('presence', seq, node);
				},
				reset: () => {
					this.presence.clear();
					for (const listener of this.#presenceLost) listener();
					this.#tellReset('presence');
				},
			},
			{
				...{ name: 'schedules', ...ofBucket(buckets.schedules) },
				take: ({ subject, seq, data, header }) => {
					const entry = readScheduleEntry(keyOf(buckets.schedules, subject), seq, data, isMarker(header));
					if (!entry) return;
					this.schedules.take(entry);
					this.#tellTaken('schedules', seq, entry.name);
				},
				reset: () => {
					this.schedules.forgetStored();
					this.#tellReset('schedules');
				},
			},
			{
				...{ name: 'trust', ...ofBucket(buckets.trust) },
				take: ({ subject, data, header }) => {
					const entry = readDocument(keyOf(buckets.trust, subject), data, isMarker(header));
					if (entry) this.documents.take(entry);
				},
				reset: () => this.documents.clear(),
			},
			...Array.from(
				{ length: this.#shards },
				(_, shard): Source => ({
					...{ name: shard, place: new ReadingPlace(), stream: streams.commands(shard) },
					...{ filter: [subjects.commandsOfShard(shard)], from: 'all', headersOnly: true },
					take: (message) => this.#onCommand(message),
					reset: () => this.#forgetShard(shard),
				}),
			),
		];
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
		this.#change(handle, () => {
			if (!summary) {
				this.ledger.delete(handle);
				this.withNode.delete(handle);
				return;
			}
			this.ledger.set(handle, { ...summary, revision: message.seq });
			if (summary.lostAt === null) this.withNode.delete(handle);
			else this.withNode.set(handle, summary.lostAt);
			if (isFinal(summary.state)) this.#forgetWaiting(handle, summary.seq);
		});
		this.#tellTaken('ledger', message.seq, handle);
	}

	#forgetLedger(): void {
		for (const handle of [...this.ledger.keys()]) this.#change(handle, () => this.ledger.delete(handle));
		this.withNode.clear();
		this.#tellReset('ledger');
	}

	#onCommand(message: Followed): void {
		const { seq, subject } = message;
		if (this.#noted.delete(`${seq} ${subject}`)) return this.#tellStored(subject, seq);
		if (!this.#coming.has(subject)) return this.#read(message);
		this.#release(this.#coming.get(subject));
		this.#coming.set(subject, message);
		this.#placeOf(subject)?.hold(seq);
	}

	#read(message: Followed): void {
		const command = readStoredCommand(message);
		if (!command || command.shard !== shardOf(command.node, this.#shards)) return;
		this.#onStored(command);
		this.#tellTaken(command.shard, message.seq, formatHandle(command));
	}

	/** What was held back of its stream counts now. */
	#release(heard: Followed | undefined): void {
		if (heard) this.#placeOf(heard.subject)?.release(heard.seq);
	}

	#placeOf(subject: string): ReadingPlace | undefined {
		const shard = parseCommandSubject(subject)?.shard;
		return this.sources.find(({ name }) => name === shard)?.place;
	}

	#tellStored(subject: string, seq: number): void {
		if (this.#listeners.size === 0) return;
		const address = parseCommandSubject(subject);
		if (address) this.#tellTaken(address.shard, seq, formatHandle(address));
	}

	#tellTaken(source: SourceName, seq: number, key: string): void {
		for (const listener of this.#listeners) listener.taken(source, seq, key);
	}

	#tellReset(source: SourceName): void {
		for (const listener of this.#listeners) listener.reset(source);
	}

	/** Does what changes one command, and tells who listens. */
	#change(handle: string, apply: () => unknown): void {
		if (this.#listeners.size === 0) return void apply();
		const before = this.known(handle);
		apply();
		const after = this.known(handle);
		if (before === after) return;
		for (const listener of this.#listeners) listener.command(handle, before, after);
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
		this.#release(heard);
		if (stored) {
			if (!heard) {
				if (this.#noted.size >= mostNoted) this.#noted.clear();
				this.#noted.add(`${stored.facts.seq} ${subject}`);
			}
			this.#onStored(stored);
			if (heard?.seq === stored.facts.seq) this.#tellStored(subject, heard.seq);
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
		this.#change(formatHandle(command), () => this.#addWaiting(command));
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
		const isOf = (node: string) => shardOf(node, this.#shards) === shard;
		for (const command of this.later.commands()) if (isOf(command.node)) this.forgetLater(command);
		this.later.forgetWhere(isOf);
		for (const [node, ofNode] of [...this.waiting]) {
			if (!isOf(node)) continue;
			for (const command of ofNode.values()) {
				this.schedules.removeOpen(command);
				this.#change(formatHandle(command), () => ofNode.delete(command.id));
			}
			this.waiting.delete(node);
		}
		this.#tellReset(shard);
	}

	#onNode(message: Followed): void {
		const node = this.#ofNodes.take(message);
		for (const listener of this.#nodeListeners) listener(node);
		this.#tellTaken('nodes', message.seq, node);
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
