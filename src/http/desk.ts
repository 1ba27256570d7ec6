/**
 * Owns what every route works with: the fleet, in the name of who asks, and the centre's window.
 * Promises that a route which needs the broker says `no-broker` before there is one, and `no-centre` while its index is still read.
 * Keeps nothing.
 */

import type { Clock } from '../base/clock.ts';
import { StewardError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { CentreWindow } from '../central/central.ts';
import { Fleet } from '../client/fleet.ts';
import { type FleetParts, fleetParts } from '../client/parts.ts';
import type { HttpSettings } from '../domain/config.ts';
import type { TrustList } from '../domain/trust.ts';
import type { Credentials } from '../security/credentials.ts';

/** Where nobody names another. */
export const usualPort = 7422;

export type HttpOptions = {
	readonly settings: HttpSettings;
	/** The file of tokens. */
	readonly tokensFile: string;
	/** Who signs what is sent from here; with them the broker has accounts, and every request needs a token. */
	readonly credentials?: Credentials | undefined;
	readonly roots?: readonly string[];
	/** What counts before a trust list is published. */
	readonly trust?: TrustList | undefined;
	/** What the centre shows; undefined until it has found its broker. */
	readonly window: () => CentreWindow | undefined;
	/** Folder of the built dashboard. */
	readonly webDir: string;
	readonly version: string;
	/** How the command line is called on the machine of the centre, to reach this fleet. */
	readonly cli: string;
	readonly clock: Clock;
	readonly log: Log;
};

export type Desk = {
	/** @throws StewardError `no-broker` */
	window(): CentreWindow;
	/** As {@link window}; undefined where there is none. */
	glance(): CentreWindow | undefined;
	/** `author` is told to whoever wonders later who did it. @throws StewardError `no-broker` */
	fleet(author: string): Fleet;
	/** What the fleet is made of, for what it has no word for. @throws StewardError `no-broker` */
	parts(author: string): FleetParts;
	readonly options: HttpOptions;
};

export function openDesk(options: HttpOptions): Desk {
	const { clock, credentials, roots, trust } = options;
	const ofWindow = new WeakMap<CentreWindow, FleetParts>();
	const window = () => {
		const found = options.window();
		if (found) return found;
		throw new StewardError('no-broker', 'the centre has not found its broker yet: ask again in a moment');
	};
	const partsOf = (author: string): FleetParts => {
		const open = window();
		const { connection, serverNow } = open;
		let parts = ofWindow.get(open);
		if (!parts) {
			// What was read when the centre began is a while ago.
			const topology = { ...open.topology, serverTime: serverNow() };
			const own = { clock, author, roots, trust, signer: credentials?.key };
			parts = { ...fleetParts(connection, topology, own), serverNow };
			ofWindow.set(open, parts);
		}
		return { ...parts, author };
	};
	return {
		options,
		window,
		glance: options.window,
		fleet: (author) => new Fleet(partsOf(author)),
		parts: partsOf,
	};
}
