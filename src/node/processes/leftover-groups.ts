/**
 * Owns finding what a command left running when its node died before the process group was written down.
 * Promises only groups whose processes carry this node's folder and the command's id in their environment, and never
 * the group that this process is in.
 * Keeps nothing.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { type ProcessIdentity, processIdentity } from '../../base/process.ts';

/** What the children of a run carry in their environment. */
export function runEnvironment(
	dataDir: string,
	id: string,
): { STEWARD_NODE_DIR: string; STEWARD_ID: string } {
	return { STEWARD_NODE_DIR: dataDir, STEWARD_ID: id };
}

/** The leaders of the groups of one run. A leader may be gone already, and others of its group not. */
export function leftoverGroups(dataDir: string, id: string): ProcessIdentity[] {
	const wanted = Object.entries(runEnvironment(dataDir, id)).map(([name, value]) => `${name}=${value}`);
	const own = sessionOf('self');
	const leaders = new Set<number>();
	for (const pid of readdirSync('/proc')) {
		if (!/^\d+$/.test(pid)) continue;
		const variables = readOr(`/proc/${pid}/environ`).split('\0');
		if (!wanted.every((variable) => variables.includes(variable))) continue;
		const session = sessionOf(pid);
		if (session !== undefined && session !== own) leaders.add(session);
	}
	// A leader without a start time is gone: 0 is nobody's, and its group is known by its number alone.
	return [...leaders].map(
		(pid) => processIdentity(pid) ?? { ...processIdentity(process.pid), pid, startTime: 0 },
	);
}

/** A child that was started as a group of its own leads a session of its own as well. */
function sessionOf(pid: string): number | undefined {
	const stat = readOr(`/proc/${pid}/stat`);
	const session = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
	return Number.isSafeInteger(session) && session > 1 ? session : undefined;
}

/** A process may end between the listing and the look at it, and others' environments are not ours to read. */
function readOr(path: string): string {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return '';
	}
}
