/**
 * Owns the processor time of this process and of all that it started, servers included.
 * Promises what the system counts: it says what a work costs also where the machine does something else meanwhile.
 * Reads only.
 */

import { readdir, readFile } from 'node:fs/promises';

const microsecondsOfTick = 10_000;

const microsecondsOf = (ticks) => ticks.reduce((sum, one) => sum + Number(one), 0) * microsecondsOfTick;

/** Of itself a process knows more than ticks. */
function ownMicroseconds() {
	const { user, system } = process.cpuUsage();
	return user + system;
}

/** @returns Microseconds so far by process id; children that have ended count for their parent. */
export async function cpuOfTree() {
	const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
	const parents = new Map();
	const used = new Map();
	for (const pid of pids.map(Number)) {
		// It may have ended meanwhile.
		const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
		const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
		if (fields.length < 16) continue;
		parents.set(pid, Number(fields[1]));
		const [own, ended] = [fields.slice(11, 13), fields.slice(13, 15)].map(microsecondsOf);
		used.set(pid, ended + (pid === process.pid ? ownMicroseconds() : own));
	}
	const isOurs = (pid) => pid === process.pid || (parents.has(pid) && isOurs(parents.get(pid)));
	return new Map([...used].filter(([pid]) => isOurs(pid)));
}

/** @returns Microseconds of all processes together while `work` ran, and what it gave. */
export async function cpuWhile(work) {
	const before = await cpuOfTree();
	const given = await work();
	const after = await cpuOfTree();
	let cpu = 0;
	for (const [pid, used] of after) cpu += used - (before.get(pid) ?? 0);
	return { given, cpu };
}

/** @returns Microseconds so far of one process that this one started. */
export async function cpuOf(pid) {
	const used = (await cpuOfTree()).get(pid);
	if (used === undefined) throw new Error(`the process ${pid} is gone`);
	return used;
}
