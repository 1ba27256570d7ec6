import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { sendViaSocket } from '../../src/node/intake/socket-client.ts';
import { socketPathFor } from '../../src/node/intake/socket-path.ts';
import { Store } from '../../src/node/store/store.ts';
import { effectsIn } from '../support/effects.ts';
import { openFleet, startCentral } from '../support/fleet.ts';
import { shortenLeases } from '../support/leases.ts';
import { startNats } from '../support/nats.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { canMount, mountSmallDisk } from '../support/small-disk.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';

async function smallDisk() {
	const dir = await tempDir();
	const disk = await mountSmallDisk(dir.path);
	return {
		...disk,
		async [Symbol.asyncDispose]() {
			await disk[Symbol.asyncDispose]();
			await dir[Symbol.asyncDispose]();
		},
	};
}

test.skipIf(!canMount)(
	'a full disk ends the node with nothing acknowledged; with space and a restart all is done once',
	async () => {
		await using nats = await startNats();
		await using _central = await startCentral(nats.url);
		await using fleet = await openFleet(nats.url);
		await using dir = await tempDir();
		await using disk = await smallDisk();
		const effects = effectsIn(dir.path);
		await shortenLeases(nats.url, 'ship1', 1000);
		await using ship = await startNodeProcess(nats.url, 'ship1', disk.path, {
			node: { shutdownGraceMs: 1000 },
		});
		const loud = 'head -c 400000 /dev/urandom | base64; head -c 400000 /dev/urandom | base64 >&2';
		await fleet.send(command('runs', effects.shell('runs', `${effects.gate('runs')}; ${loud}`)));
		await fleet.send(command('again', effects.shell('again'), { onInterrupt: 'rerun', attempts: 2 }));
		await fleet.send(command('waits', effects.shell('waits')));
		await effects.reach(1);
		await disk.fill();
		const socket = socketPathFor(disk.path, disk.path);
		const message = command('viaSocket', effects.shell('viaSocket', 'x'.repeat(200_000)));
		const patience = { timeoutMs: 60_000, clock: systemClock };
		await expect(sendViaSocket(socket, message, patience)).rejects.toMatchObject({ code: 'storage' });
		await effects.open('runs');
		expect(await ship.exited).toBe(20);
		expect(ship.output()).toContain('the node must end');
		expect((await fleet.queue('ship1')).map(({ id, state }) => `${id} ${state}`)).toEqual([
			'runs running',
			'again queued',
			'waits queued',
		]);

		await disk.free();
		await using _again = await startNodeProcess(nats.url, 'ship1', disk.path);
		const views = await settled(fleet, ['runs', 'again', 'waits']);
		expect(ends(views)).toEqual(['interrupted 1', 'succeeded 1', 'succeeded 1']);
		expect(await effects.words()).toEqual(['runs', 'again', 'waits']);
	},
);

const nobody = 'nats://127.0.0.1:1';

test.skipIf(!canMount)(
	'a node does not start on a full or read-only disk, takes no good store for a damaged one, and goes on afterwards',
	async () => {
		await using disk = await smallDisk();
		const data = join(disk.path, 'store', 'data.mdb');
		{
			await using first = await startNodeProcess(nobody, 'ship1', disk.path);
			const patience = { timeoutMs: 60_000, clock: systemClock };
			await sendViaSocket(socketPathFor(disk.path, disk.path), command('owed', ['true']), patience);
			await first.kill();
		}
		const before = await readFile(data);
		const refuses = async () => {
			await expect(startNodeProcess(nobody, 'ship1', disk.path)).rejects.toThrow(/storage: .*cannot be/);
			expect(before.equals(await readFile(data))).toBe(true);
			expect(await readdir(disk.path)).not.toContainEqual(expect.stringContaining('damaged'));
		};
		await disk.fill();
		await refuses();
		// It has to be made anew, and lmdb maps it: without space that kills whoever writes into it.
		await rm(join(disk.path, 'store', 'lock.mdb'));
		await disk.fill();
		await refuses();
		await disk.free();
		await disk.readOnly(true);
		await refuses();
		await disk.readOnly(false);
		await using again = await startNodeProcess(nobody, 'ship1', disk.path);
		expect(await again.kill('SIGTERM')).toBe(0);
		const store = new Store(join(disk.path, 'store'), systemClock);
		await store.start();
		expect(store.count('outbox')).toBe(1);
		await store.stop();
	},
);

test.skipIf(canMount)(
	'a full or read-only disk: skipped, because only root can mount the small disk that it needs',
	() => undefined,
);
