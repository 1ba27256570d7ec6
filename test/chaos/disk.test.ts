import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { hasEnded } from '../../src/domain/state.ts';
import { disposables } from '../support/disposables.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral } from '../support/fleet.ts';
import { shortenLeases } from '../support/leases.ts';
import { startNats } from '../support/nats.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { canMount } from '../support/small-disk.ts';
import { tempDir } from '../support/temp.ts';
import { shipDisk } from './disk.ts';
import { diskFaults } from './faults/disks.ts';
import { keep } from './kept.ts';
import { randomFrom } from './random.ts';
import type { World } from './world.ts';

/** One ship on a small disk of its own, as far as faults of disks need a world. */
async function smallWorld() {
	const parts = disposables();
	const nats = parts.use(await startNats());
	parts.use(await startCentral(nats.url));
	const fleet = await openFleet(nats.url);
	parts.use({ [Symbol.asyncDispose]: () => fleet.close() });
	const dir = parts.use(await tempDir());
	const dataDir = join(dir.path, 'ship0');
	await mkdir(dataDir);
	const disk = await shipDisk(dataDir);
	if (disk) parts.use(disk);
	// A full disk keeps no note of what was held: that waits out its lease.
	await shortenLeases(nats.url, 'ship0', 1000);
	const process = parts.use(keep((onSpawn) => startNodeProcess(nats.url, 'ship0', dataDir, { onSpawn })));
	const ship = { name: 'ship0', dataDir, disk, process, storeLostAt: [] as number[] };
	const world = { ships: [ship], pace: 'short' } as unknown as World;
	return {
		fleet,
		ship,
		world,
		effects: effectsIn(dir.path),
		[Symbol.asyncDispose]: parts[Symbol.asyncDispose],
	};
}

test.each(Object.entries(diskFaults))(
	'after %s the disk works, and each command ended and ran once at most',
	async (name, fault) => {
		await using small = await smallWorld();
		const { fleet, ship, world, effects } = small;
		const ids: string[] = [];
		const send = async () => {
			const id = `c${ids.length}`;
			ids.push(id);
			const form = { toNode: 'ship0', kind: 'command', method: 'shellCommand', id } as const;
			await fleet.send({ ...form, data: effects.shell(id) });
		};
		await send();
		await effects.reach(1);
		const pid = ship.process.pid;
		const what = await fault.run(world, randomFrom(3), async (ms) => {
			for (const end = performance.now() + ms; performance.now() < end; await pause(100)) await send();
		});
		await send();
		const handles = ids.map((id) => `ship0.${id}`);
		const views = await eventually(() => fleet.wait(handles, { timeoutMs: 60_000 }), { timeoutMs: 60_000 });
		expect(views.every(hasEnded)).toBe(true);
		const words = await effects.words();
		expect(new Set(words).size).toBe(words.length);
		expect(views.at(-1)?.state).toBe('succeeded');
		if (canMount || name.startsWith('store')) {
			expect(what).not.toContain('no disk');
			// It broke something: another node runs now.
			await eventually(() => ship.process.pid !== undefined && ship.process.pid !== pid);
		}
		expect(ship.storeLostAt).toHaveLength(name.startsWith('store') ? 1 : 0);
	},
	300_000,
);
