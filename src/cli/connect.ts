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
	return loadSettings(cli, flags.config, withoutUnset({ servers: flags.servers, domain: flags.domain }));
}

const longestAuthor = 64;

/** Who asks, as far as the environment tells: told to whoever wonders later who cancelled, paused or retried. */
export function authorFrom({ USER, LOGNAME }: Cli['env']): string {
	const name = (USER || LOGNAME || '').replace(/\p{C}/gu, '').trim();
	return [...name].slice(0, longestAuthor).join('') || 'operator';
}

/** @throws StewardError `no-broker`, `no-topology`, `schema-newer`, or what `use` throws. */
export async function withFleet<T>(cli: Cli, config: Config, use: (fleet: Fleet) => Promise<T>): Promise<T> {
	const { clock, env } = cli;
	const fleet = await connect({
		servers: config.servers,
		domain: config.domain,
		name: connectionName,
		author: authorFrom(env),
		clock,
	});
	try {
		return await use(fleet);
	} finally {
		await fleet.close();
	}
}
