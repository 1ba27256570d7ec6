/**
 * Owns the connection of one command: settings, fleet or streams, and its end.
 * Promises that the connection is closed whatever happens.
 * Nothing is kept.
 */

import { dirname, join, resolve } from 'node:path';
import { isStewardError, StewardError } from '../base/errors.ts';
import { connect, type Fleet } from '../client/fleet.ts';
import type { Config } from '../domain/config.ts';
import { type Connection, closeConnection, openConnection } from '../jetstream/connection.ts';
import { type Credentials, readCredentials } from '../security/credentials.ts';
import { fileNames } from '../security/key-folder.ts';
import type { FleetRole } from '../security/permissions.ts';
import { pinnedList, readTrustFile } from '../security/trust-file.ts';
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

/** Who asks, as far as the environment tells, where there are no credentials that say so: told to whoever wonders later who cancelled, paused or retried. */
export function authorFrom({ USER, LOGNAME }: Cli['env']): string {
	const name = (USER || LOGNAME || '').replace(/\p{C}/gu, '').trim();
	return [...name].slice(0, longestAuthor).join('') || 'operator';
}

/** Who this program is, where its settings say so. @throws StewardError `invalid` */
export async function credentialsOf(cli: Cli, config: Config): Promise<Credentials | undefined> {
	const path = pathOf(cli, config.credentials);
	return path === undefined ? undefined : readCredentials(path);
}

/** What the enrolment left beside the credentials of whom to trust. */
export function trustFileOf(cli: Cli, { credentials }: Config): string | undefined {
	const path = pathOf(cli, credentials);
	return path === undefined ? undefined : join(dirname(path), fileNames.trust);
}

/** Relative to where the user is. */
function pathOf({ cwd }: Cli, path: string | undefined): string | undefined {
	return path === undefined ? undefined : resolve(cwd, path);
}

/** @throws StewardError `no-broker`, `unauthorized`, `no-topology`, `schema-newer`, or what `use` throws. */
export async function withFleet<T>(cli: Cli, config: Config, use: (fleet: Fleet) => Promise<T>): Promise<T> {
	const { clock, env } = cli;
	const path = pathOf(cli, config.credentials);
	const credentials = path === undefined ? undefined : await readCredentials(path);
	const left = await readTrustFile(trustFileOf(cli, config));
	const pinned = left && 'list' in left ? pinnedList(config.node.roots, left) : undefined;
	return sayingWho(credentials, async () => {
		const fleet = await connect({
			...{ servers: config.servers, domain: config.domain, tls: config.tls },
			...{ credentials: path, roots: pinned?.roots ?? config.node.roots, trust: pinned },
			name: connectionName,
			author: credentials?.name ?? authorFrom(env),
			clock,
		});
		try {
			return await use(fleet);
		} finally {
			await fleet.close();
		}
	});
}

/** For what is not asked of a fleet: the streams themselves. */
export async function withConnection<T>(
	cli: Cli,
	flags: BrokerFlags,
	use: (connection: Connection) => Promise<T>,
): Promise<T> {
	const config = await brokerSettings(cli, flags);
	const { servers, domain, tls } = config;
	const credentials = await credentialsOf(cli, config);
	return sayingWho(credentials, async () => {
		const connection = await openConnection({ servers, domain, tls, credentials, name: connectionName });
		try {
			return await use(connection);
		} finally {
			await closeConnection(connection, cli.clock);
		}
	});
}

const mayDo = {
	node: 'takes its own commands and says what became of them',
	viewer: 'only reads',
	operator: 'sends, and changes schedules, lists and streams',
	centre: 'keeps the books, backs up and restores',
	system: 'brings accounts to the broker',
} as const satisfies Record<FleetRole, string>;

/** Who is not let in, or may not, learns who that was. */
async function sayingWho<T>(credentials: Credentials | undefined, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (!credentials || !isStewardError(error, 'unauthorized')) throw error;
		const { name, role } = credentials;
		const who = role === undefined ? `of ${name}` : `of ${name}, a ${role}, which ${mayDo[role]}`;
		throw new StewardError('unauthorized', `${error.message}; they are those ${who}`, {
			cause: error,
			details: { ...error.details, name, role: role ?? null },
		});
	}
}

export function parseReplicas(text: string): number {
	const replicas = Number(text);
	if ([1, 3, 5].includes(replicas)) return replicas;
	throw new StewardError('usage', `--replicas: expected 1, 3 or 5, got "${text}"`);
}
