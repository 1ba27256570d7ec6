/**
 * Owns a site whose every link is tapped: those of the ships, and the one that all centres and operators share, the hub's.
 * Promises that a fault can strike at the very message that matters, instead of waiting for chance.
 * Everything is gone when the site is disposed of.
 */

import { disposables } from '../../support/disposables.ts';
import { startNats } from '../../support/nats.ts';
import { type LinkProxy, startProxy } from '../../support/proxy.ts';
import type { Site } from '../site.ts';

export type TappedSite = Site & {
	readonly hub: LinkProxy;
	linkOf(ship: string): LinkProxy;
};

export async function tappedSite(): Promise<TappedSite> {
	const parts = disposables();
	const links = new Map<string, LinkProxy>();
	const nats = parts.use(await startNats());
	const hub = parts.use(await startProxy(nats.port));
	return {
		servers: hub.url,
		brokers: [nats],
		centre: {},
		hub,
		linkOf(ship) {
			const link = links.get(ship);
			if (!link) throw new Error(`no link leads to ${ship}`);
			return link;
		},
		async shipWay(name) {
			const link = parts.use(await startProxy(nats.port));
			links.set(name, link);
			return { servers: link.url, config: {}, link };
		},
		heal: async () => hub.heal(),
		[Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
	};
}
