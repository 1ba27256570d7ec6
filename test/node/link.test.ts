import { expect, test } from 'vitest';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { shortenLeases } from '../support/leases.ts';
import { recordingLog } from '../support/log.ts';
import { startNats } from '../support/nats.ts';
import { startProxy } from '../support/proxy.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';

/** The second is longer than the first, so that the broker hands the command over again while it still runs. */
const ackWaitMs = 4000;
const cutMs = 8000;

for (const capacity of [1, 2]) {
	test.concurrent(`a link cut for longer than the lease during a run costs nothing: one run, its result in the ledger (capacity ${capacity})`, async () => {
		await using nats = await startNats();
		await using _central = await startCentral(nats.url);
		await using fleet = await openFleet(nats.url);
		await shortenLeases(nats.url, 'ship1', ackWaitMs, { normal: capacity });
		await using proxy = await startProxy(nats.port);
		await using dir = await tempDir();
		const effects = effectsIn(dir.path);
		const log = recordingLog();
		await using _ship = await startNode(proxy.url, 'ship1', { node: { lanes: { normal: capacity } }, log });
		await fleet.send(command('long', effects.shell('long', `${effects.gate('long')}; echo over`)));
		await fleet.send(command('next', effects.shell('next')));
		await effects.reach(capacity);
		const cutAt = performance.now();
		proxy.cut();
		// Nothing happens meanwhile that one could wait for: the cut has to last.
		await eventually(() => performance.now() - cutAt > cutMs, { everyMs: 100 });
		proxy.heal();
		const isAdopted = () => log.lines.some(({ message }) => message.includes('adopted'));
		if (capacity === 2) await eventually(isAdopted, { message: 'the redelivery is adopted' });
		await eventually(
			() => log.lines.filter(({ message }) => message === 'connected to the broker').length === 2,
		);
		await effects.open('long');
		const views = await settled(fleet, ['long', 'next']);
		expect(ends(views)).toEqual(['succeeded 1', 'succeeded 1']);
		expect(views[0]?.result?.stdout?.head).toBe('over\n');
		expect(isAdopted()).toBe(capacity === 2);
		await eventually(async () => (await fleet.queue('ship1')).length === 0);
		const words = await effects.words();
		// Two slots start side by side, in any order.
		expect(capacity === 1 ? words : words.toSorted()).toEqual(['long', 'next']);
	}, 150_000);
}

test.concurrent('an ack that is lost: the recorded outcome is told again, and the method does not run again', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using proxy = await startProxy(nats.port);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	const log = recordingLog();
	await using _ship = await startNode(proxy.url, 'ship1', { log });
	await fleet.send(command('a', effects.shell('a', `${effects.gate('a')}; echo told`)));
	await effects.reach(1);
	// What the node says goes nowhere: neither its report nor its ack arrives.
	proxy.blackHole();
	await effects.open('a');
	await eventually(() => log.lines.some(({ message }) => message === 'ended'));
	await nats.restart('SIGKILL');
	proxy.heal();
	const [a] = await settled(fleet, ['a']);
	expect(a).toMatchObject({ state: 'succeeded', attempt: 1, late: [] });
	expect(a?.result?.stdout?.head).toBe('told\n');
	await fleet.send(command('b', effects.shell('b')));
	await settled(fleet, ['b']);
	expect(await effects.words()).toEqual(['a', 'b']);
});

test.concurrent('answers that are lost while a command is claimed and settled change nothing', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using proxy = await startProxy(nats.port);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	const log = recordingLog();
	await using _ship = await startNode(proxy.url, 'ship1', { log });
	await eventually(async () => (await fleet.node('ship1'))?.lanes.every(({ status }) => status === 'ready'));
	await fleet.send(command('a', effects.shell('a', effects.gate('a'))));
	await effects.reach(1);
	await effects.open('a');
	proxy.dropServerToClient();
	await eventually(() => log.lines.some(({ message }) => message === 'ended'));
	await eventually(() => proxy.bytesLost > 0);
	proxy.heal();
	await fleet.send(command('b', effects.shell('b')));
	const views = await settled(fleet, ['a', 'b']);
	expect(views.map(({ state, attempt, late }) => `${state} ${attempt} ${late.length}`)).toEqual([
		'succeeded 1 0',
		'succeeded 1 0',
	]);
	await eventually(async () => (await fleet.queue('ship1')).length === 0);
	expect(await effects.words()).toEqual(['a', 'b']);
});

test.concurrent('a ship whose link takes seconds for a round trip connects, and does its work', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using proxy = await startProxy(nats.port);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	proxy.latency(1000);
	await using _ship = await startNode(proxy.url, 'ship1');
	await fleet.send(command('far', effects.shell('far')));
	expect(ends(await settled(fleet, ['far']))).toEqual(['succeeded 1']);
	expect(await effects.words()).toEqual(['far']);
});
