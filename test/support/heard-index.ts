/**
 * Owns an index that is told by hand what its streams would say, and what can be said: for histories that are drawn by lot.
 * Promises that each stream is heard in its order, and that what this centre puts there itself is heard of before or after that is noted.
 * Keeps what it was told.
 */

import fc from 'fast-check';
import { CentreIndex } from '../../src/central/index.ts';
import { FleetRows } from '../../src/central/rows.ts';
import { formatHandle } from '../../src/domain/names.ts';
import { type CommandState, commandStates, isFinal } from '../../src/domain/state.ts';
import { buckets, type CommandAddress, shardOf, subjects } from '../../src/domain/subject.ts';
import { bucketSubject } from '../../src/jetstream/bucket.ts';
import type { Connection } from '../../src/jetstream/connection.ts';
import type { Followed } from '../../src/jetstream/follow.ts';
import { readStoredCommand } from '../../src/jetstream/stored-command.ts';
import { nodeState } from '../client/setup.ts';

/** Of commands. */
const shards = 2;
const names = ['ship1', 'ship2', 'ship3'];
const ids = ['a', 'b', 'c', 'd'];
const address = { node: fc.constantFrom(...names), id: fc.constantFrom(...ids) };

/** What can be heard of, and what the centre itself does with its index; times are in minutes. */
export const heardStep: fc.Arbitrary<HeardStep> = fc.oneof(
	{ weight: 6, arbitrary: fc.record({ does: fc.constant('stored'), ...address, at: fc.nat(60) }) },
	{ weight: 1, arbitrary: fc.record({ does: fc.constant('later'), ...address, at: fc.nat(60) }) },
	{ weight: 2, arbitrary: fc.record({ does: fc.constant('expects'), ...address, at: fc.nat(60) }) },
	{ weight: 3, arbitrary: fc.record({ does: fc.constant('notes'), gone: fc.boolean() }) },
	{
		weight: 8,
		arbitrary: fc.record({
			...{ does: fc.constant('told'), ...address, at: fc.nat(40 * 24 * 60) },
			state: fc.constantFrom(...commandStates),
		}),
	},
	{ weight: 1, arbitrary: fc.record({ does: fc.constant('gone'), ...address }) },
	{ weight: 1, arbitrary: fc.record({ does: fc.constant('forgotten'), ...address }) },
	{ weight: 1, arbitrary: fc.record({ does: fc.constant('unscheduled'), ...address }) },
	{ weight: 3, arbitrary: fc.record({ does: fc.constant('present'), ...address, gone: fc.boolean() }) },
	{ weight: 2, arbitrary: fc.record({ does: fc.constant('says'), ...address, running: fc.nat(3) }) },
	{ weight: 1, arbitrary: fc.record({ does: fc.constant('stands'), ...address, gone: fc.boolean() }) },
	{ weight: 2, arbitrary: fc.record({ does: fc.constant('passes'), at: fc.nat(3 * 24 * 60) }) },
	{ weight: 1, arbitrary: fc.record({ does: fc.constant('lost'), source: fc.nat(6) }) },
);
export type HeardStep = {
	readonly does: string;
	readonly node?: string;
	readonly id?: string;
	readonly at?: number;
	readonly state?: CommandState;
	readonly gone?: boolean;
	readonly running?: number;
	readonly source?: number;
};

/** An index that is told by hand what its streams would say. */
export class HeardIndex {
	readonly index: CentreIndex;
	readonly rows: FleetRows;
	readonly #seqs = new Map<string, number>();
	/** What is being put on its stream by this centre. */
	readonly #expected = new Map<string, { readonly address: CommandAddress; readonly message: Followed }>();
	/** On their streams, and not heard of yet. */
	#unheard: Followed[] = [];
	#lives = 0;
	now = 0;

	/** The connection is asked nothing. */
	constructor(connection: Connection) {
		this.index = new CentreIndex(connection, shards);
		this.rows = new FleetRows(this.index, () => this.now);
	}

	do({
		does,
		node = '',
		id = '',
		at = 0,
		state = 'queued',
		gone = false,
		running = 0,
		source = 0,
	}: HeardStep): void {
		const handle = formatHandle({ node, id });
		const command = { node, id, lane: 'normal', method: 'm' } as const;
		const shard = shardOf(node, shards);
		const atMs = at * 60_000;
		switch (does) {
			case 'stored':
				return this.#hear(subjects.command(shard, command), atMs, { 'Steward-Deliver-Within': 'never' });
			case 'later': {
				const headers = { 'Steward-Not-Before': String(atMs + 1), 'Steward-Lane': 'normal' };
				const subject = subjects.laterCommand(shard, command);
				return this.#hear(subject, atMs, { ...headers, 'Steward-Deliver-Within': 'never' });
			}
			case 'expects': {
				if (this.#expected.has(handle)) return;
				const message = this.#message(subjects.command(shard, command), atMs, {
					'Steward-Deliver-Within': 'never',
				});
				this.index.expectStored(command);
				this.#expected.set(handle, { address: command, message });
				return void this.#unheard.push(message);
			}
			case 'notes': {
				const [[first = '', expected] = []] = this.#expected;
				if (!expected) return;
				this.#expected.delete(first);
				const stored = gone ? undefined : readStoredCommand(expected.message);
				return this.index.noteStored(expected.address, stored);
			}
			case 'told':
				return this.#hear(bucketSubject(buckets.ledger, handle), 0, {
					...{ 'Steward-State': state, 'Steward-Lane': 'normal', 'Steward-Method': 'm' },
					...{ 'Steward-Queued-At': '0', 'Steward-Seq': '1' },
					...(isFinal(state) ? { 'Steward-Settled-At': String(atMs) } : {}),
				});
			case 'gone':
				return this.#hear(bucketSubject(buckets.ledger, handle), 0, { 'KV-Operation': 'DEL' });
			case 'forgotten':
				return this.index.forget(handle);
			case 'unscheduled':
				return this.index.forgetLater({ node, id });
			case 'present':
				return this.#hear(
					bucketSubject(buckets.presence, node),
					atMs,
					gone ? { 'KV-Operation': 'PURGE' } : {},
				);
			case 'says': {
				const runs = Array.from({ length: running }, (_, place) => ({
					...{ id: String(place), method: 'm', lane: 'normal' as const },
					...{ startedAt: 0, attempt: 1, runForMs: null },
				}));
				const labels = { role: running > 1 ? 'tug' : 'ferry' };
				const state = { ...nodeState(node), labels, running: runs };
				const record = { v: 1, state, lastSeenAt: 5, conflict: null };
				return this.#hear(bucketSubject(buckets.nodes, node), 0, {}, JSON.stringify(record));
			}
			case 'stands': {
				const full = { v: 1, decommissioned: null, full: { limit: 1, since: 0 }, loud: null };
				const headers = gone ? { 'KV-Operation': 'DEL' } : {};
				const subject = bucketSubject(buckets.nodes, `${node}.standing`);
				return this.#hear(subject, 0, headers, JSON.stringify(full));
			}
			case 'passes':
				this.now += atMs;
				return this.rows.expire();
			case 'lost':
				return this.#lose(source);
			default:
				throw new Error(`nobody does "${does}"`);
		}
	}

	/** What is under way comes to its end: all that is on the streams was heard of. */
	settle(): void {
		while (this.#expected.size > 0) this.do({ does: 'notes' });
		const [last] = this.#unheard.splice(-1);
		while (last && this.#unheard.length > 0) this.#take(this.#unheard.splice(0, 1)[0] ?? last);
		if (last) this.#take(last);
	}

	#hear(subject: string, storedAt: number, headers: Record<string, string>, text = ''): void {
		this.#take(this.#message(subject, storedAt, headers, text));
	}

	#message(subject: string, storedAt: number, headers: Record<string, string>, text = ''): Followed {
		const { stream } = this.#sourceOf(subject);
		const seq = (this.#seqs.get(stream) ?? 0) + 1;
		this.#seqs.set(stream, seq);
		const data = new TextEncoder().encode(text);
		return { subject, storedAt, seq, data, header: (name) => headers[name] ?? '' };
	}

	/** In the order of its stream. */
	#take(message: Followed): void {
		const source = this.#sourceOf(message.subject);
		const before = this.#unheard.filter(({ subject }) => this.#sourceOf(subject) === source);
		this.#unheard = this.#unheard.filter((one) => !before.includes(one));
		for (const one of [...before, message]) {
			source.take(one);
			source.place.reach(one.seq);
		}
	}

	#lose(place: number): void {
		const source = this.index.sources[place];
		if (!source) return;
		this.#unheard = this.#unheard.filter(({ subject }) => this.#sourceOf(subject) !== source);
		for (const [handle, { address, message }] of [...this.#expected]) {
			if (this.#sourceOf(message.subject) !== source) continue;
			this.#expected.delete(handle);
			this.index.noteStored(address, undefined);
		}
		this.#seqs.delete(source.stream);
		source.place.restart();
		source.reset();
		this.#lives += 1;
		source.place.open(`made anew ${this.#lives}`);
	}

	#sourceOf(subject: string) {
		const source = this.index.sources.find(({ filter }) =>
			subject.startsWith(filter[0]?.slice(0, -1) ?? ' '),
		);
		if (!source) throw new Error(`nobody follows ${subject}`);
		return source;
	}
}
