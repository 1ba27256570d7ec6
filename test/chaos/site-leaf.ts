/**
 * Owns a site where each ship has a nats-server of its own: a leaf of the hub, behind a link that can be broken.
 * Promises the files of deploy/leaf, and that a ship's node reaches the hub through its leaf server only.
 * Everything of it is gone when it is disposed of.
 */

import { hubDomain, startHub } from '../support/leaf.ts';
import type { Nats } from '../support/nats.ts';
import type { ShipWay, Site } from './site.ts';

/** The link is the one between leaf and hub. */
export type LeafWay = ShipWay & { readonly leaf: Nats };

export async function leafSite(): Promise<Site> {
	const hub = await startHub();
	const leaves: Nats[] = [];
	return {
		servers: hub.nats.url,
		brokers: [hub.nats],
		centre: {},
		async shipWay(name): Promise<LeafWay> {
			const { nats: leaf, link } = await hub.startLeaf(name);
			leaves.push(leaf);
			return { servers: leaf.url, config: { domain: hubDomain }, link, leaf };
		},
		async heal() {
			for (const { pid } of leaves) process.kill(pid, 'SIGCONT');
		},
		[Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
	};
}
