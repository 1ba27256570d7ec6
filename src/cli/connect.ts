/**
 * Owns the connection of one command: settings, fleet, and its end.
 * Promises that the connection is closed whatever happens.
 * Nothing is kept.
 */

import { resolve } from 'node:path';
import { connect, type Fleet } from '../client/fleet.ts';
import type { Config } from '../domain/config.ts';
import { type Credentials, readCredentials } from '../security/credentials.ts';
import type { BrokerFlags, Cli } from './cli.ts';
import { brokerOverrides, loadSettings } from './settings.ts';

const connectionName = 'steward cli';

/** The settings of a command that needs a broker and nothing else. */
export function brokerSettings(cli: Cli, flags: BrokerFlags): Promise<Config> {
	return loadSettings(cli, flags.config, brokerOverrides(flags));
}

/** The flags that say something else than where the broker is, and who asks it. */
export function withoutBroker<Flags extends BrokerFlags>(flags: Flags): Omit<Flags, keyof BrokerFlags> {
	const {
		servers: _s,
		domain: _d,
		config: _c,
		credentials: _w,
		tlsCa: _a,
		tlsCert: _t,
		tlsKey: _k,
		...others
	} = flags;
	return others;
}

const longestAuthor = 64;

/** Who asks, as far as the environment tells: told to whoever wonders later who cancelled, paused or retried. */
export function authorFrom({ USER, LOGNAME }: Cli['env']): string {
	const name = (USER || LOGNAME || '').replace(/\p{C}/gu, '').trim();
	return [...name].slice(0, longestAuthor).join('') || 'operator';
}

/** Who this program is, where its settings say so. @throws StewardError `invalid` */
export async function credentialsOf(cli: Cli, config: Config): Promise<Credentials | undefined> {
	const path = pathOf(cli, config.credentials);
	return path === undefined ? undefined : readCredentials(path);
}

/** Relative to where the user is. */
function pathOf({ cwd }: Cli, path: string | undefined): string | undefined {
	return path === undefined ? undefined : resolve(cwd, path);
}

/** @throws StewardError `no-broker`, `unauthorized`, `no-topology`, `schema-newer`, or what `use` throws. */
export async function withFleet<T>(cli: Cli, config: Config, use: (fleet: Fleet) => Promise<T>): Promise<T> {
	const { clock, env } = cli;
	const fleet = await connect({
		...{ servers: config.servers, domain: config.domain, tls: config.tls },
		credentials: pathOf(cli, config.credentials),
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
