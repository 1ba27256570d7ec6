/**
 * Owns the making of a fleet: keys, authority, server certificate, the server's configuration, and the first who are enrolled.
 * Promises that a folder of keys is there as a whole or not at all, and that a second run changes nothing.
 * A run that dies leaves a folder beside it (`keys.draft-…`), which nobody reads.
 */

import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { StewardError, systemCodeOf } from '../base/errors.ts';
import { makeFolder, syncFolder } from '../base/files.ts';
import { randomToken } from '../base/ids.ts';
import { readSecretFile, writeSecretFile } from '../base/secret-files.ts';
import { currentByName } from '../domain/enrolled.ts';
import { centralNode } from '../domain/names.ts';
import { accountJwts, credsOf, newFleetKeys, operatorJwt, publicKeyOf } from './accounts.ts';
import { type CertificatePair, isServerName, newAuthority, newServerCertificate } from './certificates.ts';
import { type EnrolRequest, enrol } from './enrolment.ts';
import {
	accountDigests,
	type FleetFacts,
	fileNames,
	isKeyFolder,
	type KeyFolder,
	writeAccounts,
	writeFleet,
} from './key-folder.ts';
import { serverConfig } from './server-config.ts';

/** Signs what is sent over HTTP, so that access lists can tell it from what the centre does by itself. */
export const dashboardUser = 'dashboard';

/** Who runs on the server's machine: `steward up` and `steward central` there use these. */
const ownUsers = [
	{ name: 'centre', role: 'centre', labels: {} },
	{ name: dashboardUser, role: 'operator', labels: {} },
	{ name: centralNode, role: 'node', labels: {} },
] as const satisfies readonly EnrolRequest[];

export type NewFleet = Pick<FleetFacts, 'host' | 'port' | 'names' | 'shards'> & {
	/** /healthz, on loopback. */
	readonly monitorPort?: number | undefined;
};

const localNames = ['localhost', '127.0.0.1'];
const wildcards = ['0.0.0.0', '::'];

/** False, and nothing changed, where there is a fleet. @throws StewardError `invalid`, `storage`, `already-running` */
export async function makeFleet(path: string, fleet: NewFleet, nowMs: number): Promise<boolean> {
	for (const name of [...fleet.names, fleet.host]) {
		if (isServerName(name)) continue;
		throw new StewardError('invalid', `"${name}" is no host name and no address: expected hub.example.org`);
	}
	if (await isKeyFolder(path)) return false;
	const parent = dirname(resolve(path));
	await makeFolder(parent);
	const draft = join(parent, `${basename(resolve(path))}.draft-${randomToken()}`);
	try {
		await makeFolder(join(draft, 'server'));
		await fill(draft, fleet, nowMs);
		// Takes the place of nothing, or of an empty folder.
		await rename(draft, path);
		await syncFolder(parent);
		return true;
	} catch (error) {
		if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(systemCodeOf(error) ?? '')) throw error;
		throw new StewardError(
			'refused',
			`${path} is there, and is no folder of keys: name an empty one, or one that is not there yet (--keys)`,
			{ cause: error },
		);
	} finally {
		await rm(draft, { recursive: true, force: true });
	}
}

async function fill(path: string, fleet: NewFleet, nowMs: number): Promise<void> {
	const keys = newFleetKeys();
	await writeSecretFile(join(path, fileNames.operator), `${keys.operator}\n`);
	await writeAccounts(path, keys);
	const authority = newAuthority('steward fleet', nowMs);
	await writeSecretFile(join(path, fileNames.authorityKey), authority.key);
	await writeSecretFile(join(path, fileNames.authority), authority.certificate);
	await makeServerCertificate(path, fleet, nowMs);

	const { host, port, names, shards, monitorPort } = fleet;
	const facts: FleetFacts = {
		...{ v: 1, host, port, names: [...names], root: publicKeyOf(keys.operator), told: {} },
		...(shards && { shards }),
	};
	const folder: KeyFolder = { path, fleet: facts, enrolled: [], keys };
	const made = await enrol(folder, ownUsers, { nowMs, repeat: 'refuse' });
	for (const { entry, jwt, seed = '' } of made) {
		await writeSecretFile(credentialsFile(path, entry.name), credsOf(jwt, seed));
	}
	const config = serverConfig({
		operatorJwt: await operatorJwt(keys),
		accounts: await accountJwts(keys),
		...{ host, port, storeDir: './store', resolverDir: './accounts' },
		tls: { cert: 'server.crt', key: 'server.key' },
		...(monitorPort !== undefined && { monitorPort }),
	});
	await writeSecretFile(join(path, fileNames.config), config);
	await writeFleet(path, { ...facts, told: accountDigests(keys, []) });
}

/** Where the credentials of {@link ownUsers} are. */
export function credentialsFile(path: string, name: string): string {
	return join(path, `${name}.creds`);
}

/** New credentials with the current signing keys, for the keys that they have. The folder must be held. */
export async function renewOwnUsers(folder: KeyFolder, nowMs: number): Promise<void> {
	const current = currentByName(folder.enrolled);
	const users = ownUsers.filter(({ name }) => current.has(name));
	for (const { entry, jwt } of await enrol(folder, users, { nowMs, repeat: 'renew' })) {
		const path = credentialsFile(folder.path, entry.name);
		const [seed = ''] = /\bSU[A-Z2-7]{56}\b/.exec(await readSecretFile(path)) ?? [];
		await writeSecretFile(path, credsOf(jwt, seed));
	}
}

/** A new key and certificate of the server, in the place of what is there; it reads them at its next start or reload. */
export async function makeServerCertificate(
	path: string,
	{ names, host }: Pick<FleetFacts, 'names' | 'host'>,
	nowMs: number,
): Promise<CertificatePair> {
	const [certificate, key] = await Promise.all([
		readSecretFile(join(path, fileNames.authority)),
		readSecretFile(join(path, fileNames.authorityKey)),
	]);
	const all = [...new Set([...names, ...(wildcards.includes(host) ? [] : [host]), ...localNames])];
	const made = newServerCertificate({ certificate, key }, all, nowMs);
	await writeSecretFile(join(path, fileNames.certificateKey), made.key);
	await writeSecretFile(join(path, fileNames.certificate), made.certificate);
	return made;
}
