/**
 * Owns the question which files the processes of this machine hold open, asked of /proc.
 * Promises `complete` only if every process could be looked at.
 * Keeps nothing.
 */

import { readdir, stat } from 'node:fs/promises';
import { systemCodeOf } from '../../base/errors.ts';

export type OpenFiles = {
	/** `<dev>:<ino>` of every file that is open: files, not names, so whoever opened one under an earlier name counts. */
	readonly inodes: ReadonlySet<string>;
	/** False where a process of another user could not be looked at, or there is no /proc. */
	readonly complete: boolean;
};

export async function openFiles(): Promise<OpenFiles> {
	const inodes = new Set<string>();
	const processes = await namesIn('/proc');
	let complete = processes !== undefined;
	for (const pid of processes ?? []) {
		if (!/^\d+$/.test(pid)) continue;
		const descriptors = await namesIn(`/proc/${pid}/fd`);
		if (descriptors === undefined) complete = false;
		const found = await Promise.all((descriptors ?? []).map((fd) => inodeOf(`/proc/${pid}/fd/${fd}`)));
		for (const inode of found) if (inode !== undefined) inodes.add(inode);
	}
	return { inodes, complete };
}

/** The names in a folder of /proc; none when its process has ended; undefined when we may not look. */
async function namesIn(path: string): Promise<string[] | undefined> {
	try {
		return await readdir(path);
	} catch (error) {
		const code = systemCodeOf(error);
		return path !== '/proc' && (code === 'ENOENT' || code === 'ESRCH') ? [] : undefined;
	}
}

/** The file behind a descriptor, or undefined if it was closed while we looked. */
async function inodeOf(path: string): Promise<string | undefined> {
	try {
		const { dev, ino } = await stat(path);
		return `${dev}:${ino}`;
	} catch {
		return undefined;
	}
}
