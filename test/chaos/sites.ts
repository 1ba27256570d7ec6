/**
 * Owns the list of sites and of the faults that each can have, and which fault comes next.
 * Promises that the same seed draws the same faults.
 * Each fault is in a file of its kind.
 */

import { brokerFaults } from './faults/broker.ts';
import { clusterFaults } from './faults/cluster.ts';
import { diskFaults } from './faults/disks.ts';
import type { Fault } from './faults/fault.ts';
import { hostileFaults, stopsReplicas } from './faults/hostile.ts';
import { leafFaults } from './faults/leaf.ts';
import { linkFaults } from './faults/links.ts';
import { processFaults } from './faults/processes.ts';
import type { Random } from './random.ts';
import { type Site, singleSite } from './site.ts';
import { clusterSite } from './site-cluster.ts';
import { leafSite } from './site-leaf.ts';

export type Faults = Readonly<Record<string, Fault>>;

const everywhere: Faults = { ...processFaults, ...linkFaults, ...diskFaults };
const { consumerDeleted, streamFull } = brokerFaults;

export const sites: Readonly<
	Record<string, { readonly build: () => Promise<Site>; readonly faults: Faults }>
> = {
	single: { build: singleSite, faults: { ...everywhere, ...brokerFaults, ...hostileFaults() } },
	// Servers of a cluster are away one at a time: of three, two are a majority.
	cluster: {
		build: clusterSite,
		faults: { ...everywhere, consumerDeleted, streamFull, ...clusterFaults, ...hostileFaults(stopsReplicas) },
	},
	leaf: { build: leafSite, faults: { ...everywhere, ...brokerFaults, ...leafFaults, ...hostileFaults() } },
};

/** One of these, by their weights. */
export function drawFault(random: Random, among: Faults): [string, Fault] {
	const entries = Object.entries(among);
	let rest = random.next() * entries.reduce((sum, [, { weight }]) => sum + weight, 0);
	for (const entry of entries) {
		rest -= entry[1].weight;
		if (rest < 0) return entry;
	}
	return random.pick(entries);
}
