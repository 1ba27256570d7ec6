/**
 * Owns the answers to questions about schedules: what is stored of each, its next tick, and what became of the last on each node.
 * Promises to say of a node only what its state, the ledger or its stream say; pages fit a message.
 * Reads only, and from the index alone.
 */

import { formatHandle } from '../domain/names.ts';
import type { NodeState } from '../domain/node-state.ts';
import type { Question } from '../domain/questions.ts';
import { readSchedule, type Schedule, type ScheduleRecord } from '../domain/schedule.ts';
import {
	type LastOnNode,
	lastOf,
	type OnNode,
	type ScheduleView,
	scheduleView,
	unreadableView,
} from '../domain/schedule-view.ts';
import type { CommandState } from '../domain/state.ts';
import { nodesOf } from '../domain/target.ts';
import type { CentreIndex } from './index.ts';
import { progressOf } from './schedule-plan.ts';

/** A page holds schedules until they have so many bytes together; one alone may have more. */
const pageBytes = 256 * 1024;
const namedInLists = 20;
const namedOfOne = 1000;

type Said = NodeState['schedules'][number];
/** What nodes say of the schedules that they have, by schedule and node. */
type OfNodes = ReadonlyMap<string, ReadonlyMap<string, Said>>;
type Page = { items: ScheduleView[]; next: string | null; indexing: boolean };

export class ScheduleAnswers {
	readonly #index: CentreIndex;
	readonly #serverNow: () => number;

	constructor(index: CentreIndex, serverNow: () => number) {
		this.#index = index;
		this.#serverNow = serverNow;
	}

	/** In the order of their names. */
	answer({ name, cursor }: Question<'schedules'>): Page {
		const ofNodes = this.#saidByNodes();
		const records = [...this.#index.schedules.records.values()]
			.map(({ value }) => value)
			.filter((record) => name === undefined || record.name === name)
			// That it was removed somebody has to vouch for as well.
			.filter((record) => !record.removed || this.#problemOf(record) !== undefined)
			.filter((record) => cursor === undefined || record.name > cursor)
			.sort((a, b) => (a.name < b.name ? -1 : 1));
		const items: ScheduleView[] = [];
		let bytes = 0;
		for (const [index, record] of records.entries()) {
			const view = this.#view(record, ofNodes, name === undefined ? namedInLists : namedOfOne);
			bytes += Buffer.byteLength(JSON.stringify(view));
			if (items.length > 0 && bytes > pageBytes) {
				return { items, next: records[index - 1]?.name ?? null, indexing: !this.#index.isComplete };
			}
			items.push(view);
		}
		return { items, next: null, indexing: !this.#index.isComplete };
	}

	#view(record: ScheduleRecord, ofNodes: OfNodes, mostNodes: number): ScheduleView {
		const schedule = readSchedule(record.form);
		const said = ofNodes.get(record.name) ?? new Map<string, Said>();
		const centre = progressOf(record, this.#index.schedules.progress.get(record.name)?.value);
		const sums = [centre, ...said.values()];
		const sum = (pick: (one: (typeof sums)[number]) => number) =>
			sums.reduce((total, one) => total + pick(one), 0);
		const counts = {
			fired: sum(({ fired }) => fired),
			missed: sum(({ missed }) => missed),
			skipped: sum(({ skipped }) => skipped),
		};
		if ('problem' in schedule) return unreadableView(record, schedule, counts);
		const targets = this.#targetsOf(schedule);
		const isOnNodes = schedule.placement === 'node';
		const on = [...new Set([...(isOnNodes ? targets : []), ...said.keys()])];
		return scheduleView(
			record,
			schedule,
			{
				now: this.#serverNow(),
				targets: targets.length,
				last: isOnNodes
					? on.flatMap((node) => this.#lastByNode(record.name, node, said.get(node)))
					: targets.flatMap((node) => this.#lastByCentre(record.name, node, centre.last)),
				on: on.map((node) => onNode(node, said.get(node))),
				counts,
				problem: this.#problemOf(record),
			},
			mostNodes,
		);
	}

	#problemOf(record: ScheduleRecord): string | undefined {
		const problem = this.#index.scheduleTrust.problemOf(record, this.#serverNow());
		return problem !== undefined && record.removed ? `that it was removed: ${problem}` : problem;
	}

	#targetsOf({ target }: Schedule): readonly string[] {
		const nodes = nodesOf(target, this.#index.serving);
		return 'nodes' in target ? nodes : nodes.toSorted();
	}

	/** The last tick that fired, where it did for this node; else the newest of its commands that is still open. */
	#lastByCentre(name: string, node: string, tick: number | null): LastOnNode[] {
		if (tick !== null) {
			const last = lastOf(name, node, tick, null);
			const state = this.#stateOf(last);
			if (state) return [{ ...last, state }];
		}
		for (const open of this.#index.schedules.openCommands(name, node).toReversed()) {
			const tick = open.facts.schedule?.tick ?? null;
			if (tick !== null) return [{ node, id: open.id, tick, state: this.#stateOf(open) ?? 'queued' }];
		}
		return [];
	}

	#lastByNode(name: string, node: string, said: Said | undefined): LastOnNode[] {
		if (said?.last == null) return [];
		const last = lastOf(name, node, said.last, null);
		return [{ ...last, state: this.#stateOf(last) ?? null }];
	}

	#stateOf({ node, id }: { readonly node: string; readonly id: string }): CommandState | undefined {
		const known = this.#index.ledger.get(formatHandle({ node, id }))?.state;
		return known ?? (this.#index.waiting.get(node)?.has(id) ? 'queued' : undefined);
	}

	#saidByNodes(): OfNodes {
		const bySchedule = new Map<string, Map<string, Said>>();
		for (const [node, { state }] of this.#index.nodes) {
			for (const said of state.schedules) {
				const ofOne = bySchedule.get(said.name) ?? new Map<string, Said>();
				bySchedule.set(said.name, ofOne);
				ofOne.set(node, said);
			}
		}
		return bySchedule;
	}
}

function onNode(node: string, said: Said | undefined): OnNode {
	const { version = null, next = null, last = null, missed = 0 } = said ?? {};
	return { node, version, next, last, missed };
}
