/**
 * Owns reading root keys: from the folder of the fleet's keys, or from files that are named.
 * Promises that a file which others may read is refused, and that no message shows a seed.
 * Reads only; nothing of them is kept.
 */

import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, StewardError } from '../../base/errors.ts';
import { type SigningKey, signingKey } from '../../security/keys.ts';
import type { Cli } from '../cli.ts';

/** Its name in the folder of keys. */
const rootFile = 'operator.nk';
const othersBits = 0o077;

export type RootFlags = { readonly keys?: string; readonly rootKey?: readonly string[] };

/** @throws StewardError `usage` where none is named, `invalid` */
export async function rootKeys(cli: Cli, { keys, rootKey = [] }: RootFlags): Promise<readonly SigningKey[]> {
	const files = [...(keys === undefined ? [] : [join(keys, rootFile)]), ...rootKey];
	if (files.length === 0) {
		throw new StewardError(
			'usage',
			`nodes believe only what a root key has signed: name the folder of keys (--keys) or the key's file (--root-key)`,
		);
	}
	return Promise.all(files.map((file) => readRootKey(resolve(cli.cwd, file))));
}

async function readRootKey(path: string): Promise<SigningKey> {
	let text: string;
	let mode: number;
	try {
		({ mode } = await stat(path));
		text = await readFile(path, 'utf8');
	} catch (error) {
		throw new StewardError('invalid', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
	}
	if ((mode & othersBits) !== 0) {
		throw new StewardError(
			'invalid',
			`${path} holds a secret, and others than its owner may use it: chmod 600 ${path}`,
		);
	}
	const key = signingKey(text);
	if (key.publicKey.startsWith('O')) return key;
	throw new StewardError(
		'invalid',
		`${path} is no root key: its public key ${key.publicKey} begins with ${key.publicKey[0]}, and that of an operator with O`,
	);
}
