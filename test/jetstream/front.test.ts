import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { envelopeDigest, envelopeFor } from '../../src/domain/envelope.ts';
import { parseMessage } from '../../src/domain/message.ts';
import { operatorSender } from '../../src/domain/names.ts';
import { consumerName, streams, subjects } from '../../src/domain/subject.ts';
import { Commands } from '../../src/jetstream/commands.ts';
import { type Connection, Link } from '../../src/jetstream/connection.ts';
import { ensureLaneConsumer, subjectsOf } from '../../src/jetstream/consumers.ts';
import { purgeFront } from '../../src/jetstream/front.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { type Delivery, Puller } from '../../src/jetstream/pull.ts';
import { eventually } from '../support/eventually.ts';
import { startBroker } from './setup.ts';

/** Claims of two nodes in turn: `c0` of ship1, `c0` of ship2, `c1` of ship1 … */
async function publishClaims(connection: Connection, count: number): Promise<void> {
	const publisher = new Publisher(connection, { stream: streams.claims, mayLookUp: true });
	for (let place = 0; place < count; place++)
		for (const node of ['ship1', 'ship2'])
			await publisher.publish({ subject: subjects.claim(node, `c${place}`), data: '{}' });
}

async function leftOf(connection: Connection, node: string): Promise<readonly string[]> {
	const left = await subjectsOf(connection, streams.claims, subjects.claim(node, '*'));
	return left.map((subject) => subject.slice(subject.lastIndexOf('.') + 1)).sort();
}

test('what is over goes from the front of a filter, up to the first that is not; what lies between of others stays', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	await publishClaims(connection, 6);
	const asked: string[] = [];
	const front = (most: number, over: readonly string[]) =>
		purgeFront(connection, streams.claims, subjects.claim('ship1', '*'), most, ({ subject }) => {
			asked.push(subject);
			return over.some((id) => subject.endsWith(`.${id}`));
		});
	// The first is not over: what lies behind it stays as well.
	expect(await front(10, ['c1', 'c2'])).toEqual({ upTo: 0, removed: 0 });
	expect(await front(2, ['c0', 'c1', 'c2', 'c4'])).toEqual({ upTo: 3, removed: 2 });
	expect(await front(10, ['c0', 'c1', 'c2', 'c4'])).toEqual({ upTo: 5, removed: 1 });
	expect(await leftOf(connection, 'ship1')).toEqual(['c3', 'c4', 'c5']);
	expect(await leftOf(connection, 'ship2')).toHaveLength(6);
	expect(asked.every((subject) => subject.startsWith('steward.claim.ship1.'))).toBe(true);
	expect(await front(10, ['c3', 'c4', 'c5'])).toEqual({ upTo: 11, removed: 3 });
	expect(await front(10, ['c3', 'c4', 'c5'])).toEqual({ upTo: 0, removed: 0 });
});

test('what was seen too long ago removes nothing', async () => {
	await using broker = await startBroker();
	await publishClaims(broker.connection, 3);
	const began = performance.now();
	const slowly = () => {
		while (performance.now() - began < 1100);
		return true;
	};
	const front = purgeFront(broker.connection, streams.claims, subjects.claim('ship1', '*'), 10, slowly);
	await expect(front).rejects.toThrow('too old');
	expect(await leftOf(broker.connection, 'ship1')).toEqual(['c0', 'c1', 'c2']);
});

test('what a lane has to hand over again is not forgotten when what is before it goes', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const commands = new Commands(connection, 1);
	const send = (id: string) => {
		const form = { toNode: 'ship1', kind: 'command', method: 'ping', lane: 'normal' };
		const envelope = envelopeFor(parseMessage(form), 'ship1', id, operatorSender);
		return commands.enqueue(envelope, envelopeDigest(envelope), '');
	};
	const ids = ['a', 'b', 'c', 'd'];
	for (const id of ids) await send(id);
	await ensureLaneConsumer(connection, { node: 'ship1', shard: 0, lane: 'normal', capacity: 4 });
	const link = new Link({ servers: [broker.nats.url], name: 'test', clock: systemClock, log: silentLog });
	let slots = 4;
	const taken: Delivery[] = [];
	const puller = new Puller({
		...{ link, stream: () => streams.commands(0), consumer: consumerName('ship1', 'normal') },
		...{ freeSlots: () => slots, clock: systemClock },
		onDelivery: (delivery) => {
			taken.push(delivery);
			slots -= 1;
		},
	});
	await link.start();
	await puller.start();
	await eventually(() => taken.length === 4);
	// Two are done; two go back while nobody asks for more.
	for (const delivery of taken.slice(0, 2)) expect(await delivery.ackAck()).toBe(true);
	for (const delivery of taken.splice(0).slice(2)) delivery.nak();
	await link.connection?.nc.flush();
	const { removed } = await commands.purgeFront('ship1', 10, ({ id }) => id === 'a' || id === 'b');
	expect(removed).toBe(2);
	slots = 4;
	puller.poke();
	// Not after an `ack_wait` of half a minute.
	await eventually(() => taken.length === 2, { timeoutMs: 10_000 });
	expect(taken.map(({ subject, deliveries }) => [subject.at(-1), deliveries])).toEqual([
		['c', 2],
		['d', 2],
	]);
	await puller.stop();
	await link.stop();
});
