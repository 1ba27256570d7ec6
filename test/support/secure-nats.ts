/**
 * Owns a nats-server with the accounts of a fleet: the configuration that steward makes, new keys, and credentials for anybody.
 * Promises what `startNats` promises, and that keys live in memory and in its temporary folder only.
 */

import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
	accountJwts,
	type FleetKeys,
	type FleetRole,
	mintUser,
	newFleetKeys,
	operatorJwt,
} from '../../src/security/accounts.ts';
import { type Credentials, parseCredentials } from '../../src/security/credentials.ts';
import { type ServerConfigOptions, serverConfig } from '../../src/security/server-config.ts';
import { type Nats, startNats } from './nats.ts';
import { tempDir } from './temp.ts';

/** How the server names an account in the longer form of an ack's subject. */
export function accountHash(account: string): string {
	const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
	const bytes = createHash('sha256').update(account).digest().subarray(0, 8);
	return [...bytes].map((byte) => digits[byte % 62]).join('');
}

export type SecureNats = AsyncDisposable & {
	readonly nats: Nats;
	readonly url: string;
	readonly keys: FleetKeys;
	/** Of a new user. */
	credentials(role: FleetRole, name: string, also?: { expiresAt?: number }): Promise<Credentials>;
	/** The same as a file. */
	credentialsFile(role: FleetRole, name: string): Promise<string>;
};

export async function startSecureNats(also: Partial<ServerConfigOptions> = {}): Promise<SecureNats> {
	const keys = newFleetKeys();
	const dir = await tempDir('steward-secure-');
	try {
		const config = join(dir.path, 'nats-server.conf');
		const text = serverConfig({
			operatorJwt: await operatorJwt(keys),
			accounts: await accountJwts(keys),
			...{ host: '127.0.0.1', port: 0, monitorPort: 0 },
			...{ storeDir: './data/broker/store', resolverDir: './data/broker/accounts' },
			...also,
		});
		await writeFile(config, text, { mode: 0o600 });
		const nats = await startNats({ config });
		const mint = async (role: FleetRole, name: string, expiresAt?: number) => {
			const { creds = '' } = await mintUser(keys, { role, name, expiresAt });
			return creds;
		};
		return {
			...{ nats, url: nats.url, keys },
			credentials: async (role, name, { expiresAt } = {}) =>
				parseCredentials(await mint(role, name, expiresAt)),
			credentialsFile: async (role, name) => {
				const path = join(dir.path, `${role}-${name}.creds`);
				await writeFile(path, await mint(role, name), { mode: 0o600 });
				return path;
			},
			[Symbol.asyncDispose]: async () => {
				await nats[Symbol.asyncDispose]();
				await dir[Symbol.asyncDispose]();
			},
		};
	} catch (error) {
		await dir[Symbol.asyncDispose]();
		throw error;
	}
}
