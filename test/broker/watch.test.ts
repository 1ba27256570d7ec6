import { expect, test } from 'vitest';
import { BrokerWatch, type Health } from '../../src/broker/watch.ts';
import { manualClock } from '../support/clock.ts';
import { recordingLog } from './make-broker.ts';

const gib = 2 ** 30;

function watchOn(world: { health: Health | undefined; freeBytes: number }) {
	const clock = manualClock();
	const restarts: string[] = [];
	const lines: string[] = [];
	const watch = new BrokerWatch({
		health: async () => world.health,
		freeBytes: async () => world.freeBytes,
		restart: async (reason) => {
			restarts.push(reason);
		},
		reserveBytes: gib,
		patienceMs: 30_000,
		clock,
		log: recordingLog(lines),
	});
	return { watch, clock, restarts, lines };
}

const frozen: Health = { ok: false, reason: '/healthz says: write error' };

test('a frozen stream is healed by a restart as soon as the full disk has space again, not before', async () => {
	const world: { health: Health | undefined; freeBytes: number } = { health: frozen, freeBytes: 4096 };
	const { watch, clock, restarts } = watchOn(world);
	expect(await watch.runOnce()).toBe('no space');
	await clock.advance(3_600_000);
	expect(await watch.runOnce()).toBe('no space');
	world.freeBytes = 2 * gib;
	expect(await watch.runOnce()).toBe('restarted');
	world.health = { ok: true };
	expect(await watch.runOnce()).toBe('healthy');
	expect(restarts).toHaveLength(1);
});

test('a disk that was full is followed by a restart even if /healthz saw nothing', async () => {
	const world: { health: Health | undefined; freeBytes: number } = { health: { ok: true }, freeBytes: 0 };
	const { watch } = watchOn(world);
	expect(await watch.runOnce()).toBe('no space');
	world.freeBytes = gib;
	expect(await watch.runOnce()).toBe('restarted');
});

test('little space alone is told once and restarts nothing', async () => {
	const world: { health: Health | undefined; freeBytes: number } = {
		health: { ok: true },
		freeBytes: gib / 2,
	};
	const { watch, lines } = watchOn(world);
	expect(await watch.runOnce()).toBe('healthy');
	expect(await watch.runOnce()).toBe('healthy');
	expect(lines.filter((line) => line.includes('little disk space'))).toHaveLength(1);
	world.freeBytes = 2 * gib;
	expect(await watch.runOnce()).toBe('healthy');
	expect(lines.at(-1)).toContain('enough disk space again');
});

test('an unhealthy server gets its patience, and a fresh one after each recovery', async () => {
	const world: { health: Health | undefined; freeBytes: number } = { health: frozen, freeBytes: 2 * gib };
	const { watch, clock, restarts } = watchOn(world);
	expect(await watch.runOnce()).toBe('unhealthy');
	await clock.advance(29_000);
	world.health = { ok: true };
	expect(await watch.runOnce()).toBe('healthy');
	world.health = frozen;
	expect(await watch.runOnce()).toBe('unhealthy');
	await clock.advance(29_999);
	expect(await watch.runOnce()).toBe('unhealthy');
	await clock.advance(1);
	expect(await watch.runOnce()).toBe('restarted');
	expect(restarts).toEqual(['/healthz says: write error']);
});

test('a server that is being started is not judged', async () => {
	const world: { health: Health | undefined; freeBytes: number } = { health: undefined, freeBytes: 2 * gib };
	const { watch, clock } = watchOn(world);
	await clock.advance(60_000);
	expect(await watch.runOnce()).toBe('down');
});
