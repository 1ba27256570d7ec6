/**
 * Owns the identity of a child process: its pid together with the moment at which it started.
 * Promises that a pid which the system gave to somebody else since is never taken for the old one, also after a reboot.
 * An identity can be written down, and is meant to be read by the next process after this one died.
 */

import { readFileSync } from 'node:fs';

/** A process that can be told from a later one with the same pid. */
export type ProcessIdentity = {
	readonly pid: number;
	/** Clock ticks from the boot of the machine to the start of the process. */
	readonly startTime: number;
	/** The machine's boot, because ticks begin again with each. */
	readonly bootId?: string;
};

/** The machine's boot: the same for as long as this process lives, so it is read once. */
let bootOfMachine: { readonly id: string | undefined } | undefined;

export function machineBootId(): string | undefined {
	bootOfMachine ??= { id: readProc('/proc/sys/kernel/random/boot_id')?.trim() };
	return bootOfMachine.id;
}

/** When `pid` started, in clock ticks since boot; undefined if there is none, or only its zombie. */
export function processStartTime(pid: number): number | undefined {
	const stat = readProc(`/proc/${pid}/stat`);
	if (stat === undefined) return undefined;
	// The second field is the name in parentheses, and may hold anything, also spaces and parentheses.
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	const state = fields[0];
	if (state === undefined || 'ZXx'.includes(state)) return undefined;
	const startTime = Number(fields[19]);
	return Number.isSafeInteger(startTime) ? startTime : undefined;
}

/** The identity of a running process, or undefined if it is gone. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
	const startTime = processStartTime(pid);
	if (startTime === undefined) return undefined;
	const bootId = machineBootId();
	return bootId === undefined ? { pid, startTime } : { pid, startTime, bootId };
}

/** Whether the process that was written down still runs. A zombie has ended. */
export function isSameProcess(identity: ProcessIdentity): boolean {
	const current = processIdentity(identity.pid);
	if (current === undefined || current.startTime !== identity.startTime) return false;
	return identity.bootId === undefined || identity.bootId === current.bootId;
}

/** An identity out of JSON that a process wrote, perhaps cut short by a crash; undefined if it is none. */
export function parseProcessIdentity(text: string): ProcessIdentity | undefined {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return undefined;
	}
	if (typeof value !== 'object' || value === null || !('pid' in value) || !('startTime' in value))
		return undefined;
	const { pid, startTime } = value;
	if (typeof pid !== 'number' || typeof startTime !== 'number') return undefined;
	if ('bootId' in value && typeof value.bootId === 'string') return { pid, startTime, bootId: value.bootId };
	return { pid, startTime };
}

/** A process may end between any two looks at it, so a file that cannot be read means that it is gone. */
function readProc(path: string): string | undefined {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return undefined;
	}
}
