/**
 * Owns what `steward up` runs its broker with: the development default on loopback, or the keys of a fleet.
 * Promises that without keys nothing listens beyond loopback, and that with them the centre and the node come as themselves.
 * Only reads.
 */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { StewardError } from '../../base/errors.ts';
import { type Config, compileConfig } from '../../domain/config.ts';
import { fileNames, isKeyFolder, readKeyFolder } from '../../security/key-folder.ts';
import { credentialsFile, dashboardUser } from '../../security/new-fleet.ts';
import { accountsProblem } from '../../security/server-config.ts';
import type { Cli } from '../cli.ts';

export type OwnFleet = {
	readonly host: string;
	readonly port: number;
	readonly shards: number | undefined;
	/** Of the folder of keys; undefined in development, without accounts. */
	readonly secureConfig: string | undefined;
	/** The settings of one of its own users (`centre`, `central`) on its broker. */
	settingsOf(user: string, url: string): Config;
};

const development = { host: '127.0.0.1', port: 4222 } as const;

/** @throws StewardError `not-found` where keys are named and there are none, `invalid` where others may read them */
export async function ownFleet(cli: Cli, config: Config): Promise<OwnFleet> {
	const path = resolve(cli.cwd, config.keys ?? join(config.data, 'keys'));
	const isSecure = config.keys !== undefined || (await isKeyFolder(path));
	const fleet = isSecure ? (await readKeyFolder(path)).fleet : undefined;
	const secureConfig = isSecure ? join(path, fileNames.config) : undefined;
	if (secureConfig !== undefined) await refuseWithoutAccounts(secureConfig);
	const { host = fleet?.host ?? development.host, port = fleet?.port ?? development.port } = config.broker;
	const { shards = fleet?.shards } = config.centre;
	// A folder of keys that was made before the dashboard has none of its own.
	const dashboard = credentialsFile(path, dashboardUser);
	const signsAs = config.http.credentials ?? (isSecure && existsSync(dashboard) ? dashboard : undefined);
	return {
		...{ host, port, shards },
		secureConfig,
		settingsOf(user, url) {
			const ownWay = isSecure
				? { credentials: credentialsFile(path, user), tls: { ca: join(path, fileNames.authority) } }
				: { credentials: undefined, tls: undefined };
			// This broker is no leaf: whatever the settings name for other commands is not here.
			const own = { servers: [url], domain: undefined, ...ownWay };
			return compileConfig([
				{
					...config,
					...own,
					centre: { ...config.centre, shards },
					http: { ...config.http, credentials: signsAs },
				},
			]);
		},
	};
}

/** Whoever changed the file may have taken out what keeps strangers away. @throws StewardError `invalid` */
async function refuseWithoutAccounts(path: string): Promise<void> {
	const problem = accountsProblem(await readFile(path, 'utf8'));
	if (problem === undefined) return;
	throw new StewardError('invalid', `${path}: ${problem}; put it back as steward init --secure made it`, {
		details: { path },
	});
}
