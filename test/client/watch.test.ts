import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { CommandView, Receipt } from '../../src/domain/view.ts';
import { startBroker } from '../jetstream/setup.ts';
import { eventually } from '../support/eventually.ts';
import { cancelled, command, factsOf, fleetOn, reportSuccess, settle, started } from './setup.ts';

const handleOf = ({ node, id }: Receipt) => ({ node, id });

async function one(receipts: Promise<Receipt[]>): Promise<Receipt> {
	const [receipt] = await receipts;
	if (!receipt) throw new Error('nothing was sent');
	return receipt;
}

test('tells what became of a command without a centre: queued, running, reported, settled', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const receipt = await one(fleet.send(command()));
	const handle = handleOf(receipt);
	const state = async () => (await fleet.get(handle))?.state;
	expect(await state()).toBe('queued');
	const facts = await factsOf(parts, handle);
	await parts.claims.write(handle, started(facts));
	expect(await state()).toBe('running');
	await reportSuccess(broker.connection, handle, facts);
	expect(await fleet.get(receipt.handle)).toMatchObject({
		...{ state: 'succeeded', attempt: 1, result: { exitCode: 0 } },
	});
	await settle(parts, handle, facts);
	expect(await fleet.get(handle)).toMatchObject({ state: 'succeeded', result: { exitCode: 0 } });
	expect(await fleet.get('ship1.nobody')).toBeUndefined();
	expect(() => fleet.get('nonsense')).toThrow(/handle/);
});

test('a claim that the centre wrote last is told while nothing else is', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const handle = handleOf(await one(fleet.send(command())));
	await parts.claims.write(handle, cancelled(await factsOf(parts, handle)));
	expect(await fleet.get(handle)).toMatchObject({
		...{ state: 'cancelled', closed: { reason: 'not needed', actor: 'me' } },
	});
});

test('waits for the node’s report, with no centre, and calls back on the way', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const receipts = [await one(fleet.send(command())), await one(fleet.send(command({ toNode: 'ship2' })))];
	const seen: string[] = [];
	const waiting = fleet.wait(
		receipts.map(({ handle }) => handle),
		{ onChange: (view) => seen.push(`${view.node} ${view.state}`) },
	);
	await eventually(() => seen.length === 2);
	for (const receipt of receipts.toReversed()) {
		await reportSuccess(broker.connection, handleOf(receipt), await factsOf(parts, handleOf(receipt)));
	}
	const views = await waiting;
	expect(views.map(({ handle, state }) => [handle, state])).toEqual(
		receipts.map(({ handle }) => [handle, 'succeeded']),
	);
	expect(seen.slice(2).sort()).toEqual(['ship1 succeeded', 'ship2 succeeded']);
});

test('waits for the ledger, for many at once, and is at once there for what is settled', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const receipts = (await Promise.all(Array.from({ length: 300 }, () => fleet.send(command())))).flat();
	expect(receipts.map(({ position }) => position)).toEqual(receipts.map(() => null));
	const waiting = fleet.wait(receipts.map(({ handle }) => handle));
	await Promise.all(
		receipts.map(async (receipt) => {
			const handle = handleOf(receipt);
			await settle(parts, handle, await factsOf(parts, handle), 'failed');
		}),
	);
	expect((await waiting).every(({ state }) => state === 'failed')).toBe(true);
	// As many questions as for one, whatever their number.
	const asked = () => broker.connection.nc.stats().outMsgs;
	const before = asked();
	expect(await fleet.wait(receipts.map(({ handle }) => handle))).toHaveLength(300);
	expect(asked() - before).toBeLessThan(40);
	expect(await fleet.wait([])).toEqual([]);
});

test('after its time the wait says what is pending and what is done', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const done = await one(fleet.send(command()));
	const pending = await one(fleet.send(command()));
	await settle(parts, handleOf(done), await factsOf(parts, handleOf(done)));
	await expect(fleet.wait([done.handle, pending.handle], { timeoutMs: 3000 })).rejects.toMatchObject({
		code: 'waited-too-long',
		message: expect.stringContaining(pending.handle),
		details: { pending: [pending.handle], done: [{ handle: done.handle, state: 'succeeded' }] },
	});
});

test('waiting for a command that nobody knows fails at once', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	const receipt = await one(fleet.send(command()));
	await expect(fleet.wait([receipt.handle, 'ship1.nobody'])).rejects.toMatchObject({
		code: 'not-found',
		details: { handle: 'ship1.nobody' },
	});
});

test('a wait survives a restart of the broker, also when the word comes while it is away', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const { fleet } = await fleetOn(await broker.connect(proxy));
	const { parts } = await fleetOn(broker.connection);
	const [first, second] = [await one(fleet.send(command())), await one(fleet.send(command()))];
	const seen: string[] = [];
	const waiting = fleet.wait([first.handle, second.handle], { onChange: ({ state }) => seen.push(state) });
	await eventually(() => seen.length === 2);
	proxy.cut();
	await reportSuccess(broker.connection, handleOf(first), await factsOf(parts, handleOf(first)));
	proxy.heal();
	await eventually(() => seen.includes('succeeded'));
	await broker.nats.restart();
	await broker.connection.reach.whenUp(20_000);
	await reportSuccess(broker.connection, handleOf(second), await factsOf(parts, handleOf(second)));
	expect((await waiting).map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
});

test('a wait ends with its time, or its connection, and leaves nothing behind', async () => {
	await using broker = await startBroker();
	const connection = await broker.connect();
	const { fleet } = await fleetOn(connection);
	const receipt = await one(fleet.send(command()));
	const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
	const before = timers();
	const { jsm } = broker.connection;
	const consumers = async () => (await jsm.streams.info('STEWARD_REPORTS')).state.consumer_count;
	for (let round = 0; round < 3; round++) {
		const waits = Array.from({ length: 40 }, () => fleet.wait([receipt.handle], { timeoutMs: 300 }));
		const ended = await Promise.allSettled(waits);
		expect(new Set(ended.map((each) => each.status === 'rejected' && each.reason.code))).toEqual(
			new Set(['waited-too-long']),
		);
	}
	await eventually(async () => (await consumers()) === 0);
	await expect(fleet.wait([receipt.handle, 'ship1.nobody'], { timeoutMs: 3_600_000 })).rejects.toMatchObject({
		code: 'not-found',
	});
	await eventually(() => timers() <= before);
	const forEver = fleet.wait([receipt.handle]);
	await eventually(async () => (await consumers()) === 1);
	const failed = expect(forEver).rejects.toMatchObject({ code: 'no-broker' });
	await fleet.close();
	await failed;
});

test('watch gives every change from now on, of the nodes and states that were asked for', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const before = await one(fleet.send(command()));
	const stopping = new AbortController();
	const all: CommandView[] = [];
	const ended: CommandView[] = [];
	const read = async (into: CommandView[], options: Parameters<typeof fleet.watch>[0]) => {
		for await (const view of fleet.watch({ ...options, signal: stopping.signal })) into.push(view);
	};
	const reading = [read(all, { node: 'ship1' }), read(ended, { states: ['succeeded', 'cancelled'] })];
	const { jsm } = broker.connection;
	await eventually(async () => (await jsm.streams.info('STEWARD_COMMANDS_0')).state.consumer_count === 2);
	await eventually(async () => (await jsm.streams.info('KV_steward-ledger')).state.consumer_count === 2);
	const receipt = await one(fleet.send(command()));
	await one(fleet.send(command({ toNode: 'ship2' })));
	await eventually(() => all.length === 1);
	await settle(parts, handleOf(before), await factsOf(parts, handleOf(before)), 'cancelled');
	await settle(parts, handleOf(receipt), await factsOf(parts, handleOf(receipt)));
	await eventually(() => ended.length === 2 && all.length === 3);
	expect(all.map(({ handle, state }) => [handle, state])).toEqual([
		[receipt.handle, 'queued'],
		[before.handle, 'cancelled'],
		[receipt.handle, 'succeeded'],
	]);
	expect(ended.map(({ state }) => state)).toEqual(['cancelled', 'succeeded']);
	stopping.abort();
	await Promise.all(reading);
	await eventually(async () => (await jsm.streams.info('KV_steward-ledger')).state.consumer_count === 0);
});

test('a slow reader of changes gets the newest of each command, not a queue without end', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection, systemClock);
	const stopping = new AbortController();
	const watching = fleet.watch({ signal: stopping.signal })[Symbol.asyncIterator]();
	const first = watching.next();
	const { jsm } = broker.connection;
	await eventually(async () => (await jsm.streams.info('KV_steward-ledger')).state.consumer_count === 1);
	const receipt = await one(fleet.send(command()));
	expect((await first).value).toMatchObject({ state: 'queued' });
	// Nobody reads now.
	const handle = handleOf(receipt);
	const facts = await factsOf(parts, handle);
	const entry = await settle(parts, handle, facts);
	let { revision } = (await parts.ledger.read(handle)) ?? { revision: 0 };
	for (let attempt = 2; attempt < 50; attempt++) {
		const attempts = [{ ...entry.attempts[0], attempt }] as typeof entry.attempts;
		revision = await parts.ledger.write({ ...entry, attempts }, revision, undefined, parts.serverNow());
	}
	const seen: CommandView[] = [];
	await eventually(async () => {
		const { value } = await watching.next();
		if (value) seen.push(value);
		return seen.at(-1)?.attempt === 49;
	});
	expect(seen.length).toBeLessThan(50);
	stopping.abort();
	expect(await watching.next()).toMatchObject({ done: true });
});

test('watching ends with the connection', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(await broker.connect());
	const reading = (async () => {
		for await (const view of fleet.watch()) throw new Error(`nothing changed: ${view.handle}`);
	})();
	const { jsm } = broker.connection;
	await eventually(async () => (await jsm.streams.info('KV_steward-ledger')).state.consumer_count === 1);
	await fleet.close();
	await reading;
});
