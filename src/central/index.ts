/**
 * Owns the centre's index in memory: what waits on the streams, what the ledger says of it, which nodes there are and
 * which are present. Promises to follow the broker, through reconnects, and to say while it is still being built.
 * Soft state: a restart builds it again.
 */

import { rfc3339 } from '../base/clock.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Handle } from '../domain/names.ts';
import { buckets, type CommandAddress } from '../domain/subject.ts';
import type { Presence } from '../domain/view.ts';
import { isMarker, keyOf } from '../jetstream/bucket.ts';
import type { Connection } from '../jetstream/connection.ts';
import { readDocument } from '../jetstream/documents.ts';
import type { Followed, Following } from '../jetstream/follow.ts';
import { readScheduleEntry } from '../jetstream/schedules.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';
import type { TrustFile } from '../security/trust-file.ts';
import { CommandIndex } from './command-index.ts';
import { DocumentIndex } from './document-index.ts';
import { type IndexListener, IndexListeners } from './index-listeners.ts';
import { followSource, type Source, sourcesOf, type Takers } from './index-sources.ts';
import { NodeIndex } from './node-index.ts';
import { ScheduleIndex } from './schedule-index.ts';
import { ScheduleTrust } from './schedule-trust.ts';

/** When a node was last known to be gone; `present` has no time. */
type PresenceEntry = { readonly gone: boolean; readonly writtenAt: number; readonly seq: number };

export class CentreIndex implements Service {
	readonly name = 'index';
	readonly #listeners = new IndexListeners();
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
	readonly #commands: CommandIndex;
	/** What it follows, and how far it has come. */
	readonly sources: readonly Source[];
	readonly #connection: Connection;
	readonly #lifecycle: Lifecycle;
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
		this.#commands = new CommandIndex({
			...{ shards, schedules: this.schedules, listeners: this.#listeners },
			placeOf: (shard) => this.sources.find(({ name }) => name === shard)?.place,
		});
		this.sources = sourcesOf(shards, this.#takers());
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

	/** Summaries by handle. */
	get ledger() {
		return this.#commands.ledger;
	}

	/** Handles of those that silence would make lost, and when, server time. */
	get withNode() {
		return this.#commands.withNode;
	}

	/** Commands that are on their lane, by node and id; also those that run. */
	get waiting() {
		return this.#commands.waiting;
	}

	/** Commands that wait for their time, and are on no lane. */
	get later() {
		return this.#commands.later;
	}

	/** What the ledger says of a command, or else that it waits; undefined where it is not known. */
	get known() {
		return this.#commands.known;
	}

	/** Hears of all that is there, and of all that comes; the answer takes the listener off. */
	listen(listener: IndexListener): () => void {
		return this.#listeners.add(listener, this);
	}

	/** Called with a command that is on its stream although the ledger says that it is final. */
	onSettledWaiting(listener: (command: StoredCommand) => void): void {
		this.#commands.onSettledWaiting(listener);
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

	presenceOf(node: string): Presence {
		const entry = this.presence.get(node);
		if (entry && !entry.gone) return { status: 'present', since: null };
		const record = this.nodes.get(node);
		if (!record) return { status: 'never', since: null };
		return { status: 'absent', since: rfc3339(Math.max(entry?.writtenAt ?? 0, record.lastSeenAt)) };
	}

	/** Commands of a node that are on their lane and not final, in the order of the stream. */
	openCommands(node: string): StoredCommand[] {
		return this.#commands.open(node);
	}

	/** How many wait to be started. */
	queuedCount(node: string): number {
		return this.#commands.queuedCount(node);
	}

	/** The ledger does not know the command any more: what came under its id since is one that waits. */
	forget(handle: string): void {
		this.#commands.forget(handle);
	}

	/** It waited for its time, and is on its stream no more. */
	forgetLater(command: Handle): void {
		this.#commands.forgetLater(command);
	}

	/** Forgets what the ledger has forgotten by age (its expiry leaves no marker); answers how many. */
	prune(serverNow: number): number {
		return this.#commands.prune(serverNow);
	}

	/** A command is about to be put on its stream from here: what is heard of it is held back until {@link noteStored}. */
	expectStored(command: CommandAddress): void {
		this.#commands.expectStored(command);
	}

	/** It is there; what is heard of it after that is no news. `stored` is undefined where it was not put there from here. */
	noteStored(command: CommandAddress, stored: StoredCommand | undefined): void {
		this.#commands.noteStored(command, stored);
	}

	async #begin(): Promise<void> {
		const followings = await Promise.all(
			this.sources.map((source) => followSource(this.#connection, source)),
		);
		this.#followings = followings;
		void Promise.all(followings.map(({ caughtUp }) => caughtUp)).then(() => {
			if (this.#followings === followings) this.#isComplete = true;
		});
	}

	async #end(): Promise<void> {
		await Promise.all(this.#followings.map((following) => following.stop()));
		this.#followings = [];
		this.#isComplete = false;
		for (const { place } of this.sources) place.forget();
		for (const { name } of this.sources) if (typeof name === 'number') this.#commands.forgetShard(name);
		this.#commands.forgetLedger();
		this.#commands.clear();
		this.#forgetNodes();
		this.presence.clear();
		this.schedules.clear();
		this.documents.clear();
		for (const name of ['presence', 'schedules'] as const) this.#listeners.reset(name);
	}

	/** What becomes of what is heard. */
	#takers(): Takers {
		const [commands, listeners] = [this.#commands, this.#listeners];
		return {
			ledger: { take: (message) => commands.takeLedger(message), reset: () => commands.forgetLedger() },
			commands: (shard) => ({
				take: (message) => commands.takeStored(message),
				reset: () => commands.forgetShard(shard),
			}),
			nodes: {
				take: (message) => {
					const node = this.#ofNodes.take(message);
					for (const listener of this.#nodeListeners) listener(node);
					listeners.taken('nodes', message.seq, node);
				},
				reset: () => this.#forgetNodes(),
			},
			// Presence lives in the broker's memory: after its restart it is another stream.
			presence: {
				take: (message) => this.#onPresence(message),
				reset: () => {
					this.presence.clear();
					for (const listener of this.#presenceLost) listener();
					listeners.reset('presence');
				},
			},
			schedules: {
				take: ({ subject, seq, data, header }) => {
					const entry = readScheduleEntry(keyOf(buckets.schedules, subject), seq, data, isMarker(header));
					if (!entry) return;
					this.schedules.take(entry);
					listeners.taken('schedules', seq, entry.name);
				},
				reset: () => {
					this.schedules.forgetStored();
					listeners.reset('schedules');
				},
			},
			trust: {
				take: ({ subject, data, header }) => {
					const entry = readDocument(keyOf(buckets.trust, subject), data, isMarker(header));
					if (entry) this.documents.take(entry);
				},
				reset: () => this.documents.clear(),
			},
		};
	}

	#onPresence({ subject, seq, header, storedAt }: Followed): void {
		const node = keyOf(buckets.presence, subject);
		const gone = isMarker(header);
		const isNews = this.presence.get(node)?.gone !== gone;
		this.presence.set(node, { gone, writtenAt: storedAt, seq });
		if (isNews) this.#listeners.taken('presence', seq, node);
	}

	#forgetNodes(): void {
		this.#ofNodes.clear();
		this.#listeners.reset('nodes');
	}
}
