/**
 * Owns the faults: what breaks, for how long, and how it heals.
 * Promises that each undoes itself, also when the run ends in the middle, and that only what the run started is touched.
 * Which fault comes when is drawn from the seed.
 */

import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { consumerName, streams } from '../../src/domain/subject.ts';
import type { Random } from './random.ts';
import type { Kept, Ship, World } from './world.ts';

/** Resolves when it has healed. `ms`: how long it lasts, where it lasts. */
export type Fault = {
	/** How often it is drawn, against the others. */
	readonly weight: number;
	run(world: World, random: Random, sleep: (ms: number) => Promise<void>): Promise<string>;
};

const anyShip = (world: World, random: Random): Ship => random.pick(world.ships);

/** Nothing there: between two starts. */
function signal(pid: number | undefined, name: NodeJS.Signals): void {
	if (pid === undefined) return;
	try {
		process.kill(pid, name);
	} catch {
		// It has ended in this moment: that is a fault as well.
	}
}

async function stopAndGo(
	pid: number | undefined,
	ms: number,
	sleep: (ms: number) => Promise<void>,
): Promise<void> {
	signal(pid, 'SIGSTOP');
	await sleep(ms);
	signal(pid, 'SIGCONT');
}

async function restartLoop(kept: Kept, random: Random, sleep: (ms: number) => Promise<void>): Promise<void> {
	for (let n = random.between(3, 5); n > 0; n--) {
		signal(kept.pid, 'SIGKILL');
		await sleep(random.between(100, 900));
	}
}

/** Children of a node that run commands now: a shell each. */
async function childrenOf(pid: number): Promise<number[]> {
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

export const faults = {
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
			const ms = random.between(2000, 8000);
			await stopAndGo(ship.process.pid, ms, sleep);
			return `${ship.name} for ${ms} ms`;
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
	centreKill: {
		weight: 2,
		async run(world) {
			signal(world.central.pid, 'SIGKILL');
			return 'central';
		},
	},
	centreStop: {
		weight: 1,
		async run(world, random, sleep) {
			const ms = random.between(2000, 6000);
			await stopAndGo(world.central.pid, ms, sleep);
			return `for ${ms} ms`;
		},
	},
	brokerKill: {
		weight: 2,
		async run(world) {
			await world.nats.restart();
			return 'restarted';
		},
	},
	brokerStop: {
		weight: 1,
		async run(world, random, sleep) {
			const ms = random.between(2000, 5000);
			await stopAndGo(world.nats.pid, ms, sleep);
			return `for ${ms} ms`;
		},
	},
	linkCut: {
		weight: 3,
		async run(world, random, sleep) {
			const ship = anyShip(world, random);
			const ms = random.between(500, 5000);
			ship.link.cut();
			await sleep(ms);
			ship.link.heal();
			return `${ship.name} for ${ms} ms`;
		},
	},
	linkBlackHole: {
		weight: 2,
		async run(world, random, sleep) {
			const ship = anyShip(world, random);
			const ms = random.between(1000, 6000);
			ship.link.blackHole();
			await sleep(ms);
			ship.link.heal();
			return `${ship.name} for ${ms} ms`;
		},
	},
	linkDropsAnswers: {
		weight: 2,
		async run(world, random, sleep) {
			const ship = anyShip(world, random);
			const ms = random.between(200, 3000);
			ship.link.dropServerToClient();
			await sleep(ms);
			ship.link.heal();
			return `${ship.name} for ${ms} ms`;
		},
	},
	linkSlow: {
		weight: 1,
		async run(world, random, sleep) {
			const ship = anyShip(world, random);
			ship.link.latency(2000);
			await sleep(6000);
			ship.link.heal();
			return `${ship.name}, 2 s each way`;
		},
	},
	consumerDeleted: {
		weight: 1,
		async run(world, random) {
			const ship = anyShip(world, random);
			const lane = random.pick(['normal', 'urgent', 'control'] as const);
			try {
				await world.raw.jsm.consumers.delete(streams.commands(0), consumerName(ship.name, lane));
				return `${ship.name}-${lane}`;
			} catch {
				return `${ship.name}-${lane} was not there, or the broker was away`;
			}
		},
	},
} as const satisfies Record<string, Fault>;
export type FaultName = keyof typeof faults;

export const faultNames = Object.keys(faults) as FaultName[];

export function drawFault(random: Random, among: readonly FaultName[]): FaultName {
	const total = among.reduce((sum, name) => sum + faults[name].weight, 0);
	let rest = random.next() * total;
	for (const name of among) {
		rest -= faults[name].weight;
		if (rest < 0) return name;
	}
	return random.pick(among);
}

/** Everything that lasts is over. */
export function healAll(world: World): void {
	signal(world.nats.pid, 'SIGCONT');
	signal(world.central.pid, 'SIGCONT');
	for (const { link, process } of world.ships) {
		link.heal();
		signal(process.pid, 'SIGCONT');
	}
}
