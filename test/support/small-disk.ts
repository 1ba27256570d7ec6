/**
 * Owns small disks for tests: a tmpfs that can be filled, freed and made read-only, which only root can mount.
 * Promises that it is unmounted when it is disposed of, also while a process that is just ending still uses it.
 * What was on it is gone with it.
 */

import { execFile } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemCodeOf } from '../../src/base/errors.ts';
import { eventually } from './eventually.ts';

const run = promisify(execFile);

export const canMount = process.getuid?.() === 0;

export type SmallDisk = AsyncDisposable & {
	readonly path: string;
	/** Until not a page is left. */
	fill(): Promise<void>;
	/** Takes away what filled it. */
	free(): Promise<void>;
	/** Nobody may have a file open for writing: the system refuses that, and it is tried for a while. */
	readOnly(is: boolean): Promise<void>;
};

const fillerPrefix = 'filler-';
const largestFiller = 256 * 1024;
const smallestFiller = 4096;

/** Mounts it on an empty folder, which stays. */
export async function mountSmallDisk(path: string, sizeKb = 1024): Promise<SmallDisk> {
	await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeKb}k`, 'tmpfs', path]);
	let fillers = 0;
	return {
		path,
		async fill() {
			for (let size = largestFiller; size >= smallestFiller; ) {
				const filler = join(path, `${fillerPrefix}${fillers++}`);
				try {
					await writeFile(filler, Buffer.alloc(size));
				} catch (error) {
					if (systemCodeOf(error) !== 'ENOSPC') throw error;
					await rm(filler, { force: true });
					size /= 2;
				}
			}
		},
		async free() {
			const names = (await readdir(path)).filter((name) => name.startsWith(fillerPrefix));
			await Promise.all(names.map((name) => rm(join(path, name), { force: true })));
		},
		async readOnly(is) {
			const remount = () => run('mount', ['-o', `remount,${is ? 'ro' : 'rw'}`, path]);
			await eventually(remount, { everyMs: 100, message: `${path} is ${is ? 'read-only' : 'writable'}` });
		},
		async [Symbol.asyncDispose]() {
			try {
				await eventually(() => run('umount', [path]), { timeoutMs: 3000, everyMs: 100 });
			} catch {
				// Somebody who outlives the test has it open: it goes with the last of them.
				await run('umount', ['--lazy', path]);
			}
		},
	};
}
