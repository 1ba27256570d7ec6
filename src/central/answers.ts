/**
 * Owns the answers to questions over many: lists, queues, nodes, schedules; from the index, with bodies read for one page.
 * Promises pages that fit a message, newest first for lists, in the order of running for queues.
 * Reads only.
 */

import type { MethodView, QueueView } from '../domain/many-view-schema.ts';
import { isNodeName, lanes } from '../domain/names.ts';
import { matchesLabels } from '../domain/node-state.ts';
import type { Question } from '../domain/questions.ts';
import type { NodeRow, Totals } from '../domain/row-schema.ts';
import type { ScheduleView } from '../domain/schedule-view.ts';
import { hasEnded } from '../domain/state.ts';
import {
	type CommandView,
	ledgerView,
	type NodeView,
	nodeView,
	type Presence,
	timeOrNull,
	waitingView,
} from '../domain/view.ts';
import type { Answerers } from '../jetstream/api.ts';
import type { LedgerStore } from '../jetstream/ledger-store.ts';
import { usualMaxPayload } from '../jetstream/limits.ts';
import { boundedCommand, boundedNode, howManyFit } from './answer-bounds.ts';
import { CommandList, cursorOf, type ListedCommand, toListed } from './command-list.ts';
import type { CentreIndex } from './index.ts';
import { MethodCatalogue } from './method-catalogue.ts';
import { FleetRows } from './rows.ts';
import { ScheduleAnswers } from './schedule-answers.ts';

/** Items of one page: a command's view has about 1 kB, a node's with its methods' schemas several. */
const pageOfCommands = 200;
const pageOfNodes = 50;
/** About 300 bytes each. */
const pageOfRows = 2000;

export type Page<View> = { items: View[]; next: string | null; indexing: boolean };

export class Answers implements Answerers {
	readonly #index: CentreIndex;
	readonly #ledger: LedgerStore;
	readonly #maxPayload: () => number;
	readonly #schedules: ScheduleAnswers;
	readonly #serverNow: () => number;
	#counts: FleetRows | undefined;
	readonly #methods: MethodCatalogue;
	readonly #list: CommandList;

	/** `maxPayload`: of one message, bytes. */
	constructor(
		index: CentreIndex,
		ledger: LedgerStore,
		serverNow: () => number,
		maxPayload: () => number = () => usualMaxPayload,
	) {
		this.#maxPayload = maxPayload;
		this.#index = index;
		this.#ledger = ledger;
		this.#serverNow = serverNow;
		this.#schedules = new ScheduleAnswers(index, serverNow);
		this.#methods = new MethodCatalogue(index);
		this.#list = new CommandList(index);
	}

	/** Kept from the first time on that somebody asks for it. */
	get counts(): FleetRows {
		this.#counts ??= new FleetRows(this.#index, this.#serverNow);
		return this.#counts;
	}

	/** All nodes, a row each, by name. */
	async rows({ cursor }: Question<'rows'>): Promise<Page<NodeRow>> {
		const { counts } = this;
		const names = counts.names().filter((name) => cursor === undefined || name > cursor);
		const part = names
			.sort()
			.slice(0, pageOfRows)
			.map((name) => counts.row(name));
		const items = part.slice(0, howManyFit(part, this.#maxPayload()));
		const next = items.length < names.length ? (items.at(-1)?.node ?? null) : null;
		return { items, next, indexing: counts.indexing };
	}

	async totals(): Promise<Page<Totals>> {
		return { items: [this.counts.totals()], next: null, indexing: this.counts.indexing };
	}

	async commands(question: Question<'commands'>): Promise<Page<CommandView>> {
		const { limit, cursor, ...filter } = question;
		const size = Math.min(limit, pageOfCommands);
		// One more than is shown tells whether there is a next page.
		const found = this.#list.select(filter, size + 1, cursor);
		const part = found.slice(0, size);
		const { views, taken } = await this.#views(part);
		const last = part[taken - 1];
		return {
			items: views,
			next: last && taken < found.length ? cursorOf(last) : null,
			indexing: !this.#index.isComplete,
		};
	}

	async queue({ node, cursor }: Question<'queue'>): Promise<Page<CommandView>> {
		const open = lanes.flatMap((lane) =>
			this.#index.openCommands(node).filter((command) => command.lane === lane),
		);
		const from = cursor === undefined ? 0 : Number(cursor);
		const part = open.slice(from, from + pageOfCommands);
		const { views, taken } = await this.#views(part.map(toListed));
		// Settled since the index heard of it last.
		const items = views.filter((view) => !hasEnded(view));
		const next = from + taken < open.length ? String(from + taken) : null;
		return { items, next, indexing: !this.#index.isComplete };
	}

	async nodes({ node, where, presence, limit, cursor }: Question<'nodes'>): Promise<Page<NodeView>> {
		const { nodes, waiting, later, standings } = this.#index;
		const known = [...nodes.keys(), ...waiting.keys(), ...later.nodes(), ...standings.keys()];
		const names = [...new Set(known)]
			.filter((name) => isNodeName(name) && (node === undefined || name === node))
			.filter((name) => cursor === undefined || name > cursor)
			.filter((name) => !where || matchesLabels(where, nodes.get(name)?.state.labels ?? {}))
			.filter((name) => !presence || presence.includes(this.presenceOf(name).status))
			.sort();
		const part = names.slice(0, Math.min(limit ?? pageOfNodes, pageOfNodes));
		const maxPayload = this.#maxPayload();
		const views = part.map((name) => {
			const queued = this.#index.queuedCount(name);
			const view = nodeView(name, nodes.get(name), this.presenceOf(name), queued, standings.get(name));
			return boundedNode(view, maxPayload);
		});
		const items = views.slice(0, howManyFit(views, maxPayload));
		return {
			items,
			next: items.length < names.length ? (part[items.length - 1] ?? null) : null,
			indexing: !this.#index.isComplete,
		};
	}

	async schedules(question: Question<'schedules'>): Promise<Page<ScheduleView>> {
		return this.#schedules.answer(question);
	}

	/** The deepest first, without nodes that nothing waits for or runs on. */
	queues(limit: number): QueueView[] {
		const queues = this.counts.queues();
		const views = [...this.#index.waiting].map(([node, { size }]) => {
			const { size: queued, oldest } = queues.get(node) ?? { size: 0, oldest: null };
			return { node, queued, oldestQueuedAt: timeOrNull(oldest), running: size - queued };
		});
		return views
			.sort((a, b) => b.queued - a.queued || b.running - a.running || (a.node < b.node ? -1 : 1))
			.slice(0, limit);
	}

	/** What nodes offer, most nodes first. */
	methods(): MethodView[] {
		return this.#methods.list();
	}

	/** Handles of commands that are no wishes to a node, newest first. */
	handles(question: Omit<Question<'commands'>, 'cursor'>): string[] {
		const { limit, ...filter } = question;
		const found = this.#list.select({ ...filter, isWithoutWishes: true }, limit);
		return found.map(({ handle }) => handle);
	}

	presenceOf(node: string): Presence {
		return this.#index.presenceOf(node);
	}

	/** As many as fit into one message; `taken`: how many of the items they are, with those that have no view. */
	async #views(items: readonly ListedCommand[]): Promise<{ views: CommandView[]; taken: number }> {
		const maxPayload = this.#maxPayload();
		const records = await this.#ledger.readMany(items.map(({ handle }) => handle));
		const all = items.map(({ handle, stored }) => {
			const record = records.get(handle);
			// One that a newer centre wrote is left to that one.
			if (record === 'unreadable') return undefined;
			if (record) return boundedCommand(ledgerView(record.entry, null), maxPayload);
			return stored && waitingView(stored);
		});
		const taken = howManyFit(all, maxPayload);
		return { views: all.slice(0, taken).filter((view) => view !== undefined), taken };
	}
}
