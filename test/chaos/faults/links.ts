/**
 * Owns the faults of links: cut, accepting and silent, losing answers, slow, narrow, and resetting.
 * Promises that the link passes everything again afterwards.
 * Two at one link at once end with the first that heals: that is a fault of its own.
 */

import type { Random } from '../random.ts';
import type { ShipLink } from '../site.ts';
import type { World } from '../world.ts';
import { anyShip, type Fault, lasting, type Sleep } from './fault.ts';

const durations = { short: [500, 5000], long: [1000, 45_000] } as const;
/** 64 kbit/s. */
const narrowBytes = 8000;

function atLink(weight: number, breakIt: (link: ShipLink, random: Random) => void): Fault {
	return {
		weight,
		async run(world: World, random: Random, sleep: Sleep) {
			const { name, link } = anyShip(world, random);
			const ms = lasting(world, random, durations);
			breakIt(link, random);
			try {
				await sleep(ms);
			} finally {
				link.heal();
			}
			return name;
		},
	};
}

export const linkFaults = {
	linkCut: atLink(3, (link) => link.cut()),
	linkBlackHole: atLink(2, (link) => link.blackHole()),
	linkDropsAnswers: atLink(2, (link) => link.dropServerToClient()),
	linkSlow: atLink(1, (link) => link.latency(2000)),
	linkNarrow: atLink(1, (link) => link.bandwidth(narrowBytes)),
	linkResets: atLink(2, (link, random) => link.resets(0.05, random.next)),
	allLinksCut: {
		weight: 1,
		async run(world, random, sleep) {
			const ms = lasting(world, random, durations);
			for (const { link } of world.ships) link.cut();
			try {
				await sleep(ms);
			} finally {
				for (const { link } of world.ships) link.heal();
			}
			return `${world.ships.length} ships`;
		},
	},
} as const satisfies Record<string, Fault>;
