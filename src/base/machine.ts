/**
 * Owns the identity of the machine that this process runs on.
 * Promises the same answer after a restart, and another one on another machine or in another container.
 * Derived anew at each start; nothing is stored.
 */

import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCodeOf } from './errors.ts';

/** Stays over restarts and reboots: the system's machine id and the host's name. */
export function machineId(): string {
	return digest(readOr('/etc/machine-id'), hostname());
}

/** Where a pid means the same process: this boot of this machine, and this namespace of pids. */
export function pidSpace(): string {
	return digest(readOr('/proc/sys/kernel/random/boot_id'), linkOr('/proc/self/ns/pid'), hostname());
}

function digest(...parts: readonly string[]): string {
	return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16);
}

function readOr(path: string): string {
	return absentAsEmpty(() => readFileSync(path, 'utf8').trim());
}

function linkOr(path: string): string {
	return absentAsEmpty(() => readlinkSync(path));
}

function absentAsEmpty(read: () => string): string {
	try {
		return read();
	} catch (error) {
		if (systemCodeOf(error) === undefined) throw error;
		return '';
	}
}
