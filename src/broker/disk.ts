/**
 * Owns the arithmetic of disk space: what the store may take, and what must stay free.
 * Promises a bound that this disk can hold, so that a full stream refuses before a full disk freezes it.
 * Only looks at the disk; keeps nothing.
 */

import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../base/errors.ts';

const gib = 2 ** 30;
const mib = 2 ** 20;

/** Below this a server has no room for its own files; it then starts, and refuses what is published. */
const smallestBudgetBytes = 64 * mib;

export type Disk = { readonly freeBytes: number; readonly totalBytes: number };

/** Space of the file system that holds `folder`: what an ordinary user can still write, and all of it. */
export async function diskOf(folder: string): Promise<Disk> {
	const { bavail, blocks, bsize } = await statfs(folder);
	return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

/** What stays free for everything else on the disk: 5 %, at least 1 GiB. */
export function reserveBytes(disk: Disk): number {
	return Math.max(gib, Math.floor(disk.totalBytes * 0.05));
}

/** The most that the store may hold: what it holds already and what is free, less the reserve. */
export function storageBudget(disk: Disk, usedBytes: number, reserve = reserveBytes(disk)): number {
	return Math.max(smallestBudgetBytes, usedBytes + disk.freeBytes - reserve);
}

/** Bytes on disk of a store's messages. The consumers' own folders are many and small, and are left out. */
export async function storeUsedBytes(folder: string): Promise<number> {
	const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
		if (systemCodeOf(error) === 'ENOENT') return [];
		throw error;
	});
	let used = 0;
	for (const entry of entries) {
		const path = join(folder, entry.name);
		if (entry.isDirectory() && entry.name !== 'obs') used += await storeUsedBytes(path);
		else if (entry.isFile()) used += (await stat(path)).blocks * 512;
	}
	return used;
}
