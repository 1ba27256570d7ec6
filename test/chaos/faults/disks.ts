/**
 * Owns the faults of a ship's disk: full, read-only, and the store on it torn or gone.
 * Promises that the disk works again afterwards, that a store is damaged only while its node is down, and that the ship
 * remembers when its store was lost, because what only that store knew is gone then.
 * A ship without a disk of its own has no full and no read-only one.
 */

import { eventually } from '../../support/eventually.ts';
import type { SmallDisk } from '../../support/small-disk.ts';
import { loseStore, tearStore } from '../disk.ts';
import type { Random } from '../random.ts';
import type { Ship, World } from '../world.ts';
import { anyShip, type Fault, lasting, type Sleep, signal } from './fault.ts';

const durations = { short: [1000, 4000], long: [2000, 30_000] } as const;
const noDisk = 'has no disk of its own';

/** Does this while no node of the ship runs; the service manager starts it again afterwards. */
async function whileDown<Answer>({ process }: Ship, work: () => Promise<Answer>): Promise<Answer> {
	process.hold(true);
	try {
		const isDown = () => {
			signal(process.pid, 'SIGKILL');
			return process.pid === undefined;
		};
		await eventually(isDown, { timeoutMs: 60_000, everyMs: 50, message: 'the node is down' });
		return await work();
	} finally {
		process.hold(false);
	}
}

/** False while somebody has a file open there for writing. */
async function madeReadOnly(disk: SmallDisk): Promise<boolean> {
	try {
		await disk.readOnly(true);
		return true;
	} catch {
		return false;
	}
}

/** Two at the same ship would tell each other that its disk works, or its node may start. */
const place = 'disk';

export const diskFaults = {
	diskFull: {
		weight: 2,
		place,
		async run(world: World, random: Random, sleep: Sleep) {
			const { name, disk } = anyShip(world, random);
			const ms = lasting(world, random, durations);
			if (!disk) return `${name} ${noDisk}`;
			try {
				await disk.fill();
				await sleep(ms);
			} finally {
				await disk.free();
			}
			return name;
		},
	},
	/** As a file system that was not clean after a power cut: nobody can write, and no node can start. */
	diskReadOnly: {
		weight: 1,
		place,
		async run(world, random, sleep) {
			const ship = anyShip(world, random);
			const { name, disk } = ship;
			const ms = lasting(world, random, durations);
			if (!disk) return `${name} ${noDisk}`;
			try {
				// What the node left running may still have a file open there, for as long as it likes.
				if (!(await whileDown(ship, () => madeReadOnly(disk)))) return `${name} is busy`;
				await sleep(ms);
			} finally {
				await disk.readOnly(false);
			}
			return name;
		},
	},
	storeTorn: {
		weight: 2,
		place,
		async run(world, random) {
			const ship = anyShip(world, random);
			const how = await whileDown(ship, () => tearStore(ship.dataDir, random));
			ship.storeLostAt.push(Date.now());
			return `${ship.name}: ${how}`;
		},
	},
	storeLost: {
		weight: 1,
		place,
		async run(world, random) {
			const ship = anyShip(world, random);
			await whileDown(ship, () => loseStore(ship.dataDir));
			ship.storeLostAt.push(Date.now());
			return ship.name;
		},
	},
} as const satisfies Record<string, Fault>;
