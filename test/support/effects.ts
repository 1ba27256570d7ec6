/**
 * Owns the counting of side effects: a file that commands append to, one line a start; and what the system says of a process.
 * Promises what truly happened, whatever anybody reported.
 * Lives in the folder that the test gives.
 */

import { appendFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSameProcess, processIdentity } from '../../src/base/process.ts';
import { eventually, longestWaitMs } from './eventually.ts';

export type Effects = {
	readonly path: string;
	/** `shellCommand` data: appends `word`, then runs `then`. */
	shell(word: string, then?: string): string[];
	/** The words in the order in which they were appended. */
	words(): Promise<string[]>;
	/** Waits until there are `count` words. */
	reach(count: number, timeoutMs?: number): Promise<string[]>;
	/** Opens the gate that {@link Effects.gate} waits at. */
	open(name: string): Promise<void>;
	/** Shell text that waits until the gate of this name is open, or its test is over and the folder gone. */
	gate(name: string): string;
};

export function effectsIn(dir: string, file = 'effects'): Effects {
	const path = join(dir, file);
	const words = async () => {
		try {
			return (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
		} catch {
			return [];
		}
	};
	return {
		path,
		shell: (word, then = 'true') => ['bash', '-c', `echo "${word}" >> ${path}; ${then}`],
		words,
		reach: (count, timeoutMs = longestWaitMs) =>
			eventually(
				async () => {
					const seen = await words();
					return seen.length >= count && seen;
				},
				{ timeoutMs, message: `${count} side effects in ${path}` },
			),
		open: (name) => appendFile(join(dir, `gate-${name}`), ''),
		gate: (name) => `while [ ! -e ${join(dir, `gate-${name}`)} -a -d ${dir} ]; do sleep 0.1; done`,
	};
}

/** Waits until the process is gone (a zombie has ended). */
export async function untilGone(pid: number, timeoutMs = longestWaitMs): Promise<void> {
	const identity = processIdentity(pid);
	if (!identity) return;
	await eventually(() => !isSameProcess(identity), { timeoutMs, message: `process ${pid} is gone` });
}

/**
 * Stops the process; resolves when each of its threads stands still. One of them is told, and tells the others when it comes to
 * run: until then, which is long on a busy machine, they answer.
 */
export async function stop(pid: number): Promise<void> {
	process.kill(pid, 'SIGSTOP');
	const tasks = `/proc/${pid}/task`;
	const standsStill = async (task: string) => {
		const stat = await readFile(join(tasks, task, 'stat'), 'utf8');
		return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
	};
	const isStopped = async () => (await Promise.all((await readdir(tasks)).map(standsStill))).every(Boolean);
	await eventually(isStopped, { message: `process ${pid} is stopped` });
}
