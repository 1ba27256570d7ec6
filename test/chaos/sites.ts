/**
 * Owns the list of sites, and of the faults that each can have.
 * Promises that what is broken on a site can be broken there.
 * Holds nothing; each fault is in a file of its kind.
 */

import { brokerFaults } from './faults/broker.ts';
import { clusterFaults } from './faults/cluster.ts';
import { diskFaults } from './faults/disks.ts';
import type { Fault } from './faults/fault.ts';
import { hostileFaults, stopsReplicas } from './faults/hostile.ts';
import { leafFaults } from './faults/leaf.ts';
import { linkFaults } from './faults/links.ts';
import { processFaults } from './faults/processes.ts';
import { type Site, singleSite } from './site.ts';
import { clusterSite } from './site-cluster.ts';
import { leafSite } from './site-leaf.ts';

type Faults = Readonly<Record<string, Fault>>;

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
