import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import {
	isSameProcess,
	parseProcessIdentity,
	processIdentity,
	processStartTime,
} from '../../src/base/process.ts';
import { eventually } from '../support/eventually.ts';

test('a process is itself until it ends, and never one that started at another time or boot', async () => {
	const child = spawn('sleep', ['60'], { stdio: 'ignore' });
	await once(child, 'spawn');
	const identity = processIdentity(child.pid ?? 0);
	if (identity === undefined) throw new Error('the child does not run');
	expect(identity.startTime).toBe(processStartTime(identity.pid));
	expect(isSameProcess(identity)).toBe(true);
	expect(isSameProcess({ pid: identity.pid, startTime: identity.startTime })).toBe(true);
	expect(isSameProcess({ ...identity, startTime: identity.startTime + 1 })).toBe(false);
	expect(isSameProcess({ ...identity, bootId: 'another' })).toBe(false);
	child.kill('SIGKILL');
	await once(child, 'exit');
	expect(isSameProcess(identity)).toBe(false);
	expect(processIdentity(identity.pid)).toBeUndefined();
});

test('a zombie that nobody has waited for has ended', async () => {
	// The shell becomes a program that never waits for the child that it got from the shell. The child must not end
	// before that, or the shell itself would have waited for it.
	const parent = spawn('sh', ['-c', 'read line <&3 & echo $!; exec sleep 60'], {
		stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
	});
	try {
		const [, stdout, , gate] = parent.stdio;
		const [pid] = await once(createInterface({ input: stdout as Readable }), 'line');
		await eventually(async () => (await readFile(`/proc/${parent.pid}/comm`, 'utf8')) === 'sleep\n');
		(gate as Writable).end('\n');
		await eventually(() => processStartTime(Number(pid)) === undefined);
		expect(process.kill(Number(pid), 0)).toBe(true);
	} finally {
		const exited = once(parent, 'exit');
		parent.kill('SIGKILL');
		await exited;
	}
});

test('what was written down is read back, and what a crash cut short is nobody', () => {
	const identity = processIdentity(process.pid);
	expect(parseProcessIdentity(JSON.stringify(identity))).toEqual(identity);
	for (const text of ['', '{"pid":1,"sta', 'null', '7', '{"pid":"1","startTime":2}']) {
		expect(parseProcessIdentity(text)).toBeUndefined();
	}
});
