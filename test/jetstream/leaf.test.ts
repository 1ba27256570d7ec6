import { expect, type TestContext, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Link, openConnection } from '../../src/jetstream/connection.ts';
import { ensureLaneConsumer } from '../../src/jetstream/consumers.ts';
import { getLast } from '../../src/jetstream/direct-get.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { Puller, type PullStatus } from '../../src/jetstream/pull.ts';
import { eventually } from '../support/eventually.ts';
import { hubDomain, startHub } from '../support/leaf.ts';
import { recordingLog } from '../support/log.ts';
import { openRaw } from '../support/raw.ts';

const never = new AbortController().signal;

/** Until the end of the test. */
function linkTo(url: string, { onTestFinished }: TestContext): Link {
	const link = new Link({
		servers: [url],
		domain: hubDomain,
		name: 'test',
		clock: systemClock,
		log: recordingLog(),
	});
	onTestFinished(() => link.stop());
	return link;
}

test.concurrent('a link through a leaf server is up only while the hub can be reached, and notices both within seconds', async (context) => {
	await using hub = await startHub();
	await using leaf = await hub.startLeaf('ship1');
	leaf.link.cut();
	const link = linkTo(leaf.nats.url, context);
	const seen: string[] = [];
	link.onUp(() => seen.push('up'));
	link.onDown(() => seen.push('down'));
	await link.start();
	await expect(
		openConnection({ servers: [leaf.nats.url], domain: hubDomain, name: 'test' }),
	).rejects.toMatchObject({
		code: 'no-broker',
		message: expect.stringContaining('--domain'),
	});
	expect(link.connection).toBeUndefined();
	leaf.link.heal();
	const connection = await link.whenUp(never);
	expect(connection?.api).toBe('$JS.hub.API');
	// Before anything that waits for an answer would notice.
	leaf.link.cut();
	await eventually(() => link.connection === undefined);
	expect(connection?.reach.isConnected).toBe(true);
	leaf.link.heal();
	await eventually(() => link.connection);
	await leaf.nats.restart();
	await eventually(() => seen.length === 4);
	await eventually(() => link.connection);
	expect(seen).toEqual(['up', 'down', 'up', 'down', 'up']);
});

test.concurrent('the question whether the link is there, asked every second, stays on the ship', async (context) => {
	await using hub = await startHub();
	await using leaf = await hub.startLeaf('ship1');
	await using atHub = await openRaw(hub.nats.url);
	await using atShip = await openRaw(leaf.nats.url);
	const asked = { atHub: 0, atShip: 0 };
	const count = (where: keyof typeof asked) => ({
		callback: () => {
			asked[where] += 1;
		},
	});
	atHub.nc.subscribe('$SYS.REQ.ACCOUNT.PING.STATZ', count('atHub'));
	atShip.nc.subscribe('$SYS.REQ.ACCOUNT.PING.STATZ', count('atShip'));
	// This one crosses the link: then so would any other by now.
	atHub.nc.subscribe('after', { callback: (_, message) => void message.respond() });
	await Promise.all([atHub.nc.flush(), atShip.nc.flush()]);
	const link = linkTo(leaf.nats.url, context);
	await link.start();
	await link.whenUp(never);
	await eventually(() => asked.atShip >= 2);
	await eventually(() => atShip.nc.request('after', '', { timeout: 1000 }));
	expect(asked.atHub).toBe(0);
});

test.concurrent('a pull finds its consumer across the link: not while it is missing, at once when it is made, again after a short cut', async (context) => {
	await using hub = await startHub();
	await using leaf = await hub.startLeaf('ship1');
	await using raw = await openRaw(hub.nats.url);
	const stream = 'STEWARD_COMMANDS_0';
	await raw.jsm.streams.add({ name: stream, subjects: ['steward.command.>'] });
	const link = linkTo(leaf.nats.url, context);
	const statuses: PullStatus[] = [];
	const taken: number[] = [];
	const acks: Promise<unknown>[] = [];
	const puller = new Puller({
		...{ link, consumer: 'ship1-normal', stream: () => stream, clock: systemClock },
		freeSlots: () => 5,
		onStatus: (status) => statuses.push(status),
		onDelivery: (delivery) => {
			taken.push(delivery.seq);
			acks.push(delivery.ackAck());
		},
	});
	await link.start();
	await puller.start();
	context.onTestFinished(() => puller.stop());
	await eventually(() => statuses.length > 0);
	expect(statuses).toEqual(['waiting']);
	await ensureLaneConsumer(raw.connection, { node: 'ship1', shard: 0, lane: 'normal', capacity: 5 });
	await raw.js.publish('steward.command.0.ship1.normal.ping.a');
	await eventually(() => taken.length === 1);
	expect(statuses).toEqual(['waiting', 'ready']);
	// One that is under way when the link is cut would bring the first once more, perhaps together with the second.
	await Promise.all(acks);
	// The pull that waits at the hub is lost with the link, and nobody says so.
	leaf.link.cut();
	await raw.js.publish('steward.command.0.ship1.normal.ping.b');
	leaf.link.heal();
	await eventually(() => taken.length === 2);
	await raw.jsm.consumers.delete(stream, 'ship1-normal');
	await eventually(() => statuses.at(-1) === 'waiting');
	await ensureLaneConsumer(raw.connection, { node: 'ship1', shard: 0, lane: 'normal', capacity: 5 });
	await eventually(() => taken.length === 4);
	expect(taken).toEqual([1, 2, 1, 2]);
});

test.concurrent('what a stream of the ship itself takes is not acknowledged, and buckets are written at the hub', async () => {
	await using hub = await startHub();
	await using leaf = await hub.startLeaf('ship1');
	await using atHub = await openRaw(hub.nats.url);
	await using atShip = await openRaw(leaf.nats.url);
	await using through = await openRaw(leaf.nats.url, hubDomain);
	const publisher = new Publisher(through.connection, { stream: 'REPORTS', mayLookUp: false });
	await atHub.jsm.streams.add({ name: 'REPORTS', subjects: ['steward.report.>'] });
	await atHub.jsm.streams.add({ name: 'KV_nodes', subjects: ['$KV.nodes.>'], allow_direct: true });
	const report = { subject: 'steward.report.ship1.a', data: 'x' };
	expect(await publisher.publish(report)).toEqual({ seq: 1 });
	expect(await publisher.publish({ subject: '$KV.nodes.ship1', data: 'x' })).toEqual({ seq: 1 });
	expect(await getLast(through.connection, 'KV_nodes', '$KV.nodes.ship1')).toMatchObject({ seq: 1 });
	// Where both have such a stream, it is a race whose answer comes first.
	await atShip.jsm.streams.add({ name: 'CAPTURES', subjects: ['steward.state.>'] });
	await expect(publisher.publish({ subject: 'steward.state.ship1', data: 'x' })).rejects.toMatchObject({
		kind: 'ambiguous',
		message: expect.stringContaining('ship1'),
	});
});

test.concurrent('at the hub itself, ships that come and go are no loss of the link', async (context) => {
	await using hub = await startHub();
	await using leaf = await hub.startLeaf('ship1');
	await using raw = await openRaw(leaf.nats.url, hubDomain);
	const link = linkTo(hub.nats.url, context);
	let downs = 0;
	link.onDown(() => downs++);
	await link.start();
	await link.whenUp(never);
	leaf.link.cut();
	await eventually(() => !raw.reach.isUp);
	leaf.link.heal();
	await eventually(() => raw.reach.isUp);
	expect(downs).toBe(0);
});
