/**
 * Owns what the parts of `npm run bench:window` are told: how large a fleet, where a figure goes, and who shows how far they have come.
 * Promises the same fleet for the same plan.
 * Keeps nothing: the fleet lies in the part's own broker.
 */

import { seedFleet } from '../support/big-fleet.ts';
import type { SeededNode } from '../support/seed-plan.ts';

export type Plan = { readonly nodes: number; readonly commands: number };
export type Say = (what: string, value: number, unit: string, limit?: number) => void;
/** Tells a person how far `work` has come. */
export type Watched = <T>(
	label: string,
	total: number,
	work: (at: (done: number) => void) => Promise<T>,
) => Promise<T>;

/** The fleet of a plan, told of while it is written. */
export function seedWatched(servers: string, plan: Plan, watched: Watched): Promise<readonly SeededNode[]> {
	return watched('seeding', plan.nodes + plan.commands, (at) => seedFleet(servers, plan, at));
}
