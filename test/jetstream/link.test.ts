import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { closeConnection, Link, openConnection } from '../../src/jetstream/connection.ts';
import { eventually } from '../support/eventually.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';
import { startNats } from '../support/nats.ts';
import { startProxy } from '../support/proxy.ts';

function linkTo(servers: readonly string[], timeoutMs = 2000): Link {
	return new Link({ servers, name: 'test', timeoutMs, clock: systemClock, log: recordingLog() });
}

const never = new AbortController().signal;

test('says at once, and what to do, when no broker answers', async () => {
	await using nats = await startNats();
	await using proxy = await startProxy(nats.port);
	proxy.cut();
	await expect(openConnection({ servers: [proxy.url], name: 'test' })).rejects.toMatchObject({
		code: 'no-broker',
		message: expect.stringContaining('steward up'),
	});
});

test('a link that starts without a broker finds it later, loses it, and finds it again', async () => {
	await using nats = await startNats();
	await using proxy = await startProxy(nats.port);
	proxy.cut();
	const link = linkTo([proxy.url]);
	const seen: string[] = [];
	link.onUp(() => seen.push('up'));
	link.onReconnect(() => seen.push('reconnect'));
	link.onDown(() => seen.push('down'));
	try {
		await link.start();
		expect(link.connection).toBeUndefined();
		proxy.heal();
		const connection = await link.whenUp(never);
		expect(await connection?.nc.rtt()).toBeGreaterThanOrEqual(0);
		expect(seen).toEqual(['up', 'reconnect']);
		await nats.kill();
		await eventually(() => link.connection === undefined);
		await nats.restart();
		await link.whenUp(never);
		expect(seen).toEqual(['up', 'reconnect', 'down', 'up', 'reconnect']);
	} finally {
		await link.stop();
	}
	expect(seen.at(-1)).toBe('down');
	await eventually(() => proxy.connections === 0);
});

test('a listener that comes late is told what is the case, and one that left is told nothing', async () => {
	await using nats = await startNats();
	const link = linkTo([nats.url]);
	let calls = 0;
	const off = link.onUp(() => calls++);
	off();
	await link.start();
	await link.whenUp(never);
	link.onUp(() => calls++);
	expect(calls).toBe(1);
	const aborted = new AbortController();
	await link.stop();
	const waiting = link.whenUp(aborted.signal);
	aborted.abort();
	expect(await waiting).toBeUndefined();
});

test('stops promptly while it dials into a black hole, and closes what it finds too late', async () => {
	await using nats = await startNats();
	await using proxy = await startProxy(nats.port);
	proxy.blackHole();
	const link = linkTo([proxy.url], 60_000);
	await link.start();
	await eventually(() => proxy.connections === 1);
	const before = performance.now();
	await link.stop();
	// The dial itself would take a minute.
	expect(performance.now() - before).toBeLessThan(30_000);
	proxy.heal();
	await eventually(() => proxy.connections === 0);
});

test('starting and stopping in any order leaves no connection', async () => {
	await using nats = await startNats();
	await using proxy = await startProxy(nats.port);
	await stressLifecycle(() => linkTo([proxy.url]), {
		afterStop: () => eventually(() => proxy.connections === 0).then(() => undefined),
	});
});

test('closing neither waits for a dead link without end nor leaves a timer', async () => {
	await using nats = await startNats();
	await using proxy = await startProxy(nats.port);
	const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
	const before = timers();
	await closeConnection(
		await openConnection({ servers: [proxy.url], name: 'test', timeoutMs: 30_000 }),
		systemClock,
	);
	await eventually(() => timers() <= before);
	const connection = await openConnection({ servers: [proxy.url], name: 'test', timeoutMs: 30_000 });
	proxy.blackHole();
	await closeConnection(connection, systemClock);
	await closeConnection(connection, systemClock);
});
