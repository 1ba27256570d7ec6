/**
 * Owns the faults of ships' own nats-servers: killed, stopped.
 * Promises that the server runs afterwards, on its port and its store, and touches nothing where ships have none.
 * One comes after the other, so that a server is never started twice.
 */

import type { Random } from '../random.ts';
import type { LeafWay } from '../site-leaf.ts';
import type { World } from '../world.ts';
import { anyShip, type Fault, lasting, stopAndGo } from './fault.ts';

/** @throws where the site has no leaf servers: there these faults break nothing */
function anyLeaf(world: World, random: Random) {
	const ship = anyShip(world, random);
	const { leaf }: Partial<LeafWay> = ship;
	if (!leaf) throw new Error(`${ship.name} has no server of its own: this fault is for the leaf site`);
	return { name: ship.name, leaf };
}

export const leafFaults = {
	leafKill: {
		weight: 2,
		place: 'leaf',
		async run(world, random) {
			const { name, leaf } = anyLeaf(world, random);
			await leaf.restart();
			return `${name} restarted`;
		},
	},
	leafStop: {
		weight: 1,
		place: 'leaf',
		async run(world, random, sleep) {
			const { name, leaf } = anyLeaf(world, random);
			const ms = lasting(world, random, { short: [2000, 5000], long: [5000, 60_000] });
			await stopAndGo(leaf.pid, ms, sleep);
			return name;
		},
	},
} as const satisfies Record<string, Fault>;
