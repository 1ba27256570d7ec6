/**
 * Owns files that hold secrets, and the folders that they lie in: 0600 and 0700.
 * Promises that one which others may read is refused with the command that helps, and that a file is old or new, never half.
 * A crash leaves at most a draft (`.draft-…`), which nobody reads.
 */

import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, StewardError, systemCodeOf } from './errors.ts';
import { linkExclusively, syncFolder } from './files.ts';
import { randomToken } from './ids.ts';

/** Group and others. */
const othersBits = 0o077;

/** @throws StewardError `invalid` where somebody else than its owner has any right to it, `not-found` */
export async function refuseOpenTo(path: string, kind: 'file' | 'folder'): Promise<void> {
	const { mode } = await found(path, () => stat(path));
	if ((mode & othersBits) === 0) return;
	const right = kind === 'folder' ? '700' : '600';
	throw new StewardError(
		'invalid',
		`${path} holds secrets, and others than its owner may use it (mode ${(mode & 0o777).toString(8)}): chmod ${right} ${path}`,
		{ details: { path, mode: (mode & 0o777).toString(8) } },
	);
}

/** @throws as {@link refuseOpenTo} */
export async function readSecretFile(path: string): Promise<string> {
	await refuseOpenTo(path, 'file');
	return found(path, () => readFile(path, 'utf8'));
}

/** Puts the text in the place of what is there, if anything. @throws StewardError `storage` */
export async function writeSecretFile(path: string, text: string): Promise<void> {
	await viaDraft(path, text, (draft) => rename(draft, path));
}

/** False, and nothing changed, where something is there already. @throws StewardError `storage` */
export function writeNewSecretFile(path: string, text: string): Promise<boolean> {
	return viaDraft(path, text, (draft) => linkExclusively(draft, path));
}

async function viaDraft<T>(path: string, text: string, place: (draft: string) => Promise<T>): Promise<T> {
	const folder = dirname(resolve(path));
	const draft = join(folder, `.draft-${basename(path)}-${randomToken()}`);
	try {
		const handle = await open(draft, 'wx', 0o600);
		try {
			await handle.writeFile(text);
			await handle.sync();
		} finally {
			await handle.close();
		}
		const placed = await place(draft);
		await syncFolder(folder);
		return placed;
	} catch (error) {
		throw new StewardError('storage', `${path} cannot be written: ${messageOf(error)}`, { cause: error });
	} finally {
		await rm(draft, { force: true });
	}
}

async function found<T>(path: string, look: () => Promise<T>): Promise<T> {
	try {
		return await look();
	} catch (error) {
		const code = systemCodeOf(error) === 'ENOENT' ? 'not-found' : 'storage';
		throw new StewardError(code, `${path} cannot be read: ${messageOf(error)}`, { cause: error });
	}
}
