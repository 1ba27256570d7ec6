/**
 * Owns the counts that rows and totals show, and makes a row of a node at once: however many commands there are, none is looked at
 * again. Promises the same as a count over all of them would give, at every moment.
 * Soft state: it begins with what the index holds.
 */

import { isNodeName, nodeOfHandle } from '../domain/names.ts';
import { failingForMs, isFailing, nodeRow } from '../domain/row.ts';
import type { NodeRow, Totals } from '../domain/row-schema.ts';
import { type CommandState, commandStates } from '../domain/state.ts';
import { type Presence, timeOrNull } from '../domain/view.ts';
import { DueQueue } from './due-queue.ts';
import type { CentreIndex } from './index.ts';
import {
	type IndexedCommand,
	type IndexListener,
	isWaiting,
	type SourceName,
	stateOf,
} from './index-listeners.ts';
import { QueueAges } from './queue-ages.ts';

type Index = Pick<
	CentreIndex,
	'nodes' | 'waiting' | 'later' | 'standings' | 'presenceOf' | 'listen' | 'isComplete'
>;
type Status = Presence['status'];

/** It failed so long ago that its node is not failing because of it any more. */
export type NoLongerFailing = { readonly node: string; readonly at: number };

export class FleetRows implements IndexListener {
	readonly #index: Index;
	readonly #serverNow: () => number;
	readonly #states = new Map<CommandState, number>(commandStates.map((state) => [state, 0]));
	/** Of nodes that something waits for. */
	readonly #queues = new Map<string, QueueAges>();
	/** By handle: when it was called final. */
	readonly #failing = new Map<string, number>();
	readonly #failingOf = new Map<string, number>();
	readonly #failingUntil = new DueQueue<string>();
	/** As counted. */
	readonly #statuses = new Map<string, Status>();
	readonly #nodes: Record<Status, number> = { present: 0, absent: 0, never: 0, unknown: 0 };
	/** Nodes whose status may be another than the one that was counted. */
	readonly #touched = new Set<string>();
	readonly #expired = new Set<(one: NoLongerFailing) => void>();

	constructor(index: Index, serverNow: () => number) {
		this.#index = index;
		this.#serverNow = serverNow;
		for (const node of index.standings.keys()) this.#touched.add(node);
		index.listen(this);
	}

	get indexing(): boolean {
		return !this.#index.isComplete;
	}

	/** Of all nodes that anything is known of, or that something waits for. */
	names(): string[] {
		this.expire();
		this.#countNodes();
		return [...this.#statuses.keys()];
	}

	row(node: string): NodeRow {
		const { nodes, standings } = this.#index;
		const queue = this.#queues.get(node);
		return nodeRow(node, nodes.get(node), this.#index.presenceOf(node), standings.get(node), {
			queued: queue?.size ?? 0,
			oldestQueuedAt: queue?.oldest ?? null,
			failing: this.#failingOf.get(node) ?? 0,
		});
	}

	/** Of nodes that something waits for. */
	queues(): ReadonlyMap<string, Pick<QueueAges, 'size' | 'oldest'>> {
		return this.#queues;
	}

	totals(): Totals {
		this.expire();
		this.#countNodes();
		let oldest: number | null = null;
		for (const queue of this.#queues.values()) {
			const { oldest: one } = queue;
			if (one !== null && (oldest === null || one < oldest)) oldest = one;
		}
		const states = Object.fromEntries(this.#states) as Record<CommandState, number>;
		return {
			nodes: { known: this.#statuses.size, ...this.#nodes },
			commands: states,
			oldestQueuedAt: timeOrNull(oldest),
		};
	}

	/** Called for each that failed longer ago than rows tell, in the order of their times; the answer takes the listener off. */
	onExpired(listener: (one: NoLongerFailing) => void): () => void {
		this.#expired.add(listener);
		return () => this.#expired.delete(listener);
	}

	/** Forgets what failed longer ago than rows tell; totals and names do so by themselves. */
	expire(): void {
		const serverNow = this.#serverNow();
		for (;;) {
			const handle = this.#failingUntil.take(serverNow);
			if (handle === undefined) return;
			const settledAt = this.#failing.get(handle);
			// Another time than when it was noted: it is noted again under that.
			if (settledAt === undefined || settledAt + failingForMs > serverNow) continue;
			this.#dropFailing(handle);
			const one = { node: nodeOfHandle(handle), at: settledAt + failingForMs };
			for (const listener of this.#expired) listener(one);
		}
	}

	command(handle: string, before: IndexedCommand | undefined, after: IndexedCommand | undefined): void {
		const node = nodeOfHandle(handle);
		if (before) this.#count(stateOf(before), -1);
		if (after) this.#count(stateOf(after), 1);
		this.#queue(node, handle, after);
		this.#fail(handle, after);
		this.#touched.add(node);
	}

	taken(source: SourceName, _seq: number, key: string): void {
		if (source === 'nodes' || source === 'presence') this.#touched.add(key);
	}

	reset(source: SourceName): void {
		if (source !== 'nodes' && source !== 'presence') return;
		for (const node of this.#statuses.keys()) this.#touched.add(node);
	}

	#count(state: CommandState, change: 1 | -1): void {
		this.#states.set(state, (this.#states.get(state) ?? 0) + change);
	}

	#queue(node: string, handle: string, after: IndexedCommand | undefined): void {
		const queue = this.#queues.get(node);
		if (after && isWaiting(after) && stateOf(after) === 'queued') {
			const open = queue ?? new QueueAges();
			if (!queue) this.#queues.set(node, open);
			return open.add(handle, after.facts.queuedAt);
		}
		queue?.delete(handle);
		if (queue?.size === 0) this.#queues.delete(node);
	}

	#fail(handle: string, after: IndexedCommand | undefined): void {
		const failed = after && !isWaiting(after) && isFailing(after.state) ? after.settledAt : null;
		const known = this.#failing.get(handle) ?? null;
		if (failed === known) return;
		if (known !== null) this.#dropFailing(handle);
		if (failed === null) return;
		this.#failing.set(handle, failed);
		const node = nodeOfHandle(handle);
		this.#failingOf.set(node, (this.#failingOf.get(node) ?? 0) + 1);
		this.#failingUntil.add(failed + failingForMs, 0, handle);
	}

	#dropFailing(handle: string): void {
		this.#failing.delete(handle);
		const node = nodeOfHandle(handle);
		const left = (this.#failingOf.get(node) ?? 0) - 1;
		if (left > 0) this.#failingOf.set(node, left);
		else this.#failingOf.delete(node);
	}

	#countNodes(): void {
		for (const node of this.#touched) {
			const counted = this.#statuses.get(node);
			const status = this.#isKnown(node) ? this.#index.presenceOf(node).status : undefined;
			if (counted === status) continue;
			if (counted) this.#nodes[counted] -= 1;
			if (status) this.#nodes[status] += 1;
			if (status) this.#statuses.set(node, status);
			else this.#statuses.delete(node);
		}
		this.#touched.clear();
	}

	#isKnown(node: string): boolean {
		const { nodes, waiting, later, standings } = this.#index;
		if (!isNodeName(node)) return false;
		return nodes.has(node) || waiting.has(node) || later.countOf(node) > 0 || standings.has(node);
	}
}
