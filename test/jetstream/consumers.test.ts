import { expect, test } from 'vitest';
import {
	ackFloor,
	ensureCentreConsumer,
	ensureLaneConsumer,
	subjectsOf,
} from '../../src/jetstream/consumers.ts';
import { eventually } from '../support/eventually.ts';
import { startBroker } from './setup.ts';

const stream = 'STEWARD_COMMANDS_0';
const wanted = { node: 'ship1', shard: 0, lane: 'normal', capacity: 1 } as const;

test('a lane’s consumer is made once, as a soft one that loses no message and is never removed', async () => {
	await using broker = await startBroker();
	const { jsm } = broker.connection;
	expect(await ensureLaneConsumer(broker.connection, wanted)).toBe('made');
	expect(await ensureLaneConsumer(broker.connection, wanted)).toBe('there');
	const { config } = await jsm.consumers.info(stream, 'ship1-normal');
	expect(config).toMatchObject({
		durable_name: 'ship1-normal',
		filter_subject: 'steward.command.0.ship1.normal.>',
		ack_policy: 'explicit',
		ack_wait: 30e9,
		max_deliver: -1,
		max_ack_pending: 1,
		num_replicas: 1,
	});
	expect(config.inactive_threshold ?? 0).toBe(0);
	expect(config.backoff).toBeUndefined();
});

test('another capacity changes what may be under way, and nothing else', async () => {
	await using broker = await startBroker();
	const { jsm } = broker.connection;
	await ensureLaneConsumer(broker.connection, wanted);
	const before = await jsm.consumers.info(stream, 'ship1-normal');
	expect(await ensureLaneConsumer(broker.connection, { ...wanted, capacity: 8 })).toBe('made');
	expect(await ensureLaneConsumer(broker.connection, { ...wanted, capacity: 8 })).toBe('there');
	const after = await jsm.consumers.info(stream, 'ship1-normal');
	expect(after.config).toEqual({ ...before.config, max_ack_pending: 32 });
	expect(after.created).toBe(before.created);
});

test('events have a consumer on their own stream, a centre its own over a whole stream', async () => {
	await using broker = await startBroker();
	const { jsm } = broker.connection;
	await ensureLaneConsumer(broker.connection, { ...wanted, lane: 'events' });
	const events = await jsm.consumers.info('STEWARD_EVENTS', 'ship1-events');
	expect(events.config.filter_subject).toBe('steward.event.ship1.>');
	expect(await ensureCentreConsumer(broker.connection, 'STEWARD_REPORTS', '_projector')).toBe(true);
	expect(await ensureCentreConsumer(broker.connection, 'STEWARD_REPORTS', '_projector')).toBe(false);
	expect(await ackFloor(broker.connection, 'STEWARD_REPORTS', '_projector')).toBe(0);
	expect(await ackFloor(broker.connection, 'STEWARD_REPORTS', '_nobody')).toBe(0);
});

test('of several that make the same consumer at once, none fails', async () => {
	await using broker = await startBroker();
	const connections = await Promise.all(Array.from({ length: 4 }, () => broker.connect()));
	await Promise.all(connections.map((connection) => ensureLaneConsumer(connection, wanted)));
	const { state } = await broker.connection.jsm.streams.info(stream);
	expect(state.consumer_count).toBe(1);
});

test('what a stream holds is asked for again when the answer is lost', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const connection = await broker.connect(proxy);
	await broker.connection.js.publish('steward.event.ship1.1.e1', 'x');
	proxy.dropServerToClient();
	const held = subjectsOf(connection, 'STEWARD_EVENTS', '>');
	await eventually(() => proxy.bytesLost > 0);
	proxy.heal();
	expect(await held).toEqual(['steward.event.ship1.1.e1']);
});
