/**
 * Owns reading root keys: from the folder of the fleet's keys, or from files that are named.
 * Promises that a file which others may read is refused, and that no message shows a seed.
 * Reads only; nothing of them is kept.
 */

import { join, resolve } from 'node:path';
import { StewardError } from '../../base/errors.ts';
import { readSecretFile } from '../../base/secret-files.ts';
import { fileNames, isKeyFolder } from '../../security/key-folder.ts';
import { type SigningKey, signingKey } from '../../security/keys.ts';
import type { Cli } from '../cli.ts';
import { type KeysFlags, keysPathOf } from './keys-folder.ts';

export type RootFlags = KeysFlags & { readonly rootKey?: readonly string[] };

/** @throws StewardError `usage` where none is known, `not-found`, `invalid` */
export async function rootKeys(cli: Cli, flags: RootFlags): Promise<readonly SigningKey[]> {
	const { keys, rootKey = [] } = flags;
	const folder = await keysPathOf(cli, flags);
	// The files that are named are enough, where no folder is.
	const isMeant = keys !== undefined || (rootKey.length === 0 && (await isKeyFolder(folder)));
	const files = [...(isMeant ? [join(folder, fileNames.operator)] : []), ...rootKey];
	if (files.length > 0) return Promise.all(files.map((file) => readRootKey(resolve(cli.cwd, file))));
	throw new StewardError(
		'usage',
		"nodes believe only what a root key has signed: name the folder of the fleet's keys (--keys), or the key's file (--root-key)",
	);
}

async function readRootKey(path: string): Promise<SigningKey> {
	const key = signingKey(await readSecretFile(path));
	if (key.publicKey.startsWith('O')) return key;
	throw new StewardError(
		'invalid',
		`${path} is no root key: its public key ${key.publicKey} begins with ${key.publicKey[0]}, and that of an operator with O`,
	);
}
