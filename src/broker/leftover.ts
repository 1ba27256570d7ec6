/**
 * Owns the note of which nats-server runs on a data folder, for the process that comes after ours.
 * Promises that two servers never share a store: a server that outlived its steward is ended before the next starts.
 * The note is a pid with its start time and boot, so a stranger with the same pid is never touched.
 */

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { systemCodeOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { isSameProcess, parseProcessIdentity, processIdentity } from '../base/process.ts';

export async function noteServer(folder: string, pid: number): Promise<void> {
	await writeFile(noteFile(folder), JSON.stringify(processIdentity(pid) ?? null), { mode: 0o600 });
}

/** Ends the server of a steward that died uncleanly. The folder's lock is ours, so nobody else minds it. */
export async function endLeftoverServer(
	folder: string,
	{ clock, log, stopWithinMs }: { clock: Clock; log: Log; stopWithinMs: number },
): Promise<void> {
	const leftover = await readNote(folder);
	if (leftover !== undefined && isSameProcess(leftover)) {
		log.warn({ pid: leftover.pid }, 'the nats-server of an unclean end still runs on this folder; ending it');
		const forceAt = clock.monotonic() + stopWithinMs;
		while (isSameProcess(leftover)) {
			killIfThere(leftover.pid, clock.monotonic() < forceAt ? 'SIGTERM' : 'SIGKILL');
			await clock.sleep(20);
		}
	}
	await rm(noteFile(folder), { force: true });
}

async function readNote(folder: string) {
	try {
		return parseProcessIdentity(await readFile(noteFile(folder), 'utf8'));
	} catch (error) {
		if (systemCodeOf(error) === 'ENOENT') return undefined;
		throw error;
	}
}

function killIfThere(pid: number, signal: NodeJS.Signals): void {
	try {
		process.kill(pid, signal);
	} catch (error) {
		if (systemCodeOf(error) !== 'ESRCH') throw error;
	}
}

function noteFile(folder: string): string {
	return join(folder, 'server.json');
}
