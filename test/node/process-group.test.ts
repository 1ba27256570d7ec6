import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { systemClock as clock } from '../../src/base/clock.ts';
import { type ProcessIdentity, processIdentity, processStartTime } from '../../src/base/process.ts';
import { endProcessGroup } from '../../src/node/processes/process-group.ts';
import { eventually } from '../support/eventually.ts';

/** Starts a group whose script prints the pid of one more member, and gives both. */
async function group(script: string): Promise<{ leader: ProcessIdentity; member: number }> {
	const child = spawn('bash', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
	const [line] = await once(child.stdout, 'data');
	const leader = processIdentity(child.pid ?? 0);
	if (leader === undefined) throw new Error('the leader is gone already');
	return { leader, member: Number(String(line)) };
}

test('a group that an earlier process left is gone afterwards', async () => {
	const { leader, member } = await group('sleep 1000 & echo $!; wait');
	expect(await endProcessGroup(leader, { clock, graceMs: 5000 })).toBe('gone');
	expect(processStartTime(leader.pid)).toBeUndefined();
	expect(processStartTime(member)).toBeUndefined();
});

test('members are ended also when their leader is gone', async () => {
	const { leader, member } = await group('sleep 1000 & echo $!; sleep 0.1');
	await eventually(() => processStartTime(leader.pid) === undefined);
	expect(processStartTime(member)).toBeDefined();
	expect(await endProcessGroup(leader, { clock, graceMs: 5000 })).toBe('gone');
	expect(processStartTime(member)).toBeUndefined();
});

test('what ignores SIGTERM is killed after the grace', async () => {
	const { leader, member } = await group("trap '' TERM; sleep 1000 & echo $!; while :; do wait; done");
	const begin = performance.now();
	await endProcessGroup(leader, { clock, graceMs: 200 });
	expect(performance.now() - begin).toBeGreaterThanOrEqual(195);
	expect(processStartTime(member)).toBeUndefined();
});

test('a stopped process is ended within the grace', async () => {
	const { leader } = await group('echo $$; kill -STOP $$');
	const begin = performance.now();
	await endProcessGroup(leader, { clock, graceMs: 20_000 });
	expect(performance.now() - begin).toBeLessThan(10_000);
	expect(processStartTime(leader.pid)).toBeUndefined();
});

test('a stranger with the same pid, of this boot or another, is left alone', async () => {
	const { leader } = await group('echo $$; sleep 1000');
	const stranger = { ...leader, startTime: leader.startTime - 1 };
	expect(await endProcessGroup(stranger, { clock, graceMs: 0 })).toBe('gone');
	expect(await endProcessGroup({ ...leader, bootId: 'another' }, { clock, graceMs: 0 })).toBe('gone');
	expect(processStartTime(leader.pid)).toBe(leader.startTime);
	await endProcessGroup(leader, { clock, graceMs: 0 });
	expect(processStartTime(leader.pid)).toBeUndefined();
});

test.each([0, 1, -5, Number.NaN, process.pid])('never signals for pid %s', async (pid) => {
	await expect(endProcessGroup({ pid, startTime: 1 }, { clock, graceMs: 0 })).rejects.toThrow(RangeError);
});
