/**
 * Owns bringing schedules to the nodes that fire them by themselves, and taking them away again, over their control lanes.
 * Promises that what a node has is what is stored, as soon as it can hear of it: a wish waits for a node that is away, and one whose
 * store was lost is asked anew. Holds only what it has asked for; after a crash it asks again, under the same ids.
 */

import type { Clock } from '../base/clock.ts';
import { derivedId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { enqueue } from '../client/enqueue.ts';
import type { Control } from '../domain/control.ts';
import type { Envelope } from '../domain/envelope.ts';
import { centralNode } from '../domain/names.ts';
import { matchesLabels } from '../domain/node-state.ts';
import { readSchedule, type Schedule, type ScheduleRecord } from '../domain/schedule.ts';
import type { Schedules } from '../jetstream/schedules.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';
import type { CentreIndex } from './index.ts';
import { tombstoneMs } from './schedule-trust.ts';
import { Wishes } from './wishes.ts';

type Wish =
	| { readonly method: 'schedule'; readonly data: Control<'schedule'> }
	| { readonly method: 'unschedule'; readonly data: Control<'unschedule'> };

/** `undefined`: it is not fired by nodes. `unreadable`: this program cannot say, or nobody vouches for it. */
type Placed = { readonly record: ScheduleRecord; readonly schedule: Schedule | undefined } | 'unreadable';

export type ScheduleSyncOptions = {
	index: Pick<
		CentreIndex,
		'isComplete' | 'schedules' | 'scheduleTrust' | 'nodes' | 'standings' | 'waiting' | 'onNode'
	>;
	parts: Parameters<typeof enqueue>[0];
	schedules: Pick<Schedules, 'forget'>;
	mayFire: () => boolean;
	serverNow: () => number;
	clock: Pick<Clock, 'monotonic'>;
	log: Log;
};

export class ScheduleSync {
	readonly #options: ScheduleSyncOptions;
	readonly #wishes: Wishes;
	/** What each record means, by its revision. */
	readonly #meanings = new Map<string, { readonly revision: number; readonly placed: Placed }>();
	/** Schedules that nodes fire. */
	#ownNames: readonly string[] = [];

	constructor(options: ScheduleSyncOptions) {
		this.#options = options;
		this.#wishes = new Wishes({ ...options, what: 'a schedule' });
	}

	/** Call when this centre begins to lead. */
	begin(): void {
		const { index } = this.#options;
		this.#wishes.begin(
			(listener) => index.onNode(listener),
			(listener) => {
				const offs = [index.schedules.onChange(listener), index.scheduleTrust.onChange(listener)];
				return () => {
					for (const off of offs) off();
				};
			},
		);
	}

	end(): void {
		this.#wishes.end();
	}

	/** Answers how many wishes it wrote. */
	async runOnce(): Promise<number> {
		const { index, mayFire, log } = this.#options;
		if (!index.isComplete || !mayFire()) return 0;
		const dirty = this.#wishes.takeDirty();
		if (dirty !== 'all' && dirty.size === 0) return 0;
		const placed = this.#placed();
		const wishes = [...(dirty === 'all' ? this.#everyNode(placed) : dirty)].flatMap((node) =>
			this.#wishesFor(node, placed).map((wish) => this.#envelopeOf(node, wish)),
		);
		const written = await this.#wishes.send(wishes);
		if (written > 0) log.info({ count: written }, 'schedules are on their way to their nodes');
		return written;
	}

	/** Forgets what was removed long ago, and no node says that it has; answers how many. */
	async forgetOnce(): Promise<number> {
		const { index, schedules, mayFire, serverNow } = this.#options;
		if (!index.isComplete || !mayFire()) return 0;
		const had = new Set(
			[...index.nodes.values()].flatMap(({ state }) => state.schedules.map(({ name }) => name)),
		);
		let forgotten = 0;
		for (const [name, { value, revision }] of [...index.schedules.records]) {
			const removedAt = value.changes.at(-1)?.at ?? 0;
			if (!value.removed || had.has(name) || serverNow() - removedAt < tombstoneMs) continue;
			if (await schedules.forget(name, revision)) forgotten += 1;
		}
		return forgotten;
	}

	/** What each schedule means, tombstones as well; each record is read once. */
	#placed(): ReadonlyMap<string, Placed> {
		const { records, unreadable } = this.#options.index.schedules;
		const placed = new Map<string, Placed>();
		for (const name of unreadable) placed.set(name, 'unreadable');
		for (const [name, { value: record, revision }] of records) {
			const known = this.#meanings.get(name);
			const meaning = known?.revision === revision ? known.placed : this.#meaningOf(record);
			if (meaning !== known?.placed) this.#meanings.set(name, { revision, placed: meaning });
			placed.set(name, this.#isVouched(record) ? meaning : 'unreadable');
		}
		for (const name of this.#meanings.keys()) if (!records.has(name)) this.#meanings.delete(name);
		this.#ownNames = [...placed].flatMap(([name, one]) =>
			one !== 'unreadable' && one.schedule ? [name] : [],
		);
		return placed;
	}

	/** Of one that nobody vouches for nodes hear nothing: not that it is there, and not that it is gone. */
	#isVouched(record: ScheduleRecord): boolean {
		const { index, serverNow, log } = this.#options;
		const problem = index.scheduleTrust.problemOf(record, serverNow());
		if (record.form.placement === 'node' && index.scheduleTrust.isNews(record.name, problem) && problem)
			log.error(
				{ schedule: record.name, err: problem },
				'a schedule is not to be trusted: no node hears of it',
			);
		return problem === undefined;
	}

	#meaningOf(record: ScheduleRecord): Placed {
		if (record.removed || record.form.placement !== 'node') return { record, schedule: undefined };
		const schedule = readSchedule(record.form);
		if (!('problem' in schedule)) return { record, schedule };
		const { name } = record;
		this.#options.log.error({ schedule: name, err: schedule.problem }, 'a schedule cannot be read');
		return 'unreadable';
	}

	#everyNode(placed: ReadonlyMap<string, Placed>): ReadonlySet<string> {
		const { nodes, waiting } = this.#options.index;
		const every = new Set([...nodes.keys(), ...waiting.keys()]);
		for (const one of placed.values()) {
			const target = one === 'unreadable' ? undefined : one.schedule?.target;
			if (target && 'nodes' in target) for (const node of target.nodes) every.add(node);
		}
		return every;
	}

	/** Taken away is only what is known not to be meant for it: not what this program cannot read, or has never heard of. */
	#wishesFor(node: string, placed: ReadonlyMap<string, Placed>): Wish[] {
		// It is told nothing more.
		if (this.#options.index.standings.get(node)?.decommissioned) return [];
		const has = this.#versionsAt(node);
		const author = { by: centralNode, reason: '' };
		const wishes: Wish[] = [];
		// Of thousands of schedules a node has some.
		for (const name of new Set([...has.keys(), ...this.#ownNames])) {
			const one = placed.get(name);
			if (one === undefined || one === 'unreadable') continue;
			const { record, schedule } = one;
			const known = has.get(name);
			const { version, form, since } = record;
			const isMeant = schedule !== undefined && this.#isMeant(node, schedule);
			// It takes no version that is older than what it has: one of another broker's store goes first.
			if (known !== undefined && (!isMeant || known > version)) {
				wishes.push({ method: 'unschedule', data: { name, version: Math.max(version, known), ...author } });
			} else if (isMeant && known !== version) {
				wishes.push({ method: 'schedule', data: { name, version, form, since, ...author } });
			}
		}
		return wishes;
	}

	#isMeant(node: string, { target }: Schedule): boolean {
		if ('nodes' in target) return target.nodes.includes(node);
		return matchesLabels(target.where, this.#options.index.nodes.get(node)?.state.labels ?? {});
	}

	/** What it said that it has, and what is on its way to it. */
	#versionsAt(node: string): Map<string, number> {
		const { nodes, waiting } = this.#options.index;
		const versions = new Map<string, number>();
		for (const { name, version } of nodes.get(node)?.state.schedules ?? []) versions.set(name, version);
		const onTheWay: StoredCommand[] = [];
		for (const command of waiting.get(node)?.values() ?? [])
			if (command.lane === 'control' && command.facts.schedule) onTheWay.push(command);
		onTheWay.sort((a, b) => a.facts.seq - b.facts.seq);
		for (const { method, facts } of onTheWay) {
			if (!facts.schedule) continue;
			if (method === 'schedule') versions.set(facts.schedule.name, facts.schedule.version);
			else versions.delete(facts.schedule.name);
		}
		return versions;
	}

	/**
	 * Its id says what is wished of which process of the node: the same wish is there once, and one that came to nothing (its node
	 * died over it, or its labels went and came) is asked anew of the next process.
	 */
	#envelopeOf(node: string, { method, data }: Wish): Envelope {
		const state = this.#options.index.nodes.get(node)?.state;
		const { name, version } = data;
		return {
			v: 1,
			id: derivedId(method, name, version, state?.boot ?? ''),
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
