/**
 * Owns what changed in the fleet, stream by stream, and where each of them stands now.
 * Promises that between two positions nothing is left out: what a reader is told up to a position and what it is told after it are together
 * all that changed. Soft state, made of what the index holds: a centre that was started since answers the same.
 */

import type { CentreIndex } from '../../central/index.ts';
import {
	type IndexedCommand,
	type IndexListener,
	isWaiting,
	type SourceName,
} from '../../central/index-listeners.ts';
import type { FleetRows, NoLongerFailing } from '../../central/rows.ts';
import { nodeOfHandle } from '../../domain/names.ts';
import { failingForMs, isFailing } from '../../domain/row.ts';
import { isFinal } from '../../domain/state.ts';
import { shardOf } from '../../domain/subject.ts';
import { ledgerAgeMs } from '../../domain/wire.ts';
import type { LetterStanding } from '../../jetstream/dead-letters.ts';
import { ChangeLog } from './change-log.ts';
import { type Left, LeftLog } from './left-log.ts';
import { type DeadMark, deadMarkOf, isSameDead, type Lives, markOf, type Position } from './position.ts';

/** What lies between two positions. Of commands, whichever of the two lists they are in, their node has changed as well. */
export type Between = {
	/** Handles of what the ledger says something new of. */
	readonly told: readonly string[];
	/** Handles of what was put on its stream. */
	readonly stored: readonly string[];
	readonly nodes: ReadonlySet<string>;
	/** Nodes whose labels are others, or may be. */
	readonly relabelled: readonly string[];
	readonly schedules: readonly string[];
	/** Handles of what the ledger has forgotten. */
	readonly left: Left;
	/** How many dead letters there are now; null where they are the same. */
	readonly letters: number | null;
	readonly through: Position;
};

export class FleetChanges implements IndexListener {
	readonly #index: CentreIndex;
	readonly #rows: FleetRows;
	readonly #logs = new Map<SourceName, ChangeLog>();
	/** Nodes that fail less because it is long ago; their sequences are times. */
	readonly #expired = new ChangeLog();
	#expiredUntil = 0;
	#dead: DeadMark = { life: 0, seq: 0, removed: 0 };
	#letters = 0;
	/** By node, as text; and which of them are new, under the sequences of the nodes. */
	readonly #labels = new Map<string, string>();
	readonly #relabelled = new ChangeLog();
	#left: LeftLog | undefined;
	readonly #serverNow: () => number;
	readonly #begunAt: number;
	readonly #listeners = new Set<() => void>();
	readonly #shards: number;
	readonly #offIndex: () => void;
	readonly #offRows: () => void;

	constructor(index: CentreIndex, rows: FleetRows, serverNow: () => number) {
		this.#index = index;
		this.#rows = rows;
		this.#serverNow = serverNow;
		this.#begunAt = serverNow();
		this.#shards = index.sources.filter(({ name }) => typeof name === 'number').length;
		for (const { name } of index.sources) this.#logs.set(name, new ChangeLog());
		this.#offIndex = index.listen(this);
		this.#offRows = rows.onExpired((one) => this.#noteExpired(one));
		const long = [...index.ledger].flatMap(([handle, { state, settledAt }]) => {
			const at =
				settledAt === null || !isFailing(state) ? Number.POSITIVE_INFINITY : settledAt + failingForMs;
			return at <= this.#begunAt ? [{ node: nodeOfHandle(handle), at }] : [];
		});
		for (const one of long.sort((a, b) => a.at - b.at)) this.#noteExpired(one);
	}

	stop(): void {
		this.#offIndex();
		this.#offRows();
		this.#listeners.clear();
	}

	/** Called when something has changed; the answer takes the listener off. */
	onChange(listener: () => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	lives(): Lives {
		const sources = this.#index.sources.filter(({ name }) => name !== 'presence' && name !== 'trust');
		return {
			own: markOf(sources.map(({ place }) => place.life).join('\n')),
			presence: markOf(this.#source('presence').place.life),
		};
	}

	position(): Position {
		const seqOf = (name: SourceName) => this.#source(name).place.seq;
		return {
			expired: this.#expiredUntil,
			ledger: seqOf('ledger'),
			nodes: seqOf('nodes'),
			presence: seqOf('presence'),
			schedules: seqOf('schedules'),
			shards: this.#index.sources.flatMap(({ name, place }) => (typeof name === 'number' ? [place.seq] : [])),
			left: this.#leftLog().until,
			dead: this.#dead,
		};
	}

	/** Which dead letters there are, as somebody has just looked. */
	noteDead(standing: LetterStanding): void {
		const mark = deadMarkOf(standing);
		if (isSameDead(mark, this.#dead)) return;
		this.#dead = mark;
		this.#letters = standing.letters;
		this.#tell();
	}

	/** About how many commands changed in between. */
	distance(from: Position, upTo: Position): number {
		const ofShards = from.shards.map((seq, shard) => this.#log(shard).distance(seq, upTo.shards[shard] ?? 0));
		return (
			this.#log('ledger').distance(from.ledger, upTo.ledger) + ofShards.reduce((sum, one) => sum + one, 0)
		);
	}

	/** At most so many of the ledger, and of each shard; a part of the way then. */
	between(from: Position, upTo: Position, most: number): Between {
		const told = this.#log('ledger').between(from.ledger, upTo.ledger, most);
		const shards = from.shards.map((seq, shard) =>
			this.#log(shard).between(seq, upTo.shards[shard] ?? 0, most),
		);
		const all = Number.POSITIVE_INFINITY;
		const nodes = this.#log('nodes').between(from.nodes, upTo.nodes, all);
		const presence = this.#log('presence').between(from.presence, upTo.presence, all);
		const relabelled = this.#relabelled.between(from.nodes, upTo.nodes, all);
		const left = this.#leftLog().between(from.left, upTo.left);
		const expired = this.#expired.between(from.expired, upTo.expired, all);
		const schedules = this.#log('schedules').between(from.schedules, upTo.schedules, all);
		// Where nobody has looked here yet, whoever knows better keeps that.
		const dead = upTo.dead.life === 0 ? from.dead : upTo.dead;
		const stored = shards.flatMap(({ keys }) => keys);
		return {
			told: told.keys,
			stored,
			nodes: new Set([
				...(from.presence < 0 ? this.#rows.names() : []),
				...[nodes, presence, expired].flatMap(({ keys }) => keys),
				...[...told.keys, ...stored].map(nodeOfHandle),
			]),
			relabelled: relabelled.keys,
			schedules: schedules.keys,
			left,
			letters: isSameDead(from.dead, dead) ? null : this.#letters,
			through: {
				expired: expired.through,
				ledger: told.through,
				nodes: nodes.through,
				presence: presence.through,
				schedules: schedules.through,
				shards: shards.map(({ through }) => through),
				left: Math.max(from.left, upTo.left),
				dead,
			},
		};
	}

	command(handle: string, before: IndexedCommand | undefined, after: IndexedCommand | undefined): void {
		if (before && !isWaiting(before) && (!after || isWaiting(after))) this.#log('ledger').forget(handle);
		if (before && !isWaiting(before) && !after) this.#noteLeft(handle, before.settledAt);
		// What is known of it from now on is what the ledger says.
		const hasEnded = !after || (!isWaiting(after) && isFinal(after.state));
		if (hasEnded) this.#log(this.#shardOf(handle, before)).forget(handle);
	}

	taken(source: SourceName, seq: number, key: string): void {
		if (typeof source === 'number') {
			const known = this.#index.ledger.get(key);
			if (known && isFinal(known.state)) return this.#tell();
		}
		if (source === 'nodes') this.#noteLabels(key, seq);
		this.#log(source).note(key, seq);
		this.#tell();
	}

	reset(source: SourceName): void {
		this.#log(source).clear();
		if (source === 'nodes') {
			this.#labels.clear();
			this.#relabelled.clear();
		}
		this.#tell();
	}

	/** What another server has told of a node nobody knows here: then its labels may be others. */
	#noteLabels(node: string, seq: number): void {
		const labels = JSON.stringify(this.#index.nodes.get(node)?.state.labels ?? {});
		if (this.#labels.get(node) === labels) return;
		this.#labels.set(node, labels);
		this.#relabelled.note(node, seq);
	}

	/** By age it left at a moment that every server knows. */
	#noteLeft(handle: string, settledAt: number | null): void {
		const now = this.#serverNow();
		const at = settledAt === null ? now : Math.min(now, settledAt + ledgerAgeMs);
		this.#leftLog().note(handle, at);
		this.#tell();
	}

	/** From a ledger that is younger than its entries may become nothing had left before this server began. */
	#leftLog(): LeftLog {
		if (this.#left) return this.#left;
		const [created = ''] = this.#source('ledger').place.life.split(' ');
		const isYoung = this.#begunAt - Date.parse(created) <= ledgerAgeMs;
		this.#left = new LeftLog(isYoung ? 0 : this.#begunAt);
		return this.#left;
	}

	#noteExpired({ node, at }: NoLongerFailing): void {
		this.#expired.note(node, at);
		this.#expiredUntil = Math.max(this.#expiredUntil, at);
		this.#tell();
	}

	#tell(): void {
		for (const listener of this.#listeners) listener();
	}

	#log(source: SourceName): ChangeLog {
		const log = this.#logs.get(source) ?? new ChangeLog();
		this.#logs.set(source, log);
		return log;
	}

	#shardOf(handle: string, known: IndexedCommand | undefined): number {
		return known && isWaiting(known) ? known.shard : shardOf(nodeOfHandle(handle), this.#shards);
	}

	#source(name: SourceName) {
		const source = this.#index.sources.find((one) => one.name === name);
		if (!source) throw new Error(`the index follows no ${name}`);
		return source;
	}
}
