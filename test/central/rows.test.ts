import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Answers } from '../../src/central/answers.ts';
import { CentreIndex } from '../../src/central/index.ts';
import { stateOf } from '../../src/central/index-listeners.ts';
import { FleetRows } from '../../src/central/rows.ts';
import { formatHandle } from '../../src/domain/names.ts';
import { failingForMs, isFailing } from '../../src/domain/row.ts';
import type { Totals } from '../../src/domain/row-schema.ts';
import { type CommandState, commandStates, isFinal } from '../../src/domain/state.ts';
import { buckets, shardOf, subjects } from '../../src/domain/subject.ts';
import { bucketSubject } from '../../src/jetstream/bucket.ts';
import { readStoredCommand } from '../../src/jetstream/commands.ts';
import type { Followed } from '../../src/jetstream/follow.ts';
import { LedgerStore } from '../../src/jetstream/ledger-store.ts';
import { nodeState } from '../client/setup.ts';
import { type Nats, startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';

const shards = 2;
const names = ['ship1', 'ship2', 'ship3'];
const ids = ['a', 'b', 'c', 'd'];
const address = { node: fc.constantFrom(...names), id: fc.constantFrom(...ids) };

/** What can be heard of, and what the centre itself does with its index; times are in minutes. */
const step = fc.oneof(
	{ weight: 6, arbitrary: fc.record({ does: fc.constant('stored'), ...address, at: fc.nat(60) }) },
	{ weight: 1, arbitrary: fc.record({ does: fc.constant('later'), ...address, at: fc.nat(60) }) },
	{ weight: 2, arbitrary: fc.record({ does: fc.constant('noted'), ...address, at: fc.nat(60) }) },
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
type Step = {
	readonly does: string;
	readonly node?: string;
	readonly id?: string;
	readonly at?: number;
	readonly state?: CommandState;
	readonly gone?: boolean;
	readonly running?: number;
	readonly source?: number;
};

let nats: Nats;
let connection: Awaited<ReturnType<typeof openRaw>>;
beforeAll(async () => {
	nats = await startNats();
	connection = await openRaw(nats.url);
});
afterAll(async () => {
	await connection[Symbol.asyncDispose]();
	await nats[Symbol.asyncDispose]();
});

/** An index that is told by hand what its streams would say. */
class Heard {
	readonly index = new CentreIndex(connection.connection, shards);
	readonly rows = new FleetRows(this.index, () => this.now);
	readonly #seqs = new Map<string, number>();
	now = 0;

	do({
		does,
		node = '',
		id = '',
		at = 0,
		state = 'queued',
		gone = false,
		running = 0,
		source = 0,
	}: Step): void {
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
			case 'noted': {
				this.index.expectStored(command);
				const subject = subjects.command(shard, command);
				const message = this.#message(subject, atMs, { 'Steward-Deliver-Within': 'never' });
				if (at % 2 === 0) this.#take(message);
				this.index.noteStored(command, at % 3 === 0 ? undefined : readStoredCommand(message));
				if (at % 2 === 1) this.#take(message);
				return;
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
				const record = { v: 1, state: { ...nodeState(node), running: runs }, lastSeenAt: 5, conflict: null };
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
				return this.index.sources[source]?.reset();
			default:
				throw new Error(`nobody does "${does}"`);
		}
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

	#take(message: Followed): void {
		this.#sourceOf(message.subject).take(message);
	}

	#sourceOf(subject: string) {
		const source = this.index.sources.find(({ filter }) =>
			subject.startsWith(filter[0]?.slice(0, -1) ?? ' '),
		);
		if (!source) throw new Error(`nobody follows ${subject}`);
		return source;
	}
}

/** Looks at every command, as the counts never do. */
function counted({ index, now }: Heard, node?: string) {
	const waiting = [...index.waiting.values()].flatMap((ofNode) => [...ofNode.values()]);
	const stored = [...waiting, ...index.later.commands()];
	const handles = new Set([...index.ledger.keys(), ...stored.map(formatHandle)]);
	const known = [...handles]
		.filter((handle) => node === undefined || handle.startsWith(`${node}.`))
		.map((handle) => ({ handle, command: index.known(handle) }));
	const queuedAt = waiting
		.filter((one) => (node === undefined || one.node === node) && !index.ledger.has(formatHandle(one)))
		.map(({ facts }) => facts.queuedAt);
	const states: Partial<Record<CommandState, number>> = {};
	for (const { command } of known) {
		if (command) states[stateOf(command)] = (states[stateOf(command)] ?? 0) + 1;
	}
	const failing = known.filter(({ handle }) => {
		const summary = index.ledger.get(handle);
		if (!summary || !isFailing(summary.state) || summary.settledAt === null) return false;
		return summary.settledAt + failingForMs > now;
	});
	const oldest = queuedAt.length === 0 ? null : new Date(Math.min(...queuedAt)).toISOString();
	return { queued: queuedAt.length, oldestQueuedAt: oldest, states, failing: failing.length };
}

function nonZero(states: Totals['commands']) {
	return Object.fromEntries(Object.entries(states).filter(([, count]) => count !== 0));
}

test('counts are those of a look at every command, and rows say what the views of nodes say, whatever is heard', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
			const heard = new Heard();
			for (const one of steps) heard.do(one);
			heard.rows.expire();
			const answers = new Answers(heard.index, new LedgerStore(connection.connection), () => heard.now);
			const { items: views } = await answers.nodes({});
			expect([...heard.rows.names()].sort()).toEqual(views.map(({ node }) => node));
			expect((await answers.rows({})).items).toEqual(views.map(({ node }) => heard.rows.row(node)));
			for (const view of views) {
				const row = heard.rows.row(view.node);
				const { states: _, ...counts } = counted(heard, view.node);
				expect(row).toMatchObject(counts);
				expect(row).toMatchObject({ presence: view.presence, since: view.since, queued: view.queued });
				expect(row.running).toBe(view.running.length);
			}
			const totals = heard.rows.totals();
			const all = counted(heard);
			expect(nonZero(totals.commands)).toEqual(all.states);
			expect(totals.oldestQueuedAt).toBe(all.oldestQueuedAt);
			expect(totals.nodes.known).toBe(views.length);
			expect(totals.nodes.present).toBe(views.filter(({ presence }) => presence === 'present').length);
			// Whoever begins now counts the same.
			const late = new FleetRows(heard.index, () => heard.now);
			expect(late.totals()).toEqual(totals);
			for (const { node } of views) expect(late.row(node)).toEqual(heard.rows.row(node));
		}),
		{ numRuns: 300 },
	);
});
