/**
 * Owns the right to use a folder (a broker's data, the keys of a fleet): one process at a time.
 * Promises that the lock of a process which died is taken over, by exactly one of those who try at the same moment.
 * Nothing has to be cleaned after a crash: a holder is its pid, start time and boot, and counts only while it runs.
 *
 * Each holder has a file of its own, `lock.<n>`, made by link(), which fails if the name is taken. The highest number
 * holds; to take over is to make the next number. Numbers never go back, so a slow rival with an old view of the
 * folder can only make a number that is taken or too low, and sees that when it looks again.
 */

import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StewardError, systemCodeOf } from './errors.ts';
import { linkExclusively } from './files.ts';
import { randomToken } from './ids.ts';
import { isSameProcess, type ProcessIdentity, parseProcessIdentity, processIdentity } from './process.ts';

export type FolderLock = { release(): Promise<void> };

/** Takes the lock of `folder`, which must exist. Throws `already-running`, naming the process that has it. */
export async function lockFolder(folder: string): Promise<FolderLock> {
	const draft = join(folder, `lock-draft.${randomToken()}`);
	await writeFile(draft, JSON.stringify(processIdentity(process.pid)), { mode: 0o600 });
	try {
		for (;;) {
			const highest = await highestLock(folder);
			if (highest.holder !== undefined && isSameProcess(highest.holder)) {
				throw new StewardError(
					'already-running',
					`${folder} is in use by process ${highest.holder.pid}; stop that one first (kill ${highest.holder.pid}), or give another folder`,
					{ details: { pid: highest.holder.pid, folder } },
				);
			}
			const number = highest.number + 1;
			if (!(await linkExclusively(draft, lockFile(folder, number)))) continue;
			if ((await highestLock(folder)).number === number) return await held(folder, number);
			await rm(lockFile(folder, number), { force: true });
		}
	} finally {
		await rm(draft, { force: true });
	}
}

async function held(folder: string, number: number): Promise<FolderLock> {
	const lower = (await lockNumbers(folder)).filter((other) => other < number);
	await Promise.all(lower.map((other) => rm(lockFile(folder, other), { force: true })));
	let released = false;
	return {
		// Emptied, not removed: the next number must be higher than every number that a rival may have seen.
		async release() {
			if (released) return;
			released = true;
			await writeFile(lockFile(folder, number), '');
		},
	};
}

async function highestLock(folder: string): Promise<{ number: number; holder?: ProcessIdentity }> {
	const number = Math.max(0, ...(await lockNumbers(folder)));
	if (number === 0) return { number };
	try {
		const holder = parseProcessIdentity(await readFile(lockFile(folder, number), 'utf8'));
		return holder === undefined ? { number } : { number, holder };
	} catch (error) {
		// A rival found itself too low and removed it, or was followed by the next: look again.
		if (systemCodeOf(error) === 'ENOENT') return highestLock(folder);
		throw error;
	}
}

async function lockNumbers(folder: string): Promise<number[]> {
	const names = await readdir(folder);
	return names.flatMap((name) => /^lock\.(\d+)$/.exec(name)?.[1] ?? []).map(Number);
}

function lockFile(folder: string, number: number): string {
	return join(folder, `lock.${number}`);
}
