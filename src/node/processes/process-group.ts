/**
 * Owns the end of a process group: a child process that leads its own session, and all that it started and left in it.
 * Promises that the whole group is gone when `endProcessGroup` resolves, and that no signal ever reaches a stranger
 * who was given the same pid since.
 * A crash in the middle leaves the group as it is; its leader is written down, and the next process ends it.
 */

import { readdirSync, readFileSync } from 'node:fs';
import type { Clock } from '../../base/clock.ts';
import { systemCodeOf } from '../../base/errors.ts';
import { machineBootId, type ProcessIdentity, processStartTime } from '../../base/process.ts';

/** Milliseconds between two looks at a group that was told to end: often at first, then seldom. */
const firstPauseMs = 2;
const longestPauseMs = 100;

export type GroupEnd = 'gone' | 'not-permitted';

/**
 * Ends the group that `leader` began (it was started with `detached: true`): SIGTERM, `graceMs`, then SIGKILL until
 * nobody is left. The leader itself may be gone already. `not-permitted`: they run as another user, and go on.
 * A process that made a session of its own (`setsid`, a daemon) has left the group, and is nobody's to end.
 */
export async function endProcessGroup(
	leader: ProcessIdentity,
	options: { clock: Clock; graceMs: number },
): Promise<GroupEnd> {
	const { clock, graceMs } = options;
	if (!isAlive(leader)) return 'gone';
	if (graceMs > 0) {
		if (signalGroup(leader, 'SIGTERM') === 'not-permitted') return 'not-permitted';
		// A stopped process takes SIGTERM only once it goes on.
		signalGroup(leader, 'SIGCONT');
	}
	const killAt = clock.monotonic() + graceMs;
	let pauseMs = firstPauseMs;
	while (isAlive(leader)) {
		const restMs = killAt - clock.monotonic();
		// Again in each round: a fork can slip past a signal.
		if (restMs <= 0 && signalGroup(leader, 'SIGKILL') === 'not-permitted') return 'not-permitted';
		await clock.sleep(restMs > 0 ? Math.min(pauseMs, restMs) : pauseMs);
		pauseMs = Math.min(pauseMs * 2, longestPauseMs);
	}
	return 'gone';
}

/** Whether anybody of the group still runs. A zombie has ended, though it may never be reaped in a container. */
function isAlive(leader: ProcessIdentity): boolean {
	const { pid, startTime, bootId } = leader;
	// kill(-1) reaches every process of this user, and kill(-0) ourselves.
	if (!Number.isSafeInteger(pid) || pid < 2 || pid === process.pid) {
		throw new RangeError(`pid ${pid} leads no process group of ours`);
	}
	if (bootId !== undefined && bootId !== machineBootId()) return false;
	if (signalGroup(leader, 0) === 'gone') return false;
	const running = processStartTime(pid);
	// The system gives no pid away while a group of that number has members: another leader means an empty old group.
	if (running !== undefined) return running === startTime;
	return hasMembers(pid);
}

function signalGroup(leader: ProcessIdentity, signal: NodeJS.Signals | 0): 'sent' | GroupEnd {
	try {
		process.kill(-leader.pid, signal);
		return 'sent';
	} catch (error) {
		const code = systemCodeOf(error);
		if (code === 'ESRCH') return 'gone';
		if (code === 'EPERM') return 'not-permitted';
		throw error;
	}
}

/** Looks for a process, no zombie, whose group and session are both `leaderPid`, as `detached: true` makes them. */
function hasMembers(leaderPid: number): boolean {
	return readdirSync('/proc').some((name) => {
		if (!/^\d+$/.test(name)) return false;
		const stat = readStat(name);
		if (stat === undefined) return false;
		const [state, , group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		if (state === undefined || 'ZXx'.includes(state)) return false;
		return Number(group) === leaderPid && Number(session) === leaderPid;
	});
}

/** A process may end between the listing and the look at it. */
function readStat(pid: string): string | undefined {
	try {
		return readFileSync(`/proc/${pid}/stat`, 'utf8');
	} catch {
		return undefined;
	}
}
