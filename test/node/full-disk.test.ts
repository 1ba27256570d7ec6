import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { systemCodeOf } from '../../src/base/errors.ts';
import { sendViaSocket } from '../../src/node/intake/socket-client.ts';
import { socketPathFor } from '../../src/node/intake/socket-path.ts';
import { effectsIn } from '../support/effects.ts';
import { openFleet, startCentral } from '../support/fleet.ts';
import { shortenLeases } from '../support/leases.ts';
import { startNats } from '../support/nats.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

/** A small disk of its own, which only root can make. */
async function smallDisk() {
	const dir = await tempDir();
	await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir.path]);
	const filler = join(dir.path, 'filler');
	return {
		path: dir.path,
		async fill() {
			const parts: string[] = [];
			for (let size = 256 * 1024; size >= 4096; ) {
				const part = `${filler}-${parts.length}`;
				try {
					await writeFile(part, Buffer.alloc(size));
					parts.push(part);
				} catch (error) {
					if (systemCodeOf(error) !== 'ENOSPC') throw error;
					await rm(part, { force: true });
					size /= 2;
				}
			}
			return parts;
		},
		async [Symbol.asyncDispose]() {
			await run('umount', [dir.path]);
			await dir[Symbol.asyncDispose]();
		},
	};
}

test.skipIf(!isRoot)(
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
		const fillers = await disk.fill();
		const socket = socketPathFor(disk.path, disk.path);
		const message = command('viaSocket', effects.shell('viaSocket', 'x'.repeat(200_000)));
		const patience = { timeoutMs: 5000, clock: systemClock };
		await expect(sendViaSocket(socket, message, patience)).rejects.toMatchObject({ code: 'storage' });
		await effects.open('runs');
		expect(await ship.exited).toBe(20);
		expect(ship.output()).toContain('the node must end');
		expect((await fleet.queue('ship1')).map(({ id, state }) => `${id} ${state}`)).toEqual([
			'runs running',
			'again queued',
			'waits queued',
		]);

		await Promise.all(fillers.map((part) => rm(part)));
		await using _again = await startNodeProcess(nats.url, 'ship1', disk.path);
		const views = await settled(fleet, ['runs', 'again', 'waits']);
		expect(ends(views)).toEqual(['interrupted 1', 'succeeded 1', 'succeeded 1']);
		expect(await effects.words()).toEqual(['runs', 'again', 'waits']);
	},
);

test.skipIf(isRoot)(
	'a full disk: skipped, because only root can mount the small disk that it needs',
	() => undefined,
);
