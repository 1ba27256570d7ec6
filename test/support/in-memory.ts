/**
 * Owns where the short form of the tests has its temporary folders: in the machine's memory, where that is a file system with room and
 * programs may run from. Brokers and nodes make, force and take away thousands of files, which costs a disk half of the processor time.
 * Promises a folder of this run alone, gone at its end; what a run that was killed has left is taken away by the next one.
 */

import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { isLong } from './long.ts';

const memory = '/dev/shm';
/** Several times what all tests have there at once. */
const leastFree = 2 * 1024 ** 3;
/** Pids mean something among those who see the same ones. */
const prefix = 'steward-';

/** The folder of this run; undefined where it stays with the system's own: on other machines, or where somebody names one. */
export function folderInMemory(): string | undefined {
	if (isLong || process.env.TMPDIR !== undefined || !isThere()) return undefined;
	return join(memory, nameOf(process.pid));
}

function nameOf(pid: number): string {
	const namespace = Number(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0]);
	return `${prefix}${namespace.toString(36)}-${pid}`;
}

function isThere(): boolean {
	try {
		const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
		const [, , type, options = ''] = mounts.find((line) => line.includes(` ${memory} `))?.split(' ') ?? [];
		const { bavail, bsize } = statfsSync(memory);
		return type === 'tmpfs' && !options.split(',').includes('noexec') && bavail * bsize >= leastFree;
	} catch {
		return false;
	}
}

export default function setup(): (() => void) | undefined {
	const folder = folderInMemory();
	if (folder === undefined) return undefined;
	for (const name of readdirSync(memory)) {
		const pid = Number(/-(\d+)$/.exec(name)?.[1]);
		if (name === nameOf(pid) && !isRunning(pid)) take(join(memory, name));
	}
	mkdirSync(folder, { mode: 0o700 });
	return () => take(folder);
}

function take(folder: string): void {
	rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function isRunning(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}
