import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredMsg } from '@nats-io/jetstream';
import { expect, test, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { StewardError } from '../../src/base/errors.ts';
import { packageRoot } from '../../src/base/package.ts';
import { parseMessage } from '../../src/domain/message.ts';
import { streams } from '../../src/domain/subject.ts';
import { closeConnection, Link, openConnection } from '../../src/jetstream/connection.ts';
import { largestBody } from '../../src/jetstream/limits.ts';
import { applyTopology } from '../../src/jetstream/topology.ts';
import { Outbox, type OutboxOptions } from '../../src/node/store/outbox.ts';
import { Store, type Writes } from '../../src/node/store/store.ts';
import { disposables } from '../support/disposables.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';
import { type Nats, startNats } from '../support/nats.ts';
import { roomy } from '../support/outbox.ts';
import { startProxy } from '../support/proxy.ts';
import { tempDir } from '../support/temp.ts';

function item(id: string, data: unknown, toNode = 'ship2') {
	return {
		id,
		message: parseMessage({ toNode, kind: 'event', method: 'textLogging', data: data as string }),
	};
}

/** Store, link and outbox of ship1 in a folder. */
async function makeOutbox(nats: Pick<Nats, 'url'>, dir: string, limits: Partial<OutboxOptions> = {}) {
	const log = recordingLog();
	const store = new Store(join(dir, 'store'), systemClock);
	const link = new Link({ servers: [nats.url], name: 'ship1', clock: systemClock, log });
	const undeliverable: string[] = [];
	const onUndeliverable = (what: string) => undeliverable.push(what);
	const outbox = new Outbox({
		...roomy,
		node: 'ship1',
		store,
		link,
		onUndeliverable,
		clock: systemClock,
		log,
		...limits,
	});
	const stop = async () => {
		await outbox.stop();
		await link.stop();
		await store.stop();
	};
	return { store, link, outbox, undeliverable, log, stop, [Symbol.asyncDispose]: stop };
}

type Parts = Awaited<ReturnType<typeof makeOutbox>>;

async function admin(nats: Nats) {
	const connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	const messages = async (stream: string) => {
		const { state } = await connection.jsm.streams.info(stream);
		const found: StoredMsg[] = [];
		for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++) {
			const message = await connection.jsm.streams.getMessage(stream, { seq });
			if (message) found.push(message);
		}
		return found;
	};
	const bodies = async (stream: string) => (await messages(stream)).map((message) => message.string());
	const times = async (stream: string) => (await messages(stream)).map(({ time }) => time.getTime());
	return { connection, bodies, times, [Symbol.asyncDispose]: () => closeConnection(connection, systemClock) };
}

async function withTopology(nats: Nats) {
	const tools = await admin(nats);
	await applyTopology(tools.connection, { dir: join(packageRoot, 'streams') });
	return tools;
}

/** A broker with its streams, and an outbox that is up on it, through a link that can be broken. `prepare` comes before it starts. */
async function outboxOnBroker(
	limits: Partial<OutboxOptions> = {},
	prepare: (parts: Parts) => void = () => undefined,
) {
	const things = disposables();
	const nats = things.use(await startNats());
	const tools = things.use(await withTopology(nats));
	const dir = things.use(await tempDir());
	const proxy = things.use(await startProxy(nats.port));
	const parts = things.use(await makeOutbox(proxy, dir.path, limits));
	prepare(parts);
	for (const service of [parts.store, parts.link, parts.outbox]) await service.start();
	await parts.link.whenUp(new AbortController().signal);
	return { ...parts, tools, proxy, [Symbol.asyncDispose]: () => things[Symbol.asyncDispose]() };
}

test('sends in order what was accepted while the broker was away, also over a restart', async () => {
	await using nats = await startNats();
	await using tools = await withTopology(nats);
	await using dir = await tempDir();
	await nats.kill();
	await using first = await makeOutbox(nats, dir.path);
	for (const service of [first.store, first.link, first.outbox]) await service.start();
	const count = 700;
	const numbers = Array.from({ length: count }, (_, n) => n);
	await Promise.all(numbers.slice(0, 600).map((n) => first.outbox.accept([item(`e${n}`, String(n))])));
	expect(first.outbox.depth).toBe(600);
	await first.stop();
	await using second = await makeOutbox(nats, dir.path);
	for (const service of [second.store, second.link, second.outbox]) await service.start();
	await Promise.all(numbers.slice(600).map((n) => second.outbox.accept([item(`e${n}`, String(n))])));
	await nats.restart();
	await eventually(() => second.outbox.depth === 0);
	const bodies = await eventually(() => tools.bodies(streams.events));
	expect(bodies).toEqual(numbers.map((n) => JSON.stringify(String(n))));
});

test('what is new goes out at once and is not read again, unless it is more than may be under way: then in order all the same', async () => {
	await using parts = await outboxOnBroker();
	const { tools } = parts;
	const read = vi.spyOn(parts.store, 'range');
	for (let n = 0; n < 5; n += 1) await parts.outbox.accept([item(`e${n}`, String(n))]);
	expect(read).not.toHaveBeenCalled();
	const rest = Array.from({ length: 700 }, (_, n) => item(`e${n + 5}`, String(n + 5)));
	const together = rest.slice(0, 600);
	await Promise.all([
		parts.outbox.accept(together),
		...rest.slice(600).map((one) => parts.outbox.accept([one])),
	]);
	await eventually(() => parts.outbox.depth === 0);
	expect(read).toHaveBeenCalled();
	const bodies = await eventually(() => tools.bodies(streams.events));
	expect(bodies).toEqual(Array.from({ length: 705 }, (_, n) => JSON.stringify(String(n))));
});

test('what was written although its sender was told otherwise goes out, before what comes after it', async () => {
	await using parts = await outboxOnBroker();
	const { tools } = parts;
	const toDisk = parts.store.commit.bind(parts.store);
	const commit = vi.spyOn(parts.store, 'commit');
	commit.mockImplementationOnce(async (collect) => {
		await toDisk((writes) =>
			collect({
				put: (table, key, value) => writes.put(table, key, value),
				remove: (table, key) => writes.remove(table, key),
				whenOnDisk: () => undefined,
			}),
		);
		throw new StewardError('storage', 'the disk does not answer');
	});
	await expect(parts.outbox.accept([item('e1', 'first')])).rejects.toMatchObject({ code: 'storage' });
	await parts.outbox.accept([item('e2', 'second')]);
	await eventually(() => parts.outbox.depth === 0);
	expect(await tools.bodies(streams.events)).toEqual(['"first"', '"second"']);
});

test('waits longer for a word that comes late, instead of saying the same for ever', async () => {
	await using parts = await outboxOnBroker({ answerWithinMs: 100 });
	const { tools, proxy } = parts;
	proxy.latency(250);
	await parts.outbox.accept([item('e1', 'late')]);
	await eventually(() => parts.outbox.depth === 0);
	// After 100, 200 and 400 ms no word had come; it takes half a second.
	const bodies = await eventually(() => tools.bodies(streams.events));
	expect(bodies.length).toBeGreaterThan(1);
	expect(bodies.length).toBeLessThan(8);
});

test('a stream that is full keeps its messages in the outbox, and delays no other stream', async () => {
	await using nats = await startNats();
	await using tools = await withTopology(nats);
	await using dir = await tempDir();
	await using parts = await makeOutbox(nats, dir.path);
	for (const service of [parts.store, parts.link, parts.outbox]) await service.start();
	await tools.connection.jsm.streams.update(streams.events, { max_bytes: 2000 });
	const items = Array.from({ length: 600 }, (_, n) => item(`e${n}`, 'x'.repeat(100)));
	await parts.outbox.accept(items);
	await eventually(() => parts.log.lines.some(({ message }) => message.includes('waits')));
	await parts.store.commit((writes) => {
		parts.outbox.addReport(writes, 'a', { event: 'succeeded', at: 1, attempts: [], facts });
	});
	await eventually(async () => (await tools.bodies(streams.reports)).length === 1);
	expect(parts.outbox.depth).toBeGreaterThan(500);
	await tools.connection.jsm.streams.update(streams.events, { max_bytes: 100_000_000 });
	await eventually(() => parts.outbox.depth === 0);
	expect((await tools.connection.jsm.streams.info(streams.events)).state.messages).toBe(600);
});

test('before it runs and after it was stopped it refuses, and no number is given twice', async () => {
	await using nats = await startNats();
	await using tools = await withTopology(nats);
	await using dir = await tempDir();
	await using first = await makeOutbox(nats, dir.path);
	await first.store.start();
	await expect(first.outbox.accept([item('early', 'early')])).rejects.toMatchObject({ code: 'refused' });
	await first.outbox.start();
	await first.outbox.accept([item('one', 'one')]);
	await first.outbox.stop();
	await expect(first.outbox.accept([item('late', 'late')])).rejects.toMatchObject({ code: 'refused' });
	await first.stop();
	await using second = await makeOutbox(nats, dir.path);
	await second.store.start();
	await expect(second.outbox.accept([item('early', 'early')])).rejects.toMatchObject({ code: 'refused' });
	await second.outbox.start();
	await second.outbox.accept([item('two', 'two')]);
	await expect(second.outbox.accept([item('big', 'x'.repeat(1024 * 1024))])).rejects.toMatchObject({
		code: 'refused',
	});
	await second.link.start();
	await eventually(() => second.outbox.depth === 0);
	expect(await tools.bodies(streams.events)).toEqual(['"one"', '"two"']);
});

test('what is larger than the broker takes is set aside and told, and what is behind it goes out', async () => {
	await using dir = await tempDir();
	const config = join(dir.path, 'small.conf');
	const shipped = await readFile(join(packageRoot, 'nats-server.conf'), 'utf8');
	await writeFile(config, shipped.replace(/^max_payload:.*$/m, 'max_payload: 64KB'));
	await using nats = await startNats({ config });
	await using _central = await startCentral(nats.url);
	await using atCentral = await startNode(nats.url, 'central');
	await nats.kill();
	const log = recordingLog();
	await using ship = await startNode(nats.url, 'ship1', { log });
	const form = (text: string) => ({ toNode: 'central', kind: 'event', method: 'textLogging', data: [text] });
	const inmsg = [form('before'), form('x'.repeat(100_000)), form('after')]
		.map((one) => JSON.stringify(one))
		.join('\n');
	await writeFile(join(ship.dataDir, 'inmsg.txt'), inmsg);
	await eventually(
		async () => (await readFile(join(ship.dataDir, 'inmsg.txt'), 'utf8').catch(() => '')) === '',
	);
	await nats.restart();
	const logged = (name: string) => readFile(join(atCentral.dataDir, 'logs', name), 'utf8').catch(() => '');
	await eventually(async () => (await logged('ship1.log')) === 'before\nafter\n');
	await eventually(async () => (await logged('errors.jsonl')).includes('at most 65536 can be taken'), {
		timeoutMs: 60_000,
	});
	expect(log.lines.some(({ level, message }) => level === 'error' && message.includes('never be sent'))).toBe(
		true,
	);
	await ship.stop();
	const store = new Store(join(ship.dataDir, 'store'), systemClock);
	await store.start();
	expect(store.count('undeliverable')).toBe(1);
	await store.stop();
	await using fleet = await openFleet(nats.url);
	expect((await fleet.nodes()).length).toBe(2);
});

test('accepts what the centre can queue, and refuses what it cannot, at once', async () => {
	await using nats = await startNats();
	await using _tools = await withTopology(nats);
	await using dir = await tempDir();
	await using parts = await makeOutbox(nats, dir.path);
	for (const service of [parts.store, parts.link, parts.outbox]) await service.start();
	const largest = largestBody(1024 * 1024);
	await expect(parts.outbox.accept([item('big', 'x'.repeat(largest))])).rejects.toMatchObject({
		code: 'refused',
	});
	await parts.outbox.accept([item('fits', 'x'.repeat(largest - 4096))]);
	await eventually(() => parts.outbox.depth === 0);
	expect(parts.undeliverable).toEqual([]);
});

test('survives starts and stops in any order', async () => {
	await using nats = await startNats();
	await using _tools = await withTopology(nats);
	await using dir = await tempDir();
	await using parts = await makeOutbox(nats, dir.path);
	await parts.store.start();
	await parts.link.start();
	await stressLifecycle(() => parts.outbox);
});

const facts = {
	method: 'm',
	lane: 'normal',
	sender: 's',
	digest: '',
	seq: 1,
	queuedAt: 1,
	deliverWithinMs: null,
} as const;

function addReports({ store, outbox }: Pick<Parts, 'store' | 'outbox'>, count: number): Promise<void> {
	return store.commit((writes) => {
		for (let n = 0; n < count; n += 1)
			outbox.addReport(writes, `r${n}`, { event: 'succeeded', at: n, attempts: [], facts });
	});
}

test('what is written of a confirmed report is there when the report has left the outbox, never before', async () => {
	await using parts = await outboxOnBroker({}, ({ outbox }) =>
		outbox.onConfirmed((writes, id) => writes.put('meta', `confirmed ${id}`, outbox.depth)),
	);
	const { store, outbox } = parts;
	const seen: (readonly [number, boolean])[] = [];
	await addReports(parts, 3);
	await eventually(() => {
		const marks = [...store.range('meta', { start: 'confirmed', end: 'confirmed~' })].length;
		seen.push([marks, outbox.depth + marks === 3]);
		return marks === 3;
	});
	expect(seen.every(([, isWhole]) => isWhole)).toBe(true);
});

test('a command whose reports leave together is told of once, so that nothing overwrites what was written of it', async () => {
	const told: { writes: Writes; id: string }[] = [];
	await using parts = await outboxOnBroker({}, ({ outbox }) =>
		outbox.onConfirmed((writes, id) => told.push({ writes, id })),
	);
	const { store, outbox } = parts;
	await store.commit((writes) => {
		for (const id of ['r1', 'r2', 'r1', 'r1'])
			outbox.addReport(writes, id, { event: 'succeeded', at: 1, attempts: [], facts });
	});
	await eventually(() => outbox.depth === 0);
	for (const { writes, id } of told)
		expect(told.filter((other) => other.writes === writes && other.id === id)).toHaveLength(1);
	expect(new Set(told.map(({ id }) => id))).toEqual(new Set(['r1', 'r2']));
});

test('what was under way when the link was lost is said again by the next one alone, and gives its room back once', async () => {
	await using parts = await outboxOnBroker();
	const { outbox, tools, proxy } = parts;
	proxy.latency(250);
	await addReports(parts, 50);
	expect(outbox.bytes.reportedBytes).toBeGreaterThan(0);
	proxy.cut();
	proxy.heal();
	proxy.latency(0);
	await eventually(() => outbox.depth === 0);
	// Whoever else would have said them has had its answers by then.
	await addReports(parts, 1);
	await eventually(() => outbox.depth === 0 && outbox.bytes.reportedBytes === 0);
	expect((await tools.bodies(streams.reports)).length).toBeLessThanOrEqual(101);
});

test('what the broker has and the disk still holds is not said again by the next link', async () => {
	await using parts = await outboxOnBroker();
	const { store, link, outbox, tools, proxy } = parts;
	let removes: () => void = () => undefined;
	const gate = new Promise<void>((resolve) => {
		removes = resolve;
	});
	const lazily = store.commitLazily.bind(store);
	const removing = vi.spyOn(store, 'commitLazily').mockImplementationOnce(async (collect) => {
		await gate;
		await lazily(collect);
	});
	await addReports(parts, 3);
	await eventually(() => removing.mock.calls.length > 0);
	const before = proxy.accepted;
	proxy.cut();
	proxy.heal();
	await eventually(() => proxy.accepted > before);
	await link.whenUp(new AbortController().signal);
	await addReports(parts, 2);
	await eventually(() => outbox.depth === 3);
	removes();
	// The room is given back a moment after the disk has let go.
	await eventually(() => outbox.depth === 0 && outbox.bytes.reportedBytes === 0);
	expect(await tools.bodies(streams.reports)).toHaveLength(5);
});

test('what the disk refused takes no room', async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	await nats.kill();
	const bounds = { maxBytes: 250_000, maxReportBytes: 20_000 };
	await using parts = await makeOutbox(nats, dir.path, { bounds });
	await parts.store.start();
	await parts.outbox.start();
	const commit = vi.spyOn(parts.store, 'commit');
	for (let n = 0; n < 5; n += 1) {
		commit.mockImplementationOnce((collect) => {
			collect({ put: () => undefined, remove: () => undefined, whenOnDisk: () => undefined });
			return Promise.reject(new StewardError('storage', 'the disk is full'));
		});
		const refused = parts.outbox.accept([item(`e${n}`, 'x'.repeat(100_000))]);
		await expect(refused).rejects.toMatchObject({ code: 'storage' });
	}
	await expect(parts.outbox.accept([item('e9', 'x'.repeat(100_000))])).resolves.toHaveLength(1);
});

test('a full outbox refuses what programs send, never a report, and takes more when some of it is out', async () => {
	await using nats = await startNats();
	await using tools = await withTopology(nats);
	await using dir = await tempDir();
	await nats.kill();
	const bounds = { maxBytes: 1_000_000, maxReportBytes: 20_000 };
	const fill = async (parts: Awaited<ReturnType<typeof makeOutbox>>) => {
		let taken = 0;
		for (let n = 0; n < 20; n += 1) {
			const accepting = parts.outbox.accept([item(`e${n}`, 'x'.repeat(100_000))]);
			const isTaken = await accepting.then(
				() => true,
				(error: unknown) => {
					expect(error).toMatchObject({
						code: 'refused',
						details: { reason: 'outboxFull', temporary: true },
					});
					return false;
				},
			);
			if (isTaken) taken += 1;
		}
		return taken;
	};
	await using first = await makeOutbox(nats, dir.path, { bounds });
	for (const service of [first.store, first.link, first.outbox]) await service.start();
	expect(await fill(first)).toBe(9);
	const told: boolean[] = [];
	first.outbox.onFull(() => told.push(first.outbox.isFull));
	await addReports(first, 200);
	expect(first.outbox.depth).toBe(209);
	expect(told).toEqual([true]);
	await first.stop();
	// What is on disk counts after a start as well.
	await using second = await makeOutbox(nats, dir.path, { bounds });
	for (const service of [second.store, second.link, second.outbox]) await service.start();
	expect(await fill(second)).toBe(0);
	expect(second.outbox.isFull).toBe(true);
	await nats.restart();
	await eventually(() => second.outbox.depth === 0);
	expect(second.outbox.isFull).toBe(false);
	expect(await eventually(() => tools.bodies(streams.reports), { timeoutMs: 60_000 })).toHaveLength(200);
	expect(await tools.bodies(streams.events)).toHaveLength(9);
	await second.outbox.accept([item('more', 'x'.repeat(900_000 / 2))]);
	// Control: where there is room, the same are all taken.
	await nats.kill();
	await using other = await tempDir();
	await using wide = await makeOutbox(nats, other.path, {});
	for (const service of [wide.store, wide.link, wide.outbox]) await service.start();
	expect(await fill(wide)).toBe(20);
});

test('what is accepted goes out no faster than the budget, in order, reports first', async () => {
	await using nats = await startNats();
	await using tools = await withTopology(nats);
	const run = async (uplink: OutboxOptions['uplink']) => {
		await using dir = await tempDir();
		await using parts = await makeOutbox(nats, dir.path, { uplink });
		await parts.store.start();
		await parts.outbox.start();
		await parts.outbox.accept(Array.from({ length: 120 }, (_, n) => item(`e${n}`, String(n))));
		await addReports(parts, 80);
		await parts.link.start();
		await eventually(() => parts.link.connection !== undefined && parts.outbox.depth === 0);
		const reports = await tools.times(streams.reports);
		const events = await tools.times(streams.events);
		expect(reports).toHaveLength(80);
		const bodies = await tools.bodies(streams.events);
		expect(bodies).toEqual(Array.from({ length: 120 }, (_, n) => JSON.stringify(String(n))));
		for (const stream of [streams.events, streams.reports]) await tools.connection.jsm.streams.purge(stream);
		// By the broker's clock: what this test sees of it depends on what else the machine does.
		const lastReport = Math.max(...reports);
		return {
			tookMs: Math.max(...events, lastReport) - Math.min(...events, ...reports),
			eventsBefore: events.filter((time) => time < lastReport).length,
		};
	};
	// 200 messages, of which one second's worth may go at once.
	const slow = await run({ messagesPerSecond: 80, bytesPerSecond: 1e9 });
	expect(slow.tookMs).toBeGreaterThan(1300);
	expect(slow.eventsBefore).toBeLessThan(60);
	const thin = await run({ messagesPerSecond: 1e6, bytesPerSecond: 20_000 });
	expect(thin.tookMs).toBeGreaterThan(1000);
	// Control.
	const free = await run(roomy.uplink);
	expect(free.tookMs).toBeLessThan(Math.min(slow.tookMs, thin.tookMs));
});
