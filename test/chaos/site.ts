/**
 * Owns what a world stands on: its brokers, and how ships reach them.
 * Promises that the same ships, work and faults run over each kind of site.
 * Everything of a site is gone when it is disposed of.
 */

import type { ConfigForm } from '../../src/domain/config.ts';
import { disposables } from '../support/disposables.ts';
import { type Nats, startNats } from '../support/nats.ts';
import { type LinkProxy, startProxy } from '../support/proxy.ts';

/** What faults do to a link. */
export type ShipLink = Pick<
	LinkProxy,
	'cut' | 'blackHole' | 'dropServerToClient' | 'latency' | 'resets' | 'bandwidth' | 'heal'
>;

/** The way of one ship. */
export type ShipWay = {
	/** What its node connects to. */
	readonly servers: string;
	/** Further configuration that it needs for this way. */
	readonly config: Partial<ConfigForm>;
	readonly link: ShipLink;
};

export type Site = AsyncDisposable & {
	/** What centres and operators connect to: addresses with commas between them. */
	readonly servers: string;
	readonly brokers: readonly Nats[];
	/** Further configuration that centres need here. */
	readonly centre: ConfigForm['centre'];
	shipWay(name: string): Promise<ShipWay>;
	/** Goes on with what was stopped and starts what is down. */
	heal(): Promise<void>;
};

/** One broker, and a link of its own for each ship. */
export async function singleSite(): Promise<Site> {
	const parts = disposables();
	const nats = parts.use(await startNats());
	return {
		servers: nats.url,
		brokers: [nats],
		centre: {},
		async shipWay() {
			const link = parts.use(await startProxy(nats.port));
			return { servers: link.url, config: {}, link };
		},
		heal: async () => undefined,
		[Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
	};
}
