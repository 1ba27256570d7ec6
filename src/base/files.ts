/**
 * Owns what several parts do with files: names that one of them only may take, and names that outlast a power loss.
 * Promises that of any number of callers exactly one makes a link, and that a name is on disk when its folder was synced.
 * The names are the record: they are there after a crash.
 */

import { link, mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { systemCodeOf } from './errors.ts';

/** Gives `from` the second name `to`; false when that name is taken. */
export async function linkExclusively(from: string, to: string): Promise<boolean> {
	try {
		await link(from, to);
		return true;
	} catch (error) {
		if (systemCodeOf(error) === 'EEXIST') return false;
		throw error;
	}
}

/** Makes a folder, with those above it; the names of what it made survive a power loss. */
export async function makeFolder(path: string, mode = 0o700): Promise<void> {
	const folder = resolve(path);
	const first = await mkdir(folder, { recursive: true, mode });
	if (first === undefined) return;
	for (let made = folder; made.length >= first.length; made = dirname(made)) {
		try {
			await syncFolder(dirname(made));
		} catch (error) {
			// One that we may write into, and not read: its names are left to the system.
			if (systemCodeOf(error) !== 'EACCES') throw error;
		}
	}
}

/** Makes new names, renames, links and removals in `folder` survive a power loss. */
export async function syncFolder(folder: string): Promise<void> {
	const handle = await open(folder, 'r');
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}
