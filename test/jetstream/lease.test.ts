import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { type ProcessIdentity, processIdentity } from '../../src/base/process.ts';
import { readEntry } from '../../src/jetstream/bucket.ts';
import { Lease } from '../../src/jetstream/lease.ts';
import { manualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { answerIsLost, startBroker } from './setup.ts';

function self(): ProcessIdentity {
	const identity = processIdentity(process.pid);
	if (!identity) throw new Error('this process is not there');
	return identity;
}

function leaseOf(
	holder: string,
	options: { clock?: Clock; ttlMs?: number; process?: ProcessIdentity; pidSpace?: string } = {},
): Lease {
	return new Lease({
		key: 'leader',
		holder,
		pidSpace: options.pidSpace ?? 'here',
		process: options.process ?? self(),
		ttlMs: options.ttlMs ?? 60_000,
		clock: options.clock ?? systemClock,
	});
}

test('one holds it, renews it and gives it back, and the marker tells since when nobody does', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const [first, second] = [leaseOf('a'), leaseOf('b')];
	expect(first.held).toBe(false);
	expect([await first.refresh(connection), await second.refresh(connection)]).toEqual([true, false]);
	expect([await first.refresh(connection), await second.refresh(connection)]).toEqual([true, false]);
	await second.release(connection);
	expect(first.held).toBe(true);
	await first.release(connection);
	expect(first.held).toBe(false);
	expect(await readEntry(connection, 'steward-leases', 'leader')).toMatchObject({ gone: true });
	expect(await second.refresh(connection)).toBe(true);
	expect(await first.refresh(connection)).toBe(false);
});

test('of contenders at once, one wins', async () => {
	await using broker = await startBroker();
	const connections = await Promise.all(Array.from({ length: 5 }, () => broker.connect()));
	const leases = connections.map((_, index) => leaseOf(`holder${index}`));
	for (let round = 0; round < 10; round++) {
		const won = await Promise.all(
			leases.map((lease, index) => lease.refresh(connections[index] ?? broker.connection)),
		);
		expect(won.filter(Boolean)).toHaveLength(1);
		expect(leases.filter(({ held }) => held)).toHaveLength(1);
		await Promise.all(leases.map((lease) => lease.release(broker.connection)));
	}
});

test('who cannot renew it stands down by its own clock before another can take it', async () => {
	await using broker = await startBroker();
	const clock = manualClock();
	const lease = leaseOf('a', { clock, ttlMs: 60_000, pidSpace: 'elsewhere' });
	expect(await lease.refresh(broker.connection)).toBe(true);
	await clock.advance(39_999);
	clock.jump(-3_600_000);
	expect(lease.held).toBe(true);
	await clock.advance(1);
	expect(lease.held).toBe(false);
	expect(await leaseOf('b').refresh(broker.connection)).toBe(false);
	// It is still its own to take again.
	expect(await lease.refresh(broker.connection)).toBe(true);
});

test('a machine that was suspended stands down before it does anything else', async () => {
	await using broker = await startBroker();
	const clock = manualClock();
	const lease = leaseOf('a', { clock });
	expect(await lease.refresh(broker.connection)).toBe(true);
	// Only the wall clock tells of the time that has passed.
	clock.jump(59_000);
	expect([lease.held, lease.heldForMs]).toEqual([false, 0]);
	expect(await lease.refresh(broker.connection)).toBe(true);
	// One that was put back gives nobody more time.
	clock.jump(-3_600_000);
	expect(lease.heldForMs).toBe(40_000);
});

test('after its time to live another takes it', async () => {
	await using broker = await startBroker();
	const lost = leaseOf('a', { ttlMs: 1000, pidSpace: 'elsewhere' });
	expect(await lost.refresh(broker.connection)).toBe(true);
	const next = leaseOf('b', { ttlMs: 1000 });
	expect(await next.refresh(broker.connection)).toBe(false);
	await eventually(() => next.refresh(broker.connection));
	expect(lost.held).toBe(false);
	expect(await lost.refresh(broker.connection)).toBe(false);
});

test('a holder that died on this machine is followed at once, one that lives or is elsewhere is not', async () => {
	await using broker = await startBroker();
	const child = spawn('sleep', ['600']);
	try {
		await once(child, 'spawn');
		const process = processIdentity(child.pid ?? 0);
		if (!process) throw new Error('the child is not there');
		expect(await leaseOf('a', { process }).refresh(broker.connection)).toBe(true);
		const next = leaseOf('b');
		expect(await next.refresh(broker.connection)).toBe(false);
		child.kill('SIGKILL');
		await once(child, 'exit');
		expect(await leaseOf('c', { pidSpace: 'elsewhere' }).refresh(broker.connection)).toBe(false);
		expect(await next.refresh(broker.connection)).toBe(true);
	} finally {
		child.kill('SIGKILL');
	}
});

test('a renewal whose answer is lost counts as none, and does not cost the lease', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const connection = await broker.connect(proxy);
	const clock = manualClock();
	const lease = leaseOf('a', { clock });
	expect(await lease.refresh(connection)).toBe(true);
	const before = await readEntry(broker.connection, 'steward-leases', 'leader');
	await clock.advance(30_000);
	proxy.dropServerToClient();
	const refreshing = lease.refresh(connection);
	await eventually(async () => {
		const entry = await readEntry(broker.connection, 'steward-leases', 'leader');
		return entry?.revision !== before?.revision;
	});
	await answerIsLost(proxy);
	proxy.heal();
	expect(await refreshing).toBe(true);
	await clock.advance(5000);
	expect(lease.held).toBe(true);
	// Renewed over the revision whose number it was never told, without standing down in between.
	expect(await lease.refresh(connection)).toBe(true);
	await clock.advance(39_000);
	expect(lease.held).toBe(true);
	await lease.release(connection);
	expect(await leaseOf('b').refresh(connection)).toBe(true);
});
