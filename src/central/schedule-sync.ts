/**
 * Owns bringing schedules to the nodes that fire them by themselves, and taking them away again, over their control lanes.
 * Promises that what a node has is what is stored, as soon as it can hear of it: a wish waits for a node that is away, and one whose
 * store was lost is asked anew. Holds only what it has asked for; after a crash it asks again, under the same ids.
 */

import { isStewardError, messageOf } from '../base/errors.ts';
import { derivedId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { enqueue } from '../client/enqueue.ts';
import type { Control } from '../domain/control.ts';
import type { Envelope } from '../domain/envelope.ts';
import { centralNode } from '../domain/names.ts';
import { matchesLabels } from '../domain/node-state.ts';
import { parseSchedule, type Schedule, type ScheduleRecord } from '../domain/schedule.ts';
import type { CentreIndex } from './index.ts';

/** Wishes that are written at once. */
const atOnce = 64;
/** Then what was asked for is forgotten, and asked again. */
const mostRemembered = 100_000;

type Wish =
	| { readonly method: 'schedule'; readonly data: Control<'schedule'> }
	| { readonly method: 'unschedule'; readonly data: Control<'unschedule'> };

type Placed = ReadonlyMap<string, { readonly record: ScheduleRecord; readonly schedule: Schedule }>;

export type ScheduleSyncOptions = {
	index: Pick<CentreIndex, 'isComplete' | 'schedules' | 'nodes' | 'waiting' | 'onNode'>;
	parts: Parameters<typeof enqueue>[0];
	mayFire: () => boolean;
	log: Log;
};

export class ScheduleSync {
	readonly #options: ScheduleSyncOptions;
	readonly #asked = new Set<string>();
	/** Nodes that have said something new; `all` where a schedule is another. */
	#dirty: Set<string> | 'all' = 'all';
	#off: (() => void)[] = [];

	constructor(options: ScheduleSyncOptions) {
		this.#options = options;
	}

	/** Call when this centre begins to lead. */
	begin(): void {
		const { index } = this.#options;
		this.end();
		this.#dirty = 'all';
		this.#asked.clear();
		this.#off = [
			index.onNode((node) => {
				if (this.#dirty !== 'all') this.#dirty.add(node);
			}),
			index.schedules.onChange(() => {
				this.#dirty = 'all';
			}),
		];
	}

	end(): void {
		for (const off of this.#off.splice(0)) off();
	}

	/** Answers how many wishes it wrote. */
	async runOnce(): Promise<number> {
		const { index, mayFire, log } = this.#options;
		if (!index.isComplete || !mayFire()) return 0;
		const dirty = this.#dirty;
		this.#dirty = new Set();
		if (dirty !== 'all' && dirty.size === 0) return 0;
		const placed = this.#placed();
		const wishes = [...(dirty === 'all' ? this.#everyNode(placed) : dirty)].flatMap((node) =>
			this.#wishesFor(node, placed).map((wish) => this.#envelopeOf(node, wish)),
		);
		const news = wishes.filter(({ node, id }) => !this.#asked.has(`${node} ${id}`));
		for (let from = 0; from < news.length; from += atOnce) {
			await Promise.all(news.slice(from, from + atOnce).map((wish) => this.#ask(wish)));
		}
		if (news.length > 0) log.info({ count: news.length }, 'schedules are on their way to their nodes');
		return news.length;
	}

	async #ask(wish: Envelope): Promise<void> {
		const { parts, log } = this.#options;
		if (this.#asked.size >= mostRemembered) this.#asked.clear();
		try {
			await enqueue(parts, wish, true);
			this.#asked.add(`${wish.node} ${wish.id}`);
		} catch (error) {
			if (isStewardError(error, 'id-conflict')) this.#asked.add(`${wish.node} ${wish.id}`);
			else this.#dirty = 'all';
			log.warn({ node: wish.node, err: messageOf(error) }, 'a schedule could not be sent to its node');
		}
	}

	/** Those whose place is the node, with what they mean. */
	#placed(): Placed {
		const placed = new Map<string, { record: ScheduleRecord; schedule: Schedule }>();
		for (const [name, { value: record }] of this.#options.index.schedules.records) {
			try {
				const schedule = record.removed ? undefined : parseSchedule(record.form);
				if (schedule?.placement === 'node') placed.set(name, { record, schedule });
			} catch (error) {
				this.#options.log.error({ schedule: name, err: messageOf(error) }, 'a schedule cannot be read');
			}
		}
		return placed;
	}

	#everyNode(placed: Placed): ReadonlySet<string> {
		const { nodes, waiting } = this.#options.index;
		const named = [...placed.values()].flatMap(({ schedule: { target } }) =>
			'nodes' in target ? target.nodes : [],
		);
		return new Set([...nodes.keys(), ...waiting.keys(), ...named]);
	}

	#wishesFor(node: string, placed: Placed): Wish[] {
		const { index } = this.#options;
		const has = this.#versionsAt(node);
		const author = { by: centralNode, reason: '' };
		const wishes: Wish[] = [];
		for (const [name, { record, schedule }] of placed) {
			const isMeant =
				'nodes' in schedule.target
					? schedule.target.nodes.includes(node)
					: matchesLabels(schedule.target.where, index.nodes.get(node)?.state.labels ?? {});
			if (!isMeant) continue;
			const { version, form, since } = record;
			if (has.get(name) !== version) {
				wishes.push({ method: 'schedule', data: { name, version, form, since, ...author } });
			}
			has.delete(name);
		}
		for (const [name, version] of has) {
			const last = index.schedules.records.get(name)?.value.version ?? version;
			const data = { name, version: Math.max(version, last), ...author };
			wishes.push({ method: 'unschedule', data });
		}
		return wishes;
	}

	/** What it said that it has, and what is on its way to it. */
	#versionsAt(node: string): Map<string, number> {
		const { nodes, waiting } = this.#options.index;
		const versions = new Map<string, number>();
		for (const { name, version } of nodes.get(node)?.state.schedules ?? []) versions.set(name, version);
		const onTheWay = [...(waiting.get(node)?.values() ?? [])]
			.filter(({ lane, facts }) => lane === 'control' && facts.schedule !== undefined)
			.sort((a, b) => a.facts.seq - b.facts.seq);
		for (const { method, facts } of onTheWay) {
			if (!facts.schedule) continue;
			if (method === 'schedule') versions.set(facts.schedule.name, facts.schedule.version);
			else versions.delete(facts.schedule.name);
		}
		return versions;
	}

	/** Its id says what is wished of which store and which program: the same wish is there once. */
	#envelopeOf(node: string, { method, data }: Wish): Envelope {
		const state = this.#options.index.nodes.get(node)?.state;
		const { name, version } = data;
		return {
			v: 1,
			id: derivedId(method, name, version, state?.epoch ?? '', state?.version ?? ''),
			node,
			method,
			lane: 'control',
			data,
			sender: centralNode,
			deliverWithinMs: null,
			schedule: { name, version, tick: null },
		};
	}
}
