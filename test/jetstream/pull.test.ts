import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { type Connection, Link } from '../../src/jetstream/connection.ts';
import { ensureLaneConsumer } from '../../src/jetstream/consumers.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { type Delivery, Puller, type PullStatus } from '../../src/jetstream/pull.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';
import { type Broker, startBroker } from './setup.ts';

const stream = 'STEWARD_COMMANDS_0';
const lane = { node: 'ship1', shard: 0, lane: 'normal' } as const;

type Setup = AsyncDisposable & {
	readonly link: Link;
	readonly puller: Puller;
	readonly deliveries: Delivery[];
	readonly statuses: PullStatus[];
	readonly clock: ManualClock;
	/** Slots of the lane, running deliveries not taken off: the test says how many are free. */
	slots: number;
};

/** A puller whose clock stands still unless the test moves it; the link's runs. */
async function startPuller(url: string, slots: number): Promise<Setup> {
	const link = new Link({ servers: [url], name: 'test', clock: systemClock, log: recordingLog() });
	const deliveries: Delivery[] = [];
	const statuses: PullStatus[] = [];
	const clock = manualClock();
	const setup: Setup = {
		link,
		deliveries,
		statuses,
		clock,
		slots,
		puller: new Puller({
			link,
			stream: () => stream,
			consumer: 'ship1-normal',
			freeSlots: () => setup.slots,
			onDelivery: (delivery) => {
				setup.slots -= 1;
				deliveries.push(delivery);
			},
			onStatus: (status) => statuses.push(status),
			clock,
		}),
		async [Symbol.asyncDispose]() {
			await setup.puller.stop();
			await link.stop();
			expect(clock.pending).toBe(0);
		},
	};
	await link.start();
	await link.whenUp(new AbortController().signal);
	await setup.puller.start();
	return setup;
}

async function enqueue(connection: Connection, from: number, count: number): Promise<void> {
	const publisher = new Publisher(connection, { stream, mayLookUp: true });
	await Promise.all(
		Array.from({ length: count }, (_, index) =>
			publisher.publish({ subject: `steward.command.0.ship1.normal.a.id${from + index}`, data: 'x' }),
		),
	);
}

async function consumerOf(broker: Broker) {
	return broker.connection.jsm.consumers.info(stream, 'ship1-normal');
}

const idsOf = (deliveries: readonly Delivery[]) => deliveries.map(({ subject }) => subject.split('.').at(-1));

test('takes exactly as many messages as there are free slots, and more when some come free', async () => {
	await using broker = await startBroker();
	await ensureLaneConsumer(broker.connection, { ...lane, capacity: 8 });
	await enqueue(broker.connection, 1, 20);
	await using setup = await startPuller(broker.nats.url, 3);
	await eventually(() => setup.deliveries.length === 3);
	expect(await consumerOf(broker)).toMatchObject({ num_ack_pending: 3, num_waiting: 0, num_pending: 17 });
	setup.slots = 2;
	setup.puller.poke();
	setup.puller.poke();
	await eventually(() => setup.deliveries.length === 5);
	expect(await consumerOf(broker)).toMatchObject({ num_ack_pending: 5, num_waiting: 0, num_pending: 15 });
	expect(idsOf(setup.deliveries)).toEqual(['id1', 'id2', 'id3', 'id4', 'id5']);
	expect(setup.deliveries[0]).toMatchObject({ seq: 1, deliveries: 1 });
	expect(await setup.deliveries[0]?.ackAck()).toBe(true);
	expect(await consumerOf(broker)).toMatchObject({ num_ack_pending: 4, ack_floor: { stream_seq: 1 } });
});

test('a few slots that come free are asked for with the next ones, and none stays empty for that', async () => {
	await using broker = await startBroker();
	await ensureLaneConsumer(broker.connection, { ...lane, capacity: 8 });
	await using setup = await startPuller(broker.nats.url, 8);
	await eventually(async () => (await consumerOf(broker)).num_waiting === 1);
	setup.slots = 10;
	setup.puller.poke();
	await setup.link.connection?.nc.flush();
	expect((await consumerOf(broker)).num_waiting).toBe(1);
	await enqueue(broker.connection, 1, 20);
	await eventually(() => setup.deliveries.length === 10);
	expect(setup.slots).toBe(0);
});

test('several pulls that wait together never take more than there are slots', async () => {
	await using broker = await startBroker();
	await ensureLaneConsumer(broker.connection, { ...lane, capacity: 8 });
	await using setup = await startPuller(broker.nats.url, 2);
	for (const slots of [3, 4]) {
		setup.slots = slots;
		setup.puller.poke();
	}
	// A pull of two and two of one: the server serves them in turns.
	await eventually(async () => (await consumerOf(broker)).num_waiting === 3);
	await enqueue(broker.connection, 1, 3);
	await eventually(() => setup.deliveries.length === 3);
	setup.puller.poke();
	await enqueue(broker.connection, 4, 6);
	await eventually(() => setup.deliveries.length === 4);
	expect(setup.slots).toBe(0);
	expect(await consumerOf(broker)).toMatchObject({ num_ack_pending: 4, num_waiting: 0, num_pending: 5 });
});

test('a missing consumer is said once, and one that is made is found soon', async () => {
	await using broker = await startBroker();
	await using setup = await startPuller(broker.nats.url, 1);
	await eventually(() => setup.statuses.length === 1);
	for (let retry = 0; retry < 5; retry++) {
		await eventually(() => setup.clock.pending === 2);
		await setup.clock.advance(5000);
	}
	expect(setup.statuses).toEqual(['waiting']);
	await ensureLaneConsumer(broker.connection, { ...lane, capacity: 1 });
	setup.puller.poke();
	await eventually(() => setup.statuses.length === 2);
	expect(setup.statuses).toEqual(['waiting', 'ready']);
	await enqueue(broker.connection, 1, 1);
	await eventually(() => setup.deliveries.length === 1);
});

test('a consumer that is deleted under it is said, and found when it is made again', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	await ensureLaneConsumer(connection, { ...lane, capacity: 1 });
	await using setup = await startPuller(broker.nats.url, 1);
	await eventually(() => setup.statuses.at(-1) === 'ready');
	await connection.jsm.consumers.delete(stream, 'ship1-normal');
	await eventually(() => setup.statuses.at(-1) === 'waiting');
	await ensureLaneConsumer(connection, { ...lane, capacity: 1 });
	await enqueue(connection, 1, 1);
	await eventually(() => setup.clock.pending === 2);
	await setup.clock.advance(5000);
	await eventually(() => setup.deliveries.length === 1);
	expect(setup.statuses).toEqual(['ready', 'waiting', 'ready']);
});

test('goes on after the broker was killed, on the same consumer', async () => {
	await using broker = await startBroker();
	await ensureLaneConsumer(broker.connection, { ...lane, capacity: 8 });
	await using setup = await startPuller(broker.nats.url, 3);
	await enqueue(broker.connection, 1, 1);
	await eventually(() => setup.deliveries.length === 1);
	await setup.deliveries[0]?.ackAck();
	await broker.nats.restart();
	await setup.link.whenUp(new AbortController().signal);
	await enqueue(broker.connection, 2, 5);
	await eventually(() => setup.deliveries.length === 3);
	// An ack that the broker had not written down when it was killed is forgotten: then the first one comes again.
	const ids = idsOf(setup.deliveries);
	expect([...new Set(ids)]).toEqual(ids[1] === 'id1' ? ['id1', 'id2'] : ['id1', 'id2', 'id3']);
	await eventually(async () => (await consumerOf(broker)).num_waiting === 0);
});

test('pulls that a silent link swallowed are made again, and take no more than the slots', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	await ensureLaneConsumer(broker.connection, { ...lane, capacity: 8 });
	await using setup = await startPuller(proxy.url, 3);
	await eventually(async () => (await consumerOf(broker)).num_waiting === 1);
	proxy.blackHole();
	// Neither word nor heartbeat for 25 s: the pull is given up and another one is made.
	for (let beat = 0; beat < 3; beat++) await setup.clock.advance(10_000);
	proxy.heal();
	// The server has heard that the old one is given up.
	await setup.link.connection?.nc.flush();
	await enqueue(broker.connection, 1, 10);
	await eventually(() => setup.deliveries.length === 3);
	await eventually(async () => (await consumerOf(broker)).num_waiting === 0);
	expect(setup.deliveries).toHaveLength(3);
	expect((await consumerOf(broker)).num_ack_pending).toBe(3);
});

test('an idle pull is made again when its time is over, and heartbeats keep it', async () => {
	await using broker = await startBroker();
	await ensureLaneConsumer(broker.connection, { ...lane, capacity: 8 });
	await using setup = await startPuller(broker.nats.url, 2);
	await eventually(async () => (await consumerOf(broker)).num_waiting === 1);
	await setup.clock.advance(20_000);
	expect((await consumerOf(broker)).num_waiting).toBe(1);
	await setup.clock.advance(10_000);
	await eventually(async () => (await consumerOf(broker)).num_waiting === 1);
});

test('delivers nothing after stop, and everything again when it is started', async () => {
	await using broker = await startBroker();
	await ensureLaneConsumer(broker.connection, { ...lane, capacity: 8 });
	await using setup = await startPuller(broker.nats.url, 2);
	await eventually(async () => (await consumerOf(broker)).num_waiting === 1);
	await setup.puller.stop();
	await eventually(async () => (await consumerOf(broker)).num_waiting === 0);
	await enqueue(broker.connection, 1, 4);
	setup.puller.poke();
	expect(await consumerOf(broker)).toMatchObject({ num_ack_pending: 0, num_pending: 4 });
	expect(setup.deliveries).toEqual([]);
	await setup.puller.start();
	await eventually(() => setup.deliveries.length === 2);
});

test('what is handed back comes again after its delay, what is ended does not', async () => {
	await using broker = await startBroker();
	await ensureLaneConsumer(broker.connection, { ...lane, capacity: 8 });
	await enqueue(broker.connection, 1, 3);
	await using setup = await startPuller(broker.nats.url, 3);
	await eventually(() => setup.deliveries.length === 3);
	const [first, second, third] = setup.deliveries;
	const handedBackAt = performance.now();
	first?.nak(400.5);
	second?.term('poison');
	third?.nak();
	setup.slots = 3;
	setup.puller.poke();
	await eventually(() => setup.deliveries.length === 5);
	expect(idsOf(setup.deliveries.slice(3))).toEqual(['id3', 'id1']);
	expect(performance.now() - handedBackAt).toBeGreaterThan(350);
	expect(setup.deliveries.slice(3).map(({ deliveries }) => deliveries)).toEqual([2, 2]);
	expect(await consumerOf(broker)).toMatchObject({ num_ack_pending: 2 });
});

test('its answers do nothing on a closed connection, and do not throw', async () => {
	await using broker = await startBroker();
	await ensureLaneConsumer(broker.connection, { ...lane, capacity: 8 });
	await enqueue(broker.connection, 1, 1);
	await using setup = await startPuller(broker.nats.url, 1);
	await eventually(() => setup.deliveries.length === 1);
	await setup.link.stop();
	const [delivery] = setup.deliveries;
	delivery?.working();
	delivery?.nak(1000);
	delivery?.term('late');
	delivery?.ack();
	expect(await delivery?.ackAck()).toBe(false);
});

test('starting and stopping in any order leaves no pull at the server', async () => {
	await using broker = await startBroker();
	await ensureLaneConsumer(broker.connection, { ...lane, capacity: 8 });
	await using setup = await startPuller(broker.nats.url, 2);
	await stressLifecycle(() => setup.puller, {
		afterStop: async () => {
			await eventually(async () => (await consumerOf(broker)).num_waiting === 0);
		},
	});
});
