import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Undelivered, type UndeliveredOptions } from '../../src/central/undelivered.ts';
import type { MessageForm } from '../../src/domain/message.ts';
import { streams } from '../../src/domain/subject.ts';
import type { Connection } from '../../src/jetstream/connection.ts';
import { ensureLaneConsumer } from '../../src/jetstream/consumers.ts';
import { DeadLetters } from '../../src/jetstream/dead-letters.ts';
import { toDelivery } from '../../src/jetstream/delivery.ts';
import { Events } from '../../src/jetstream/events.ts';
import { fleetOn } from '../client/setup.ts';
import { messagesOf, startBroker } from '../jetstream/setup.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { recordingLog } from '../support/log.ts';
import { startNats } from '../support/nats.ts';

const deliverWithinMs = 60_000;
const lane = { shard: 0, lane: 'events', capacity: 1 } as const;

function undelivered(connection: Connection, over: Partial<UndeliveredOptions> = {}): Undelivered {
	return new Undelivered({
		connection,
		events: new Events(connection),
		dead: new DeadLetters(connection),
		deliverWithinMs,
		serverNow: () => Date.now(),
		log: recordingLog(),
		...over,
	});
}

/** A clock by which what was sent by now is too old. */
const later = { serverNow: () => Date.now() + deliverWithinMs + 1000 };

function event(node: string, id: string) {
	return { node, sender: '_operator', method: 'textLogging', id, data: [id] };
}

/** Takes the next event of a node as it would. */
async function take({ nc }: Connection, node: string) {
	const subject = `$JS.API.CONSUMER.MSG.NEXT.${streams.events}.${node}-events`;
	return nc.request(subject, JSON.stringify({ batch: 1, expires: 50e9 }), { timeout: 60_000, noMux: true });
}

test('what nobody took in time becomes a dead letter and goes; what was taken goes; what is young stays', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet } = await fleetOn(connection);
	const events = new Events(connection);
	await ensureLaneConsumer(connection, { node: 'ship1', ...lane });
	await events.publish(event('ship1', 'taken'));
	await events.publish(event('ship1', 'waits'));
	await events.publish(event('nobody', 'waits'));
	await toDelivery(connection, await take(connection, 'ship1'))?.ackAck();
	expect(await undelivered(connection).runOnce()).toBe(0);
	expect(await messagesOf(connection, streams.events)).toBe(3);

	expect(await undelivered(connection, later).runOnce()).toBe(3);
	expect(await messagesOf(connection, streams.events)).toBe(0);
	const letters = await fleet.dead.list({ code: 'undelivered' });
	expect(letters.map(({ handle }) => handle).sort()).toEqual(['nobody.waits', 'ship1.waits']);
	const [letter] = await fleet.dead.get('ship1.waits');
	expect(letter).toMatchObject({
		...{ kind: 'event', method: 'textLogging', sender: '_operator', attempts: 0, kept: 'whole' },
		...{ fault: { code: 'undelivered', message: 'ship1 did not take it within 1m' }, message: '["waits"]' },
	});
	const [outcome] = await fleet.dead.replay(['ship1.waits']);
	expect(outcome?.outcome).toBe('replayed');
	expect(await messagesOf(connection, streams.events)).toBe(1);
});

test('stops at the first young event', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const events = new Events(connection);
	await events.publish(event('ship1', 'old'));
	const old = await events.next(1);
	// The server's times: the second is stored in a later millisecond.
	await eventually(async () => {
		const seq = await events.publish(event('ship1', 'young'));
		const young = await events.next(seq);
		if (young && old && young.storedAt > old.storedAt) return true;
		await events.remove(seq);
		return false;
	});
	const serverNow = () => (old?.storedAt ?? 0) + deliverWithinMs;
	expect(await undelivered(connection, { serverNow }).runOnce()).toBe(1);
	expect(await messagesOf(connection, streams.events)).toBe(1);
});

test('a crash between the letter and the removal leaves both, and the next round completes it', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet } = await fleetOn(connection);
	const events = new Events(connection);
	for (const id of ['a', 'b']) await events.publish(event('ship1', id));
	const dies = {
		next: (from: number) => events.next(from),
		remove: () => Promise.reject(new Error('died')),
	};
	expect(await undelivered(connection, { ...later, events: dies }).runOnce()).toBe(0);
	expect(await fleet.dead.count()).toBe(2);
	expect(await messagesOf(connection, streams.events)).toBe(2);
	expect(await undelivered(connection, later).runOnce()).toBe(2);
	expect(await fleet.dead.count()).toBe(2);
	expect(await messagesOf(connection, streams.events)).toBe(0);
});

test('one whose letter cannot be written stays, and keeps no other', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const events = new Events(connection);
	const seqs = [];
	for (const id of ['a', 'b', 'c']) seqs.push(await events.publish(event('ship1', id)));
	const letters = new DeadLetters(connection);
	const dead = {
		write: (letter: Parameters<DeadLetters['write']>[0]) =>
			letter.id === 'b' ? Promise.reject(new Error('no room')) : letters.write(letter),
	};
	expect(await undelivered(connection, { ...later, dead }).runOnce()).toBe(2);
	expect((await events.next(1))?.seq).toBe(seqs[1]);
});

test('two events of one id are two letters, and each is told to whom waits for it', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet } = await fleetOn(connection);
	const events = new Events(connection);
	const first = await events.publish({ ...event('ship1', 'same'), data: [1] });
	await undelivered(connection, later).runOnce();
	const second = await events.publish({ ...event('ship1', 'same'), data: [2] });
	const waiting = events.waitDelivered({ ...event('ship1', 'same'), seq: second }, systemClock, 0);
	await expect(waiting).rejects.toMatchObject({ code: 'waited-too-long' });
	await undelivered(connection, later).runOnce();
	const letters = await fleet.dead.list();
	expect(letters).toHaveLength(2);
	const messages = await Promise.all(letters.map(({ handle }) => fleet.dead.get(handle)));
	expect(messages.map(([letter]) => letter?.message).sort()).toEqual(['[1]', '[2]']);
	for (const seq of [first, second]) {
		await expect(
			events.waitDelivered({ ...event('ship1', 'same'), seq }, systemClock, 20_000),
		).rejects.toMatchObject({ code: 'refused' });
	}
});

test('a centre buries what is too old by its setting, and a wait for it ends; what comes later is delivered', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url, { eventDeliverWithinMs: 3000, sweepEveryMs: 100 });
	await using fleet = await openFleet(nats.url);
	const form: MessageForm = { toNode: 'ship1', kind: 'event', method: 'textLogging', data: ['x\n'] };
	const [receipt] = await fleet.send(form);
	if (!receipt) throw new Error('no receipt');
	await expect(fleet.waitDelivered(receipt, { timeoutMs: 60_000 })).rejects.toMatchObject({
		code: 'refused',
		message: expect.stringContaining(`steward dead show ${receipt.handle}`),
	});
	await using _ship = await startNode(nats.url, 'ship1');
	await eventually(async () => (await fleet.node('ship1'))?.lanes.every(({ status }) => status === 'ready'));
	const [next] = await fleet.send(form);
	if (next) await fleet.waitDelivered(next, { timeoutMs: 60_000 });
	// Now the ack floor is above the first one as well, and it is still told as what it is.
	await expect(fleet.waitDelivered(receipt, { timeoutMs: 60_000 })).rejects.toMatchObject({
		code: 'refused',
	});
});
