/**
 * Owns the faults of processes: nodes, their children, and centres that are killed, stopped, restarted in loops, have a
 * namesake, or a clock that jumps. Promises that what was stopped goes on, and that a namesake is gone in the end.
 * The service managers of the world start again what has ended.
 */

import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buckets } from '../../../src/domain/subject.ts';
import { bucketStream } from '../../../src/jetstream/bucket.ts';
import { leaderKey } from '../../../src/jetstream/nodes.ts';
import type { Kept } from '../kept.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import { anyShip, type Fault, lasting, type Sleep, signal, stopAndGo } from './fault.ts';

const hourMs = 3_600_000;
const stops = { short: [2000, 8000], long: [5000, 60_000] } as const;

async function restartLoop(kept: Kept, random: Random, sleep: Sleep): Promise<void> {
	for (let n = random.between(3, 5); n > 0; n--) {
		signal(kept.pid, 'SIGKILL');
		await sleep(random.between(100, 900));
	}
}

/** Children of a node that run commands now: a shell each. */
export async function childrenOf(pid: number): Promise<number[]> {
	const children: number[] = [];
	for (const name of await readdir('/proc')) {
		if (!/^\d+$/.test(name)) continue;
		try {
			const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
			if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid) children.push(Number(name));
		} catch {
			// It has ended between the listing and the look at it.
		}
	}
	return children;
}

/** The centre that leads, by the lease itself; any where the broker does not say. */
async function leader({ raw, centres }: World, random: Random): Promise<Kept> {
	try {
		const subject = `$KV.${buckets.leases}.${leaderKey}`;
		const entry = await raw.jsm.streams.getMessage(bucketStream(buckets.leases), { last_by_subj: subject });
		const holder = entry?.json<{ pid?: number }>();
		const held = centres.find(({ pid }) => pid !== undefined && pid === holder?.pid);
		if (held) return held;
	} catch {
		// The broker is away, or nobody holds it.
	}
	return random.pick(centres);
}

export const processFaults = {
	nodeKill: {
		weight: 4,
		async run(world, random) {
			const ship = anyShip(world, random);
			signal(ship.process.pid, 'SIGKILL');
			return ship.name;
		},
	},
	nodeStop: {
		weight: 2,
		async run(world, random, sleep) {
			const ship = anyShip(world, random);
			const ms = lasting(world, random, stops);
			await stopAndGo(ship.process.pid, ms, sleep);
			return `${ship.name}`;
		},
	},
	nodeRestartLoop: {
		weight: 1,
		async run(world, random, sleep) {
			const ship = anyShip(world, random);
			await restartLoop(ship.process, random, sleep);
			return ship.name;
		},
	},
	childKill: {
		weight: 2,
		async run(world, random) {
			const ship = anyShip(world, random);
			const children = ship.process.pid === undefined ? [] : await childrenOf(ship.process.pid);
			for (const child of children) signal(child, 'SIGKILL');
			return `${ship.name}, ${children.length} children`;
		},
	},
	childStop: {
		weight: 1,
		async run(world, random, sleep) {
			const ship = anyShip(world, random);
			const children = ship.process.pid === undefined ? [] : await childrenOf(ship.process.pid);
			const ms = lasting(world, random, stops);
			await Promise.all(children.map((child) => stopAndGo(child, ms, sleep)));
			return `${ship.name}, ${children.length} children`;
		},
	},
	nodeClockJump: {
		weight: 2,
		async run(world, random) {
			const ship = anyShip(world, random);
			ship.clockOffsetMs = random.pick([-hourMs, hourMs, 0]);
			ship.process.current?.setClock(ship.clockOffsetMs);
			return `${ship.name} to ${ship.clockOffsetMs / 60_000} min`;
		},
	},
	namesake: {
		weight: 1,
		place: 'namesake',
		async run(world, random, sleep) {
			const ship = anyShip(world, random);
			const dataDir = join(world.dir, `${ship.name}-namesake-${ship.folders.length}`);
			ship.folders.push(dataDir);
			ship.nameSharedAt.push(Date.now());
			const ms = lasting(world, random, { short: [2000, 6000], long: [3000, 20_000] });
			const end = random.pick(['SIGTERM', 'SIGKILL'] as const);
			try {
				await using namesake = await world.startNamesake(ship, dataDir);
				await Promise.race([sleep(ms), namesake.exited]);
				await Promise.race([namesake.kill(end), sleep(35_000)]);
				return `${ship.name} twice, ended by ${end}`;
			} catch (error) {
				return `${ship.name}: its namesake did not start: ${String(error).slice(0, 200)}`;
			}
		},
	},
	centreKill: {
		weight: 2,
		async run(world, random) {
			signal(random.pick(world.centres).pid, 'SIGKILL');
			return 'one of two';
		},
	},
	leaderKill: {
		weight: 1,
		async run(world, random) {
			signal((await leader(world, random)).pid, 'SIGKILL');
			return 'the leading centre';
		},
	},
	leaderStop: {
		weight: 2,
		async run(world, random, sleep) {
			// Longer than its lease of 3 s: the other takes over, and the first goes on in the middle of what it did.
			const ms = lasting(world, random, { short: [4000, 8000], long: [5000, 60_000] });
			await stopAndGo((await leader(world, random)).pid, ms, sleep);
			return `the leading centre`;
		},
	},
	centresKill: {
		weight: 1,
		async run(world) {
			for (const { pid } of world.centres) signal(pid, 'SIGKILL');
			return 'both';
		},
	},
	centreRestartLoop: {
		weight: 1,
		async run(world, random, sleep) {
			await restartLoop(random.pick(world.centres), random, sleep);
			return 'one of two';
		},
	},
} as const satisfies Record<string, Fault>;
