import { cp, rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type Followed, type Following, type FollowOptions, follow } from '../../src/jetstream/follow.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp.ts';
import { type Broker, startBroker } from './setup.ts';

const stream = 'STEWARD_REPORTS';

async function report(broker: Broker, ...ids: readonly string[]): Promise<void> {
	const publisher = new Publisher(broker.connection, { stream, mayLookUp: true });
	await Promise.all(
		ids.map((id) =>
			publisher.publish({ subject: `steward.report.ship1.${id}`, data: id, headers: { A: id } }),
		),
	);
}

async function followed(
	connection: Broker['connection'],
	options: Partial<FollowOptions> = {},
): Promise<Following & AsyncDisposable & { readonly ids: string[]; readonly messages: Followed[] }> {
	const messages: Followed[] = [];
	const ids: string[] = [];
	const following = await follow(
		connection,
		{ stream, filter: ['steward.report.>'], from: 'all', ...options },
		(message) => {
			messages.push(message);
			ids.push(message.subject.split('.').at(-1) ?? '');
		},
	);
	const stop = () => following.stop();
	return { caughtUp: following.caughtUp, stop, messages, ids, [Symbol.asyncDispose]: stop };
}

const numbered = (from: number, to: number) =>
	Array.from({ length: to - from }, (_, index) => `id${from + index}`);

test.concurrent('hands over what is there, says when that is all, and goes on with what comes', async () => {
	await using broker = await startBroker();
	await using empty = await followed(broker.connection);
	await empty.caughtUp;
	await report(broker, ...numbered(0, 2500));
	await using full = await followed(broker.connection);
	await full.caughtUp;
	expect(full.ids).toEqual(numbered(0, 2500));
	expect(full.messages.map(({ seq }) => seq)).toEqual(numbered(1, 2501).map((id) => Number(id.slice(2))));
	await report(broker, 'later');
	await eventually(() => full.ids.at(-1) === 'later' && empty.ids.length === 2501);
	expect(new TextDecoder().decode(full.messages.at(-1)?.data)).toBe('later');
	expect(full.messages.at(-1)?.header('A')).toBe('later');
});

test.concurrent('begins where it is told: the last of each subject, or only what is new, headers alone', async () => {
	await using broker = await startBroker();
	await report(broker, 'a', 'b');
	await report(broker, 'a');
	await using last = await followed(broker.connection, { from: 'last' });
	await using fresh = await followed(broker.connection, { from: 'new', headersOnly: true });
	await Promise.all([last.caughtUp, fresh.caughtUp]);
	expect(last.ids).toEqual(['b', 'a']);
	expect(fresh.ids).toEqual([]);
	await report(broker, 'c');
	await eventually(() => fresh.ids.length === 1 && last.ids.length === 3);
	expect(fresh.messages[0]).toMatchObject({ seq: 4, data: { length: 0 } });
	expect(fresh.messages[0]?.header('A')).toBe('c');
});

for (const from of ['all', 'last', 'new'] as const) {
	test.concurrent(`loses nothing and repeats nothing when the broker is killed (${from})`, async () => {
		await using broker = await startBroker();
		const proxy = await broker.proxy();
		const behind = await broker.connect(proxy);
		await using following = await followed(behind, { from });
		await following.caughtUp;
		// Nothing was handed over yet: what comes while the link is away must be new all the same.
		proxy.cut();
		await eventually(() => !behind.reach.isUp);
		await report(broker, 'a', 'b');
		proxy.heal();
		await eventually(() => following.ids.length === 2);
		await broker.nats.restart();
		await broker.connection.reach.whenUp(20_000);
		await report(broker, 'c');
		await eventually(() => following.ids.length >= 3);
		await report(broker, 'd');
		await eventually(() => following.ids.at(-1) === 'd');
		expect(following.ids).toEqual(['a', 'b', 'c', 'd']);
	});
}

test.concurrent('has caught up also where what was there is gone before it came', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	await report(broker, ...numbered(0, 3));
	const connection = await broker.connect(proxy);
	proxy.latency(100);
	const opening = followed(connection);
	const { jsm } = broker.connection;
	await eventually(async () => (await jsm.streams.info(stream)).state.consumer_count === 1, { everyMs: 1 });
	await jsm.streams.purge(stream);
	await using following = await opening;
	proxy.heal();
	await following.caughtUp;
});

test.concurrent('leaves no consumer at the server and no listener at the client', async () => {
	await using broker = await startBroker();
	const followings = await Promise.all(Array.from({ length: 100 }, () => followed(broker.connection)));
	await Promise.all(followings.map((following) => following.stop()));
	const { jsm } = broker.connection;
	await eventually(async () => (await jsm.streams.info(stream)).state.consumer_count === 0);
	await report(broker, 'a');
	expect(followings.flatMap(({ ids }) => ids)).toEqual([]);
});

test.concurrent('a consumer that is deleted under it is made again', async () => {
	await using broker = await startBroker();
	const { jsm } = broker.connection;
	await using following = await followed(broker.connection);
	await report(broker, 'a');
	await eventually(() => following.ids.length === 1);
	for await (const { name } of jsm.consumers.list(stream)) await jsm.consumers.delete(stream, name);
	await report(broker, 'b');
	await eventually(() => following.ids.length === 2);
	expect(following.ids).toEqual(['a', 'b']);
});

test.concurrent('a stream that was made anew is read from its beginning, after it is said', async () => {
	await using broker = await startBroker();
	const { jsm } = broker.connection;
	const { config } = await jsm.streams.info(stream);
	let resets = 0;
	await using following = await followed(broker.connection, { onReset: () => resets++ });
	await report(broker, 'a', 'b');
	await eventually(() => following.ids.length === 2);
	await jsm.streams.delete(stream);
	await jsm.streams.add(config);
	await report(broker, 'c');
	await eventually(() => following.ids.length === 3);
	expect([following.ids, resets]).toEqual([['a', 'b', 'c'], 1]);
});

test.concurrent('a stream whose store is an older one is read from its beginning, after it is said', async () => {
	await using broker = await startBroker();
	await using older = await tempDir();
	let resets = 0;
	await using following = await followed(broker.connection, { onReset: () => resets++ });
	await report(broker, 'a', 'b');
	await broker.nats.kill();
	await cp(broker.nats.storeDir, older.path, { recursive: true });
	await broker.nats.restart();
	await report(broker, 'c');
	await eventually(() => following.ids.length === 3);
	await broker.nats.kill();
	await rm(broker.nats.storeDir, { recursive: true });
	await cp(older.path, broker.nats.storeDir, { recursive: true });
	await broker.nats.restart();
	await eventually(() => following.ids.length === 5);
	expect([following.ids, resets]).toEqual([['a', 'b', 'c', 'a', 'b'], 1]);
});

test.concurrent('stops at once while the link is down, and says so when it cannot begin', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const connection = await broker.connect(proxy);
	await using following = await followed(connection);
	proxy.cut();
	await eventually(() => !connection.reach.isUp);
	const before = performance.now();
	await following.stop();
	// A question over that link is given up after ten seconds.
	expect(performance.now() - before).toBeLessThan(5000);
	await expect(followed(connection)).rejects.toMatchObject({ code: 'no-broker' });
});
