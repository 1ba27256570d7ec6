/**
 * Owns the fault that is somebody with no good will: garbage on every subject while the others work and break.
 * Promises that a broker which is away in the middle is no failure of the run.
 * Nothing of it needs healing; events for nodes that do not exist stay on their stream until they are dead letters.
 */

import { messageOf } from '../../../src/base/errors.ts';
import { publishGarbage } from '../hostile.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';

/** What it needs of a world. */
type Reached = {
	readonly raw: Pick<World['raw'], 'nc'>;
	readonly ships: readonly { readonly name: string }[];
};

/** `without`: headers that are left out. */
export function hostileFaults(without: readonly string[] = []) {
	return {
		hostile: {
			weight: 1,
			async run({ raw, ships }: Reached, random: Random) {
				const names = ships.map(({ name }) => name);
				const count = random.between(200, 800);
				try {
					const { bytes, closed } = await publishGarbage(raw.nc, random, count, names, without);
					return `garbage, ${bytes} bytes; connections closed over it: ${closed}`;
				} catch (error) {
					return `garbage until the broker was away: ${messageOf(error)}`;
				}
			},
		},
	} as const satisfies Record<string, Fault>;
}

/** One message with it stops a replicated stream of nats-server 2.15.1 for good: ARCHITECTURE.md, "Clusters". */
export const stopsReplicas = ['Nats-Expected-Last-Msg-Id'] as const;
