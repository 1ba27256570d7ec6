/**
 * Owns the site of a cluster: three brokers that hold every stream together, and for each ship a link of its own to each.
 * Promises that a ship's link breaks and heals as one, and that no broker tells a ship of a way around it.
 * A broker that was killed is there again, and current, when the site has healed.
 */

import { type Cluster, startCluster } from '../support/cluster.ts';
import { disposables } from '../support/disposables.ts';
import { startProxy } from '../support/proxy.ts';
import type { ShipLink, Site } from './site.ts';

export type ClusterSite = Site & { readonly cluster: Cluster };

export async function clusterSite(): Promise<ClusterSite> {
	const parts = disposables();
	const cluster = parts.use(await startCluster());
	return {
		cluster,
		servers: cluster.servers,
		brokers: cluster.members,
		centre: { replicas: 3 },
		async shipWay() {
			const links = await Promise.all(cluster.members.map(({ port }) => startProxy(port)));
			for (const link of links) parts.use(link);
			return { servers: links.map(({ url }) => url).join(','), config: {}, link: together(links) };
		},
		heal: () => cluster.whenCurrent({ timeoutMs: 120_000 }),
		[Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
	};
}

/** The links of one ship: what happens to one happens to all. */
function together(links: readonly ShipLink[]): ShipLink {
	const each = (does: (link: ShipLink) => void) => links.forEach(does);
	return {
		cut: () => each((link) => link.cut()),
		blackHole: () => each((link) => link.blackHole()),
		dropServerToClient: () => each((link) => link.dropServerToClient()),
		latency: (ms) => each((link) => link.latency(ms)),
		resets: (probability, random) => each((link) => link.resets(probability, random)),
		bandwidth: (bytesPerSecond) => each((link) => link.bandwidth(bytesPerSecond)),
		heal: () => each((link) => link.heal()),
	};
}
