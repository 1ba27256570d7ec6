/**
 * Owns what the server has to know of a fleet's keys, and the change of signing keys: new ones, an overlap, the end of the old.
 * Promises that an account which takes something back is written into the server's configuration as well, so that a server on a
 * new disk knows it too; and that old signing keys count until they are taken out in a step of its own.
 * A crash before the server was told leaves that to be done: `isTold` says so, and the next command does it.
 */

import { join } from 'node:path';
import { readSecretFile, writeSecretFile } from '../base/secret-files.ts';
import { currentByName, type Enrolled } from '../domain/enrolled.ts';
import { accountJwts, mintUser, newSigningSeed, type SignedAccount } from './accounts.ts';
import {
	accountDigests,
	currentSigners,
	fileNames,
	type KeyFolder,
	revokedOf,
	withRoot,
	writeAccounts,
	writeFleet,
} from './key-folder.ts';

/** Long enough to hand the accounts to the server. */
const systemUserLivesMs = 5 * 60_000;

/** Whether the server knows all that it must: who was revoked, which signing keys count. */
export function isTold(folder: KeyFolder): boolean {
	return untoldAccounts(folder).length === 0;
}

/**
 * Names of the accounts that the server does not know as they are. Others are better left alone: a server that is told of HUB
 * forgets the pulls that wait there (tried with 2.15.1), and nodes pull again only after half a minute.
 */
export function untoldAccounts({ keys, enrolled, fleet }: KeyFolder): string[] {
	const digests = Object.entries(accountDigests(keys, enrolled));
	return digests.filter(([name, digest]) => fleet.told[name] !== digest).map(([name]) => name);
}

/** The accounts as they are to be, also put into the server's configuration. @throws StewardError `not-found` without the root */
export async function accountsNow(folder: KeyFolder): Promise<readonly SignedAccount[]> {
	const accounts = await accountJwts(await withRoot(folder), { revoked: revokedOf(folder.enrolled) });
	const path = join(folder.path, fileNames.config);
	await writeSecretFile(path, withAccounts(await readSecretFile(path), accounts));
	return accounts;
}

/** The rest of the text is its owner's: it stays. */
function withAccounts(config: string, accounts: readonly SignedAccount[]): string {
	return accounts.reduce(
		(text, { publicKey, jwt }) =>
			text.replace(new RegExp(`^(\\s*${publicKey}\\s*:\\s*)\\S+`, 'm'), `$1${jwt}`),
		config,
	);
}

/** The server has taken these accounts. */
export async function noteTold({ path, fleet, keys, enrolled }: KeyFolder): Promise<void> {
	await writeFleet(path, { ...fleet, told: accountDigests(keys, enrolled) });
}

/** Credentials of who may bring accounts to the server; they are in no file, and end soon. */
export async function systemCredentials({ keys }: KeyFolder, nowMs: number): Promise<string> {
	const user = { role: 'system', name: 'keys', expiresAt: nowMs + systemUserLivesMs } as const;
	// The oldest that counts is one that the broker knows: of the newest it may still have to be told.
	const known = { ...keys.signing, system: keys.signing.system.slice(-1) };
	const { creds = '' } = await mintUser({ ...keys, signing: known, operator: '' }, user);
	return creds;
}

/** A new signing key for each role, before those that count already. */
export async function addSigningKeys(folder: KeyFolder): Promise<KeyFolder> {
	return withSigning(folder, (seeds) => [newSigningSeed(), ...seeds]);
}

/** Takes all signing keys out but the current ones; with them goes what they signed. */
export async function finishRotation(folder: KeyFolder): Promise<KeyFolder> {
	return withSigning(folder, (seeds) => seeds.slice(0, 1));
}

async function withSigning(
	folder: KeyFolder,
	change: (seeds: readonly string[]) => string[],
): Promise<KeyFolder> {
	const { signing } = folder.keys;
	const changed = {
		system: change(signing.system),
		centre: change(signing.centre),
		operator: change(signing.operator),
		node: change(signing.node),
		viewer: change(signing.viewer),
	};
	const keys = { ...folder.keys, signing: changed };
	await writeAccounts(folder.path, keys);
	return { ...folder, keys };
}

/** Names whose credentials were made with a signing key that is not the current one: they end with the rotation. */
export function behindRotation({ keys }: Pick<KeyFolder, 'keys'>, enrolled: Enrolled): string[] {
	const current = currentSigners(keys);
	const entries = [...currentByName(enrolled).values()];
	return entries.filter(({ role, signer }) => signer !== current.get(role)).map(({ name }) => name);
}
