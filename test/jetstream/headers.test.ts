import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { streamsDir } from '../../src/base/package.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import { Link } from '../../src/jetstream/connection.ts';
import { ensureCentreConsumer } from '../../src/jetstream/consumers.ts';
import {
	firstFrom,
	getAt,
	getFromLeader,
	getLast,
	getLastOfMany,
	getNext,
} from '../../src/jetstream/direct-get.ts';
import { type Followed, follow } from '../../src/jetstream/follow.ts';
import { headersOf } from '../../src/jetstream/headers.ts';
import { type Delivery, Puller } from '../../src/jetstream/pull.ts';
import { applyTopology } from '../../src/jetstream/topology.ts';
import { eventually } from '../support/eventually.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { openRawPublisher } from '../support/raw-publisher.ts';

/** Blocks that the server stores, and the client throws at or is misled by. */
const blocks = [
	'NATS/1.0\r\na b: c\r\n\r\n',
	'NATS/1.0\r\n\u0001: c\r\n\r\n',
	'NATS/1.0\r\nx: a\rb\r\n\r\n',
	'NATS/1.0\r\n\u00e9: c\r\n\r\n',
	'NATS/1.0 404\r\n\r\n',
	'NATS/1.0 503 no responders\r\n\r\n',
	'NATS/1.0\r\nNats-Sequence: 999\r\nNats-Subject: steward.event.ship2.evil.m\r\nNats-Time-Stamp: never\r\n\r\n',
	'NATS/1.0\r\na b: c\r\nNats-Sequence: 999\r\n\r\n',
	'NATS/1.0\r\nNats-Num-Pending: 999\r\n\r\n',
	'NATS/1.0',
	'no headers at all',
];

/** One message for each block, an empty one and one with a body; another one at the end. */
async function stored() {
	const nats = await startNats();
	const raw = await openRaw(nats.url);
	await applyTopology(raw.connection, { dir: streamsDir });
	await using publisher = await openRawPublisher(raw.nc.getServer());
	const sent = [...blocks, 'NATS/1.0\r\ngood: yes\r\n\r\n'].flatMap((headers, index) =>
		['', 'body'].map((body) => ({
			subject: subjects.event('ship1', `s${index}`, `m${body}`),
			headers,
			body,
		})),
	);
	for (const message of sent) publisher.publish(message);
	expect(await publisher.flush()).toBe(true);
	await eventually(async () => (await raw.jsm.streams.info(streams.events)).state.messages === sent.length);
	return {
		...{ nats, raw, sent },
		[Symbol.asyncDispose]: async () => {
			await raw[Symbol.asyncDispose]();
			await nats[Symbol.asyncDispose]();
		},
	};
}

test('direct gets answer with what the server says of a message, whatever headers its sender wrote', async () => {
	await using broker = await stored();
	const { connection } = broker.raw;
	const all = subjects.allEvents;
	for (const [index, { subject, body }] of broker.sent.entries()) {
		const seq = index + 1;
		const found = [
			await getLast(connection, streams.events, subject),
			await getAt(connection, streams.events, seq),
			await getNext(connection, streams.events, all, seq),
			await getFromLeader(connection, streams.events, { seq }),
		];
		const { first, count } = await firstFrom(connection, streams.events, all, seq);
		expect(count).toBe(broker.sent.length - index);
		for (const one of [...found, first]) {
			expect(one).toMatchObject({ seq, subject });
			expect(one?.header('Steward-Id')).toBe('');
			expect(String(Buffer.from(one?.data ?? []))).toBe(body);
			expect(Math.abs((one?.storedAt ?? 0) - systemClock.now())).toBeLessThan(60_000);
		}
	}
	const many = await getLastOfMany(connection, streams.events, [all]);
	expect(many.map(({ seq, subject }) => [seq, subject])).toEqual(
		broker.sent.map(({ subject }, index) => [index + 1, subject]),
	);
});

test('whoever pulls or follows gets every message, and reads on', async () => {
	await using broker = await stored();
	const { connection } = broker.raw;
	const followed: Followed[] = [];
	const options = { stream: streams.events, filter: [subjects.allEvents], from: 'all' } as const;
	const following = await follow(connection, options, (message) => followed.push(message));
	await following.caughtUp;
	await following.stop();
	await ensureCentreConsumer(connection, streams.events, 'test');
	const link = new Link({ servers: [broker.nats.url], name: 'test', clock: systemClock, log: silentLog });
	const pulled: Delivery[] = [];
	const puller = new Puller({
		...{ link, consumer: 'test', clock: systemClock },
		stream: () => streams.events,
		freeSlots: () => 3,
		onDelivery: (delivery) => {
			pulled.push(delivery);
			delivery.ack();
			puller.poke();
		},
	});
	await link.start();
	await puller.start();
	await eventually(() => pulled.length === broker.sent.length);
	await puller.stop();
	await link.stop();
	for (const got of [followed, pulled]) {
		expect(got.map(({ seq, subject }) => [seq, subject])).toEqual(
			broker.sent.map(({ subject }, index) => [index + 1, subject]),
		);
		expect(got.at(-1)?.header('good')).toBe('yes');
	}
});

test('bytes that are no UTF-8 in a subject hide no header', async () => {
	await using broker = await startNats();
	await using raw = await openRaw(broker.url);
	const found: string[] = [];
	raw.nc.subscribe('x.>', { callback: (_error, message) => void found.push(headersOf(message).get('A')) });
	await raw.nc.flush();
	await using publisher = await openRawPublisher(raw.nc.getServer());
	for (const count of [1, 20]) {
		const subject = Buffer.concat([Buffer.from('x.'), Buffer.alloc(count, 0xff)]);
		publisher.publish({ subject, headers: 'NATS/1.0\r\nA: b\r\n\r\n', body: 'hi' });
	}
	await eventually(() => found.length === 2);
	expect(found).toEqual(['b', 'b']);
});

test('of a name that stands there often the last value counts, in whatever letters it is written', async () => {
	await using broker = await startNats();
	await using raw = await openRaw(broker.url);
	const found: (name: string) => string = await new Promise((resolve) => {
		raw.nc.subscribe('x', { callback: (_error, message) => resolve(headersOf(message).get) });
		void raw.nc.flush().then(async () => {
			await using publisher = await openRawPublisher(raw.nc.getServer());
			const lines = [
				'é: 1',
				'A: ä',
				'AB: no',
				'A: first',
				'B: A: no',
				'A:  schöner Gruß €😀 ',
				'C:',
				'D: end',
			];
			publisher.publish({ subject: 'x', headers: `NATS/1.0\r\n${lines.join('\r\n')}\r\n\r\n`, body: 'ü' });
			await publisher.flush();
		});
	});
	expect(['A', 'AB', 'B', 'C', 'D', 'none'].map(found)).toEqual([
		'schöner Gruß €😀',
		'no',
		'A: no',
		'',
		'end',
		'',
	]);
});
