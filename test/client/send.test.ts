import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { enqueue } from '../../src/client/enqueue.ts';
import { envelopeFor } from '../../src/domain/envelope.ts';
import { parseMessage } from '../../src/domain/message.ts';
import { readEntry } from '../../src/jetstream/bucket.ts';
import { Commands } from '../../src/jetstream/commands.ts';
import { Lease } from '../../src/jetstream/lease.ts';
import { answerIsLost, messagesOf, startBroker } from '../jetstream/setup.ts';
import { eventually } from '../support/eventually.ts';
import { cancelled, command, factsOf, fleetOn, nodeState, settle, started } from './setup.ts';

const stream = 'STEWARD_COMMANDS_0';
const id = 'id1';
const handle = { node: 'ship1', id };
const decommissioned = { by: 'me', reason: '', at: 1, settledAt: null, cancelled: 0, lost: 0 };

test.concurrent('a command is queued with one write, and its receipt says what is known', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	const [receipt] = await fleet.send(command({ deliverWithin: '1h' }));
	expect(receipt).toMatchObject({
		...{
			node: 'ship1',
			state: 'queued',
			lane: 'normal',
			duplicate: false,
			seq: 1,
			position: 1,
			via: 'broker',
		},
		...{ attempt: 0, startedAt: null, presence: { status: 'unknown', since: null } },
	});
	const queuedAt = Date.parse(receipt?.queuedAt ?? '');
	expect(Date.parse(receipt?.deadline ?? '') - queuedAt).toBe(3_600_000);
	expect(await messagesOf(broker.connection, stream)).toBe(1);
	const [second] = await fleet.send(command());
	const [other] = await fleet.send(command({ lane: 'urgent', deliverWithin: 'never' }));
	expect([second?.position, other?.position, other?.deadline]).toEqual([2, 1, null]);
});

test.concurrent('one command to more nodes than are asked about at once has a receipt for each, in order, and says who failed', async () => {
	await using broker = await startBroker({ shards: 3 });
	const { fleet, parts } = await fleetOn(broker.connection);
	const toNodes = Array.from({ length: 4500 }, (_, place) => `ship${place}`);
	const receipts = await fleet.send(command({ toNode: undefined, toNodes }));
	expect(receipts.map(({ node }) => node)).toEqual(toNodes);
	const stored = await Promise.all(
		[0, 1, 2].map((shard) => messagesOf(broker.connection, `STEWARD_COMMANDS_${shard}`)),
	);
	expect(stored.reduce((sum, count) => sum + count)).toBe(toNodes.length);
	for (const place of [0, 1, 2, 4499]) {
		const { node = '', id = '', seq } = receipts[place] ?? {};
		expect((await parts.commands.find(node, id))?.facts.seq).toBe(seq);
	}
	await parts.standings.change('ship4200', (standing) => ({ ...standing, decommissioned }));
	const failing = fleet.send(command({ toNode: undefined, toNodes }));
	await expect(failing).rejects.toThrow(/^4499 of 4500 sent; failed: ship4200 \(/);
});

test.concurrent('each of many that are sent at once is told its own place on its lane', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const lanes = ['normal', 'urgent', 'normal', 'normal', 'urgent'] as const;
	const receipts = (await Promise.all(lanes.map((lane) => fleet.send(command({ lane }))))).flat();
	expect(receipts.map(({ position }) => position)).toEqual([1, 1, 2, 3, 2]);
	await parts.commands.purge('ship1', receipts[0]?.id ?? '', receipts[0]?.seq ?? 0);
	expect(await fleet.send(command())).toMatchObject([{ position: 3 }]);
	expect(await parts.commands.positionOf('ship1', 'normal', 1)).toBe(0);
	expect(await parts.commands.positionOf('ship2', 'normal', 1)).toBe(0);
});

test.concurrent('the deadline is in the server’s time, whatever the client’s clock says', async () => {
	await using broker = await startBroker();
	const clock = { ...systemClock, now: () => Date.now() - 3_600_000 };
	const { fleet, parts } = await fleetOn(broker.connection, clock);
	const [receipt] = await fleet.send(command({ deliverWithin: '1m', id }));
	const { queuedAt } = await factsOf(parts, handle);
	expect(Math.abs(Date.parse(receipt?.queuedAt ?? '') - queuedAt)).toBeLessThan(60_000);
	expect(Math.abs(Date.parse(receipt?.deadline ?? '') - queuedAt - 60_000)).toBeLessThan(60_000);
});

test.concurrent('the same id again is a duplicate, with the state that the command has by now', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const send = async () => (await fleet.send(command({ id })))[0];
	expect(await send()).toMatchObject({ duplicate: false, state: 'queued', seq: 1 });
	expect(await send()).toMatchObject({ duplicate: true, state: 'queued', seq: 1, position: null });
	const facts = await factsOf(parts, handle);
	await parts.claims.write(handle, started(facts));
	expect(await send()).toMatchObject({ duplicate: true, state: 'running', seq: 1, attempt: 1 });
	await settle(parts, handle, facts);
	expect(await messagesOf(broker.connection, stream)).toBe(0);
	expect(await send()).toMatchObject({
		duplicate: true,
		state: 'succeeded',
		seq: 1,
		result: { exitCode: 0 },
	});
	expect(await messagesOf(broker.connection, stream)).toBe(0);
});

test.concurrent('the same id again is a duplicate while only the claim tells of it', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	await fleet.send(command({ id }));
	const facts = await factsOf(parts, handle);
	await parts.claims.write(handle, cancelled(facts));
	await parts.commands.purge('ship1', id, facts.seq);
	const [again] = await fleet.send(command({ id }));
	expect(again).toMatchObject({ duplicate: true, state: 'cancelled', closed: { actor: 'me' } });
	expect(await messagesOf(broker.connection, stream)).toBe(0);
});

test.concurrent('the same id with other content is an id conflict, waiting or settled', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	await fleet.send(command({ id }));
	const others = [
		command({ id, data: ['false'] }),
		command({ id, lane: 'urgent' }),
		command({ id, method: 'other' }),
		command({ id, attempts: 3 }),
		command({ id, deliverWithin: '1h' }),
	];
	const expectConflicts = async () => {
		for (const form of others) {
			await expect(fleet.send(form)).rejects.toMatchObject({
				code: 'id-conflict',
				message: expect.stringContaining('lane normal'),
				details: { handle: 'ship1.id1', existing: { method: 'shellCommand', lane: 'normal' } },
			});
		}
	};
	await expectConflicts();
	const facts = await factsOf(parts, handle);
	await settle(parts, handle, facts);
	await expectConflicts();
	expect(await messagesOf(broker.connection, stream)).toBe(0);
	// The id belongs to its node: another node may have its own.
	expect(await fleet.send(command({ id, toNode: 'ship2' }))).toMatchObject([{ duplicate: false }]);
});

test.concurrent('of many that send one id at once, from one connection or several, one is queued', async () => {
	await using broker = await startBroker();
	const connections = await Promise.all(Array.from({ length: 6 }, () => broker.connect()));
	const fleets = await Promise.all(connections.map(async (connection) => (await fleetOn(connection)).fleet));
	for (let round = 0; round < 5; round++) {
		const form = command({ id: `round${round}` });
		const receipts = (await Promise.all([...fleets, ...fleets].map((fleet) => fleet.send(form)))).flat();
		expect(receipts.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
		expect(new Set(receipts.map(({ seq }) => seq)).size).toBe(1);
	}
	expect(await messagesOf(broker.connection, stream)).toBe(5);
});

test.concurrent('of many that send one id with other content at once, one is queued and the others are told', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	const forms = [
		command({ id }),
		command({ id, lane: 'urgent' }),
		command({ id, method: 'other' }),
		command({ id, data: 1 }),
	];
	const settled = await Promise.allSettled(forms.map((form) => fleet.send(form)));
	expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
	const codes = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []));
	expect(codes).toEqual(['id-conflict', 'id-conflict', 'id-conflict']);
	expect(await messagesOf(broker.connection, stream)).toBe(1);
});

for (const chosen of [undefined, id]) {
	test.concurrent(`an enqueue whose answer is lost is not doubled (${chosen ? 'chosen id' : 'own id'})`, async () => {
		await using broker = await startBroker();
		const proxy = await broker.proxy();
		const { parts } = await fleetOn(await broker.connect(proxy));
		const message = parseMessage(command(chosen ? { id: chosen } : {}));
		const envelope = envelopeFor(message, 'ship1', chosen ?? parts.newId(), '_operator');
		proxy.dropServerToClient();
		const enqueuing = enqueue(parts, envelope, false);
		await eventually(async () => (await messagesOf(broker.connection, stream)) === 1);
		await answerIsLost(proxy);
		proxy.heal();
		expect(await enqueuing).toMatchObject({ duplicate: false, seq: 1, queuedAt: expect.any(Number) });
		expect(await messagesOf(broker.connection, stream)).toBe(1);
		expect(await enqueue(parts, envelope, true)).toMatchObject({ duplicate: true, seq: 1 });
	});
}

test.concurrent('many enqueues whose answers are lost together are each there once', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const { fleet } = await fleetOn(await broker.connect(proxy));
	proxy.dropServerToClient();
	const sending = Promise.all(Array.from({ length: 50 }, () => fleet.send(command())));
	await eventually(async () => (await messagesOf(broker.connection, stream)) === 50);
	await answerIsLost(proxy);
	proxy.heal();
	const receipts = (await sending).flat();
	expect(receipts.every(({ duplicate }) => !duplicate)).toBe(true);
	expect(new Set(receipts.map(({ seq }) => seq)).size).toBe(50);
	expect(await messagesOf(broker.connection, stream)).toBe(50);
});

test.concurrent('a command that was settled between the first look and the write is not queued again', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	await fleet.send(command({ id }));
	const facts = await factsOf(parts, handle);
	const message = parseMessage(command({ id }));
	// The look sees nothing; by the time of the write, the first one has run and is gone from the stream.
	class Late extends Commands {
		override async enqueue(...args: Parameters<Commands['enqueue']>) {
			await settle(parts, handle, facts);
			return super.enqueue(...args);
		}
	}
	const blind = { ...parts, commands: new Late(broker.connection, 1) };
	const answer = await enqueue(blind, envelopeFor(message, 'ship1', id, '_operator'), true);
	expect(answer).toMatchObject({ duplicate: true, seq: 1 });
	expect(await messagesOf(broker.connection, stream)).toBe(0);
	expect(await fleet.get('ship1.id1')).toMatchObject({ state: 'succeeded' });
});

test.concurrent('a receipt tells presence as far as anybody knows it', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet, parts } = await fleetOn(connection);
	const presence = async () => (await fleet.send(command()))[0]?.presence;
	expect(await presence()).toEqual({ status: 'unknown', since: null });

	const identity = { pid: 1, startTime: 1 };
	const lease = new Lease({
		...{ key: 'leader', holder: 'a', pidSpace: 'elsewhere', process: identity },
		...{ ttlMs: 60_000, clock: systemClock },
	});
	await lease.refresh(connection);
	expect(await presence()).toEqual({ status: 'never', since: null });
	const record = { v: 1, state: nodeState('ship1'), lastSeenAt: 1_700_000_000_000, conflict: null } as const;
	await parts.nodes.write('ship1', record, 0);
	expect(await presence()).toEqual({ status: 'absent', since: '2023-11-14T22:13:20.000Z' });
	await parts.nodes.markPresent('ship1', 4000);
	expect(await presence()).toEqual({ status: 'present', since: null });
	const absent = await eventually(async () => {
		const now = await presence();
		return now?.status === 'absent' && now;
	});
	expect(Math.abs(Date.parse(absent.since ?? '') - Date.now())).toBeLessThan(30_000);

	await lease.release(connection);
	const marker = await readEntry(connection, 'steward-leases', 'leader');
	const since = new Date(marker?.writtenAt ?? 0).toISOString();
	expect(await presence()).toEqual({ status: 'unknown', since });
});

test.concurrent('whenAbsent decides what becomes of a command for a node that is not there', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	await parts.nodes.markPresent('ship1', 60_000);
	const form = { toNode: undefined, toNodes: ['ship1', 'ship2'] };
	const { toNode: _, ...base } = command();
	const send = (whenAbsent: 'skip' | 'reject') => fleet.send({ ...base, toNodes: form.toNodes, whenAbsent });
	await expect(send('reject')).rejects.toMatchObject({ code: 'refused', details: { absent: ['ship2'] } });
	expect(await messagesOf(broker.connection, stream)).toBe(0);
	expect((await send('skip')).map(({ node }) => node)).toEqual(['ship1']);
	await parts.nodes.markAbsent('ship1');
	expect(await send('skip')).toEqual([]);
});

test.concurrent('where some of many targets fail, the error names them and the others are sent', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	const { toNode: _, ...base } = command({ id });
	await fleet.send(command({ id, toNode: 'ship2', data: 'other' }));
	await expect(fleet.send({ ...base, toNodes: ['ship1', 'ship2', 'ship3'] })).rejects.toMatchObject({
		code: 'id-conflict',
		message: expect.stringMatching(/2 of 3 sent; failed: ship2 .*id1 is safe/),
		details: { id, failed: ['ship2.id1'] },
	});
	expect(await fleet.get('ship1.id1')).toMatchObject({ state: 'queued' });
	expect(await fleet.get('ship3.id1')).toMatchObject({ state: 'queued' });
	expect(await messagesOf(broker.connection, stream)).toBe(3);
});

test.concurrent('an event is stored for its node, with the key that tells repeats', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	const [receipt] = await fleet.send({
		toNode: 'ship1',
		kind: 'event',
		method: 'textLogging',
		data: 'hello',
	});
	expect(receipt).toMatchObject({
		kind: 'event',
		state: 'waiting',
		lane: 'events',
		seq: 1,
		duplicate: false,
	});
	const stored = await broker.connection.jsm.streams.getMessage('STEWARD_EVENTS', { seq: 1 });
	expect(stored?.subject).toBe('steward.event.ship1._operator.textLogging');
	expect(stored?.header.get('Steward-Id')).toBe(receipt?.id);
	expect(stored?.header.get('Steward-Number')).toBe('1');
	await expect(
		fleet.waitDelivered(receipt as NonNullable<typeof receipt>, { timeoutMs: 50 }),
	).rejects.toMatchObject({ code: 'waited-too-long' });
});

test.concurrent('data that is too large is refused before it is sent, and the message names the limit', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	const limit = 1024 * 1024;
	const data = 'x'.repeat(limit / 2);
	const sent = broker.connection.nc.stats().outBytes;
	for (const form of [command({ data }), command({ data: '"'.repeat(limit / 4) })]) {
		await expect(fleet.send(form)).rejects.toMatchObject({
			code: 'refused',
			message: expect.stringMatching(/at most 516096 .*send where it is/),
			details: { errCode: 10054 },
		});
	}
	await expect(
		fleet.send({ toNode: 'ship1', kind: 'event', method: 'textLogging', data }),
	).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('516096') });
	expect(broker.connection.nc.stats().outBytes - sent).toBeLessThan(10_000);
	expect(await fleet.send(command({ data: 'x'.repeat(limit / 2 - 10_000) }))).toHaveLength(1);
});

test.concurrent('a full stream says so, and what was queued stays', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	await fleet.send(command());
	const { config } = await broker.connection.jsm.streams.info(stream);
	await broker.connection.jsm.streams.update(stream, { ...config, max_bytes: 1024 });
	await expect(fleet.send(command({ data: 'x'.repeat(2000) }))).rejects.toMatchObject({
		code: 'refused',
		message: expect.stringContaining('steward streams ls'),
	});
	expect(await messagesOf(broker.connection, stream)).toBe(1);
});

// Alone: a thousand questions at once are much for one process.
test('a thousand sends at once go as a few batches, and all are there', async () => {
	await using broker = await startBroker({ shards: 2 });
	const { fleet, parts } = await fleetOn(broker.connection);
	const sending = Array.from({ length: 1000 }, (_, index) =>
		fleet.send(command({ toNode: `ship${index % 20}`, id: `id${index}` })),
	);
	const receipts = (await Promise.all(sending)).flat();
	expect(receipts.map(({ handle }) => handle)).toEqual(
		Array.from({ length: 1000 }, (_, index) => `ship${index % 20}.id${index}`),
	);
	let stored = 0;
	const batches = new Map<string, number>();
	for (const shard of parts.commands.allShards) {
		const name = `STEWARD_COMMANDS_${shard}`;
		const count = await messagesOf(broker.connection, name);
		stored += count;
		for (let seq = 1; seq <= count; seq++) {
			const message = await broker.connection.jsm.streams.getMessage(name, { seq });
			const batch = message?.header.get('Nats-Batch-Id') ?? '';
			batches.set(batch, (batches.get(batch) ?? 0) + 1);
		}
	}
	expect(stored).toBe(1000);
	expect(batches.size).toBeLessThanOrEqual(20);
	// A broker that takes seconds for a batch is sent the rest one by one.
	batches.delete('');
	expect(Math.max(...batches.values())).toBeGreaterThan(100);
});

test.concurrent('a send over a restart of the broker is queued once', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	await broker.nats.kill();
	await eventually(() => !broker.connection.reach.isUp);
	const sending = fleet.send(command({ id }));
	await broker.nats.restart();
	expect(await sending).toMatchObject([{ duplicate: false, state: 'queued' }]);
	expect(await messagesOf(broker.connection, stream)).toBe(1);
});

test.concurrent('says that there is no broker, where none comes back in time', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	await broker.nats.kill();
	await eventually(() => !broker.connection.reach.isUp);
	const sending = [command(), command({ id })].map((form) =>
		expect(fleet.send(form)).rejects.toMatchObject({ code: 'no-broker', name: 'StewardError' }),
	);
	await Promise.all(sending);
});
