import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { type ProcessIdentity, processStartTime } from '../../src/base/process.ts';
import { IsolatedProcess } from '../../src/node/processes/isolated-process.ts';
import { ProcessDied, type RunInput } from '../../src/node/processes/method.ts';
import { ModuleProcess } from '../../src/node/processes/module-process.ts';
import { builtFile } from '../support/built.ts';
import { eventually } from '../support/eventually.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';
import { tempDir } from '../support/temp.ts';
import { moduleHeader } from './module-source.ts';

const usual = `
	import { isMainThread } from 'node:worker_threads';
	const inThread = (name, run) => ({ ...method(name, run), isolate: 'worker' });
	const place = () => ({ pid: process.pid, isMainThread });
	export default [
		method('inChild', place),
		inThread('inThread', place),
		method('childExits', () => process.exit(3)),
		inThread('exits', () => process.exit(4)),
		inThread('kills', () => process.kill(process.pid, 'SIGKILL')),
		inThread('busy', (_, path) => { appendFileSync(path, 'x'); for (;;); }),
		inThread('untilAbort', ({ signal }, path) => new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason)); appendFileSync(path, 'x'); })),
		inThread('maps', () => { const kept = new Map(); for (let n = 0; ; n++) kept.set(n, n); }),
		inThread('hoard', () => { const kept = []; for (;;) { kept.push(Buffer.alloc(2_000_000, 1)); const end = Date.now() + 5; while (Date.now() < end); } }),
		inThread('speak', async ({ log, output }) => { console.log('printed'); log.warn({ depth: 3 }, 'logged'); await output('put out'); }),
		inThread('throws', () => { throw Object.assign(new RangeError('far too far'), { code: 'EFAR' }); }),
	];
`;

async function module(source = usual) {
	const dir = await tempDir();
	const modulePath = join(dir.path, 'module.mjs');
	await writeFile(modulePath, (await moduleHeader()) + source);
	const log = recordingLog();
	const options = {
		...{
			name: 'module',
			modulePath,
			node: 'ship1',
			dataDir: dir.path,
			cwd: dir.path,
			memoryMb: 32,
			graceMs: 300,
		},
		...{ env: { PATH: process.env.PATH }, clock: systemClock, log },
		runnerPath: builtFile('bin/isolated-child.js'),
	};
	const process_ = new ModuleProcess({
		child: new IsolatedProcess(options),
		threads: new IsolatedProcess({ ...options, threads: 2 }),
	});
	const failures: Error[] = [];
	process_.onFailure((error) => failures.push(error));
	const never = new AbortController().signal;
	const run = (method: string, data: unknown = null, signal = never, more: Partial<RunInput> = {}) =>
		process_.run(method, { sender: '_operator', id: 'c1', attempt: 1, data, ...more }, signal);
	return {
		...{ dir, log, failures, run, process: process_ },
		/** The child process that a method runs in. */
		async leaderOf(method: string): Promise<number> {
			const leaders: ProcessIdentity[] = [];
			await run(method, null, never, { recordChild: async (leader) => void leaders.push(leader) });
			return leaders[0]?.pid ?? 0;
		},
		async [Symbol.asyncDispose]() {
			await process_.stop();
			await dir[Symbol.asyncDispose]();
		},
	};
}

test.concurrent('a method runs in the child, or in a thread of a second one, as it says', async () => {
	await using parts = await module();
	await parts.process.start();
	const [child, threads] = [await parts.leaderOf('inChild'), await parts.leaderOf('inThread')];
	expect(new Set([child, threads, process.pid, 0]).size).toBe(4);
	expect(['inChild', 'inThread'].map((name) => parts.process.leaderOf(name)?.pid)).toEqual([child, threads]);
	expect((await parts.run('inChild')).result.value).toEqual({ pid: child, isMainThread: true });
	expect((await parts.run('inThread')).result.value).toEqual({ pid: threads, isMainThread: false });
	await expect(parts.run('throws')).rejects.toMatchObject({ name: 'RangeError', code: 'EFAR' });
	const said: string[] = [];
	await parts.run('speak', null, undefined, {
		output: async (chunk, stream) => void said.push(`${stream}: ${Buffer.from(chunk).toString('utf8')}`),
	});
	expect(said).toEqual(['stdout: put out']);
	await eventually(() => parts.log.lines.length >= 2);
	expect(parts.log.lines).toEqual(
		expect.arrayContaining([
			{ level: 'info', message: 'printed', fields: { stream: 'stdout' } },
			{ level: 'warn', message: 'logged', fields: { method: 'speak', id: 'c1', depth: 3 } },
		]),
	);
	await parts.process.stop();
	expect([processStartTime(child), processStartTime(threads)]).toEqual([undefined, undefined]);
	expect(parts.failures).toEqual([]);
});

test.concurrent('a module without such methods has no second child', async () => {
	await using parts = await module(`export default method('inChild', () => 1);`);
	await parts.process.start();
	await expect(parts.run('inThread')).rejects.toThrow(/no method inThread/);
	expect(await parts.run('inChild')).toMatchObject({ outcome: 'succeeded' });
});

test.concurrent('a run that ends its thread, or is ended with it, takes no other run with it', async () => {
	await using parts = await module();
	await parts.process.start();
	const threads = await parts.leaderOf('inThread');
	const path = (name: string) => join(parts.dir.path, name);
	const other = new AbortController();
	const beside = parts.run('untilAbort', path('beside'), other.signal);
	await eventually(() => existsSync(path('beside')));
	const error: unknown = await parts.run('exits').catch((reason: unknown) => reason);
	expect(error).toBeInstanceOf(ProcessDied);
	expect((error as Error).message).toMatch(/worker thread of .*module\.mjs ended, exit code 4/);
	const abort = new AbortController();
	const busy = parts.run('busy', path('busy'), abort.signal);
	await eventually(() => existsSync(path('busy')));
	abort.abort(new Error('runFor passed'));
	await expect(busy).rejects.toBeInstanceOf(ProcessDied);
	expect(await parts.leaderOf('inThread')).toBe(threads);
	other.abort(new Error('cancelled'));
	await expect(beside).rejects.toThrow('cancelled');
	expect(parts.failures).toEqual([]);
});

test.concurrent.each([
	['kills', /signal SIGKILL/],
	['maps', /out of memory/],
	['hoard', /MiB in memory, and 576 are allowed; .*node\.moduleMemoryMb|MiB of buffers/],
	['childExits', /exit code 3/],
])('a run that ends its process (%s) is told so, and the module starts again', async (method, message) => {
	await using parts = await module();
	await parts.process.start();
	const error: unknown = await parts.run(method).catch((reason: unknown) => reason);
	expect(error).toBeInstanceOf(ProcessDied);
	expect((error as Error).message).toMatch(message);
	// Whether V8 ends the thread or the whole process is chance.
	if (method !== 'maps') await eventually(() => parts.failures.length === 1);
	await eventually(async () => {
		await parts.process.start();
		const outcomes = [await parts.run('inThread'), await parts.run('inChild')];
		return outcomes.every(({ outcome }) => outcome === 'succeeded');
	});
	expect(parts.failures.length).toBeLessThanOrEqual(1);
});

test.concurrent('may be started and stopped by anybody in any order', async () => {
	await using parts = await module();
	await stressLifecycle(() => parts.process, { rounds: 6 });
	expect(parts.failures).toEqual([]);
});
