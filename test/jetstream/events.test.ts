import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { ensureLaneConsumer } from '../../src/jetstream/consumers.ts';
import { DeadLetters } from '../../src/jetstream/dead-letters.ts';
import { type Delivery, toDelivery } from '../../src/jetstream/delivery.ts';
import { Events, readEvent } from '../../src/jetstream/events.ts';
import { eventually } from '../support/eventually.ts';
import { answerIsLost, type Broker, messagesOf, startBroker } from './setup.ts';

const stream = 'STEWARD_EVENTS';
const event = {
	node: 'ship1',
	sender: '_operator',
	method: 'textLogging',
	id: 'id1',
	data: { text: 'hello' },
};

/** Takes one event as its node would. */
async function take(broker: Broker): Promise<Delivery> {
	await ensureLaneConsumer(broker.connection, { node: 'ship1', shard: 0, lane: 'events', capacity: 1 });
	const { nc } = broker.connection;
	const request = JSON.stringify({ batch: 1, expires: 50e9 });
	const message = await nc.request(`$JS.API.CONSUMER.MSG.NEXT.${stream}.ship1-events`, request, {
		timeout: 60_000,
		noMux: true,
	});
	const delivery = toDelivery(broker.connection, message);
	if (!delivery) throw new Error('nothing was delivered');
	return delivery;
}

test('an event is read as it was sent, and waited for until its node has taken it', async () => {
	await using broker = await startBroker();
	const events = new Events(broker.connection);
	const seq = await events.publish(event);
	const waiting = events.waitDelivered({ ...event, seq }, systemClock);
	const delivery = await take(broker);
	expect(readEvent(delivery)).toEqual({ ...event, key: { epoch: expect.any(String), n: 1 } });
	await delivery.ackAck();
	await waiting;
});

test('an event that its node could not handle is told from one that was taken', async () => {
	await using broker = await startBroker();
	const events = new Events(broker.connection);
	const seq = await events.publish(event);
	const letter = {
		node: 'ship1',
		kind: 'event',
		method: 'textLogging',
		id: 'id1',
		sender: '_operator',
	} as const;
	const fault = { code: 'invalid', message: 'no text' };
	const dead = new DeadLetters(broker.connection);
	for (let repeat = 0; repeat < 2; repeat++) {
		await dead.write({ ...letter, at: 1, attempts: 1, fault, message: '{}' });
	}
	expect(await messagesOf(broker.connection, 'STEWARD_DEAD')).toBe(1);
	(await take(broker)).term('dead');
	await expect(events.waitDelivered({ ...event, seq }, systemClock)).rejects.toMatchObject({
		code: 'refused',
	});
});

test('waiting for an event outlives a restart of the broker, and ends with the connection', async () => {
	await using broker = await startBroker();
	const connection = await broker.connect();
	const events = new Events(connection);
	const seq = await events.publish(event);
	const waiting = events.waitDelivered({ ...event, seq }, systemClock);
	await broker.nats.restart();
	await broker.connection.reach.whenUp(20_000);
	await (await take(broker)).ackAck();
	await waiting;
	const forEver = events.waitDelivered({ ...event, seq: seq + 1 }, systemClock);
	const ended = expect(forEver).rejects.toMatchObject({ code: 'no-broker' });
	await connection.nc.close();
	await ended;
});

test('an event whose answer is lost is sent again under the same key', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const events = new Events(await broker.connect(proxy));
	proxy.dropServerToClient();
	const publishing = events.publish(event);
	await eventually(async () => (await messagesOf(broker.connection, stream)) === 1);
	await answerIsLost(proxy);
	proxy.heal();
	expect(await publishing).toBe(2);
	const keys = [];
	for (const seq of [1, 2]) {
		const stored = await broker.connection.jsm.streams.getMessage(stream, { seq });
		keys.push(`${stored?.header.get('Steward-Epoch')} ${stored?.header.get('Steward-Number')}`);
	}
	expect(new Set(keys).size).toBe(1);
});

test('what no sender of ours can have sent is no event: nested without end, or from nobody', () => {
	const fields: Record<string, string> = { 'Steward-Id': 'a', 'Steward-Epoch': 'e', 'Steward-Number': '1' };
	const read = (subject: string, text: string) =>
		readEvent({ subject, data: Buffer.from(text), header: (name) => fields[name] ?? '' });
	const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
	expect(read('steward.event.ship1.ship2.m', nested(400))).toMatchObject({ sender: 'ship2', method: 'm' });
	expect(read('steward.event.ship1._raw.m', 'null')).toMatchObject({ data: null });
	expect(read('steward.event.ship1.ship2.m', nested(10_000))).toBeUndefined();
	for (const [sender, method] of [
		...[
			['a/b', 'm'],
			['_other', 'm'],
			['1', 'm'],
			['n'.repeat(64), 'm'],
			['ship2', '1'],
			['ship2', 'a\u0001b'],
		],
	]) {
		expect(read(`steward.event.ship1.${sender}.${method}`, 'null')).toBeUndefined();
	}
});
