import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { CentreIndex } from '../../src/central/index.ts';
import { Releaser } from '../../src/central/releaser.ts';
import { Settler } from '../../src/central/settler.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import { ledgerAgeMs } from '../../src/domain/wire.ts';
import type { Connection } from '../../src/jetstream/connection.ts';
import { ensureLaneConsumer } from '../../src/jetstream/consumers.ts';
import { countFrom } from '../../src/jetstream/direct-get.ts';
import { LaterCommands } from '../../src/jetstream/later-commands.ts';
import { command, factsOf, fleetOn, settle } from '../client/setup.ts';
import { messagesOf, startBroker } from '../jetstream/setup.ts';
import { eventually } from '../support/eventually.ts';
import { recordingLog } from '../support/log.ts';

const stream = streams.commands(0);
const hour = 3_600_000;
const inHours = (hours: number) => new Date(Date.now() + hours * hour).toISOString();

type Later = Pick<LaterCommands, 'read' | 'queue' | 'drop'>;

/** A leader's releaser with an index of its own, and a clock that is ahead by as many hours as it is told. */
async function leader(connection: Connection, change: (real: Later) => Partial<Later> = () => ({})) {
	const index = new CentreIndex(connection, 1);
	await index.start();
	await eventually(() => index.isComplete);
	const commands = new LaterCommands(connection);
	const real: Later = {
		read: (one) => commands.read(one),
		queue: (one, stored) => commands.queue(one, stored),
		drop: (one) => commands.drop(one),
	};
	const log = recordingLog();
	let ahead = 0;
	const serverNow = () => Date.now() + ahead * hour;
	const releaser = new Releaser({ index, later: { ...real, ...change(real) }, serverNow, log });
	return {
		index,
		log,
		runAt: (hours: number) => {
			ahead = hours;
			return releaser.runOnce();
		},
		[Symbol.asyncDispose]: () => index.stop(),
	};
}

function onLane(connection: Connection): Promise<number> {
	return countFrom(connection, stream, subjects.commandsOfLane(0, 'ship1', 'normal'), 1);
}

/** Holds whoever asks until it is opened, and tells when somebody does. */
function gate() {
	let open: () => void = () => undefined;
	let arrive: () => void = () => undefined;
	const opened = new Promise<void>((resolve) => {
		open = resolve;
	});
	const reached = new Promise<void>((resolve) => {
		arrive = resolve;
	});
	const pass = () => {
		arrive();
		return opened;
	};
	return { pass, reached, open };
}

test('what is due is queued in the order of its times, on its lane, with all that was said of it; nothing else', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet, parts } = await fleetOn(connection);
	const times = { c: 3, a: 1, b: 2, far: 9 };
	for (const [id, hours] of Object.entries(times)) {
		await fleet.send(
			command({ id, notBefore: inHours(hours), deliverWithin: '1h', runFor: '5m', patience: '1m' }),
		);
	}
	await fleet.send(command({ id: 'urgent', notBefore: inHours(1), lane: 'urgent' }));
	await using one = await leader(connection);
	const before = await factsOf(parts, { node: 'ship1', id: 'a' });
	expect(await one.runAt(0)).toBe(0);
	expect(await onLane(connection)).toBe(0);
	expect(await one.runAt(3.5)).toBe(4);
	const facts = await Promise.all(['a', 'b', 'c'].map((id) => factsOf(parts, { node: 'ship1', id })));
	expect(facts.map(({ seq }) => seq)).toEqual(facts.map(({ seq }) => seq).sort((x, y) => x - y));
	expect(facts[0]).toEqual({
		...before,
		...{ seq: facts[0]?.seq, queuedAt: facts[0]?.queuedAt },
		accepted: { at: before.queuedAt, seq: before.seq },
	});
	expect(facts[0]).toMatchObject({ deliverWithinMs: hour, runForMs: 300_000, patienceMs: 60_000 });
	expect(facts[0]?.queuedAt).toBeGreaterThan(before.queuedAt);
	expect(await onLane(connection)).toBe(3);
	// What they were before goes, once it is heard that they are queued.
	await eventually(async () => {
		await one.runAt(3.5);
		return (await messagesOf(connection, stream)) === 5;
	});
	expect(one.index.later.commands().map(({ id }) => id)).toEqual(['far']);
	expect(one.index.later.leftovers(9)).toEqual([]);
	expect(await fleet.get('ship1.a')).toMatchObject({ state: 'queued', history: [{}, { by: 'central' }] });
	expect(await fleet.get('ship1.far')).toMatchObject({ state: 'scheduled', queuedAt: null });
	expect((await fleet.get('ship1.urgent'))?.lane).toBe('urgent');
});

test('a crash between the queueing and the removal leaves both, once queued for its node; the next leader removes the older', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet, parts } = await fleetOn(connection);
	await fleet.send(command({ id: 'a', notBefore: inHours(1) }));
	{
		await using dies = await leader(connection, () => ({ drop: () => Promise.reject(new Error('died')) }));
		expect(await dies.runAt(2)).toBe(1);
		await eventually(() => dies.index.later.leftovers(1).length === 1);
		await dies.runAt(2);
	}
	expect(await messagesOf(connection, stream)).toBe(2);
	const queued = await factsOf(parts, { node: 'ship1', id: 'a' });
	expect(queued.accepted?.seq).toBeLessThan(queued.seq);
	expect(await fleet.get('ship1.a')).toMatchObject({ state: 'queued', lane: 'normal' });
	await using next = await leader(connection);
	expect(await next.runAt(2)).toBe(0);
	expect(await messagesOf(connection, stream)).toBe(1);
	expect((await factsOf(parts, { node: 'ship1', id: 'a' })).seq).toBe(queued.seq);
	await ensureLaneConsumer(connection, { node: 'ship1', shard: 0, lane: 'normal', capacity: 1 });
	expect((await connection.jsm.consumers.info(stream, 'ship1-normal')).num_pending).toBe(1);
});

test('two leaders queue each once, whoever is faster', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet } = await fleetOn(connection);
	const ids = Array.from({ length: 300 }, (_, n) => `c${n}`);
	await Promise.all(ids.map((id) => fleet.send(command({ id, notBefore: inHours(1) }))));
	await using one = await leader(connection);
	await using two = await leader(await broker.connect());
	const queued = await Promise.all([one.runAt(2), two.runAt(2)]);
	expect(queued[0] + queued[1]).toBe(300);
	expect(await onLane(connection)).toBe(300);
	await eventually(async () => {
		await Promise.all([one.runAt(2), two.runAt(2)]);
		return (await messagesOf(connection, stream)) === 300;
	});
	expect([one.index.later.size, two.index.later.size]).toEqual([0, 0]);
	expect([...one.log.lines, ...two.log.lines].filter(({ level }) => level === 'warn')).toEqual([]);
});

test('a leader that comes too late queues nothing of what has ended meanwhile', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet, parts } = await fleetOn(connection);
	await fleet.send(command({ id: 'a', notBefore: inHours(1) }));
	const { pass, reached, open } = gate();
	await using late = await leader(connection, ({ queue }) => ({
		queue: async (...args) => {
			await pass();
			return queue(...args);
		},
	}));
	const releasing = late.runAt(2);
	await reached;
	await using quick = await leader(connection);
	expect(await quick.runAt(2)).toBe(1);
	await settle(parts, { node: 'ship1', id: 'a' }, await factsOf(parts, { node: 'ship1', id: 'a' }));
	expect(await messagesOf(connection, stream)).toBe(0);
	open();
	expect(await releasing).toBe(0);
	expect(await messagesOf(connection, stream)).toBe(0);
	await eventually(() => late.index.later.size === 0);
});

test('one that cannot be queued now is tried again, and keeps no other', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet } = await fleetOn(connection);
	for (const id of ['a', 'b', 'c']) await fleet.send(command({ id, notBefore: inHours(1) }));
	let isBad = true;
	await using one = await leader(connection, ({ read }) => ({
		read: (one) => (isBad && one.id === 'b' ? Promise.reject(new Error('no answer')) : read(one)),
	}));
	expect(await one.runAt(2)).toBe(2);
	expect(one.log.lines).toContainEqual(
		expect.objectContaining({ level: 'warn', fields: { err: 'no answer', commands: 1 } }),
	);
	isBad = false;
	// Not at once.
	expect(await one.runAt(2)).toBe(0);
	expect(await one.runAt(2.1)).toBe(1);
});

test('one that somebody removed from the stream is forgotten', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet } = await fleetOn(connection);
	await fleet.send(command({ id: 'a', notBefore: inHours(1) }));
	await using one = await leader(connection);
	await connection.jsm.streams.purge(stream);
	expect(one.index.later.size).toBe(1);
	expect(await one.runAt(2)).toBe(0);
	expect(one.index.later.size).toBe(0);
});

test('a claim that closed it holds wherever it is: what was queued all the same goes with it, however long it had waited', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet, parts } = await fleetOn(connection);
	const handle = { node: 'ship1', id: 'a' };
	await fleet.send(command({ id: 'a', notBefore: inHours(1) }));
	const { pass, reached, open } = gate();
	await using one = await leader(connection, ({ queue }) => ({
		queue: async (...args) => {
			await pass();
			return queue(...args);
		},
	}));
	const releasing = one.runAt(2);
	await reached;
	expect((await fleet.cancel(['ship1.a']))[0]).toMatchObject({ answer: 'beforeStart' });
	open();
	expect(await releasing).toBe(1);
	expect(await fleet.get('ship1.a')).toMatchObject({ state: 'cancelled', startedAt: null });
	// The ledger hears of the claim, which knows the message as it was before, and the index of both.
	const settled: string[] = [];
	one.index.onSettledWaiting(({ id, facts }) => settled.push(`${id} ${facts.accepted?.seq} ${facts.seq}`));
	await eventually(() => one.index.waiting.get('ship1')?.has('a'));
	const claim = await parts.claims.read(handle);
	expect(claim?.facts).toMatchObject({ seq: 1, accepted: { seq: 1 } });
	if (claim) await settle(parts, handle, claim.facts, 'cancelled');
	await eventually(() => settled.includes('a 1 2'));
	expect(one.index.waiting.size).toBe(0);
	expect(await messagesOf(connection, stream)).toBe(1);
	const { commands, ledger } = parts;
	const [onForgotten, log] = [() => undefined, recordingLog()];
	const settler = new Settler({
		commands,
		ledger,
		onForgotten,
		linkChanges: () => 0,
		clock: systemClock,
		log,
	});
	const facts = await factsOf(parts, handle);
	// As if it had waited for longer than the ledger remembers.
	settler.settle({ ...handle, facts: { ...facts, queuedAt: facts.queuedAt + 2 * ledgerAgeMs } });
	await eventually(async () => (await messagesOf(connection, stream)) === 0);
});
