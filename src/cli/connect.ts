/**
 * Owns the connection of one command: settings, fleet, and its end.
 * Promises that the connection is closed whatever happens.
 * Nothing is kept.
 */

import { connect, type Fleet } from '../client/fleet.ts';
import type { Config } from '../domain/config.ts';
import type { BrokerFlags, Cli } from './cli.ts';
import { loadSettings, withoutUnset } from './settings.ts';

const connectionName = 'steward cli';

/** The settings of a command that needs a broker and nothing else. */
export function brokerSettings(cli: Cli, flags: BrokerFlags): Promise<Config> {
	return loadSettings(cli, flags.config, withoutUnset({ servers: flags.servers }));
}

/** @throws StewardError `no-broker`, `no-topology`, `schema-newer`, or what `use` throws. */
export async function withFleet<T>(cli: Cli, config: Config, use: (fleet: Fleet) => Promise<T>): Promise<T> {
	const fleet = await connect({ servers: config.servers, name: connectionName, clock: cli.clock });
	try {
		return await use(fleet);
	} finally {
		await fleet.close();
	}
}
