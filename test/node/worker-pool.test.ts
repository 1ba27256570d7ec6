import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { ProcessDied, type RunInput } from '../../src/node/processes/method.ts';
import { WorkerPool, type WorkerPoolOptions } from '../../src/node/processes/worker-pool.ts';
import { builtFile } from '../support/built.ts';
import { eventually } from '../support/eventually.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';
import { tempDir } from '../support/temp.ts';
import { moduleHeader } from './module-source.ts';

const usual = `
	import { threadId, resourceLimits, parentPort } from 'node:worker_threads';
	import { existsSync } from 'node:fs';
	const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
	export default [
		method('who', ({ signal, log, output, ...context }) => ({ ...context, threadId, pid: process.pid, env: process.env, resourceLimits })),
		method('throws', () => { throw new RangeError('far too far', { cause: new Error('the reason') }); }),
		method('again', () => retry(1500, 'not yet')),
		method('huge', () => 'x'.repeat(8_000_000)),
		method('no', () => failed('the answer is no', { asked: true })),
		method('untilAbort', ({ signal }, path) => new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason)); appendFileSync(path, 'x'); })),
		method('gate', async (_, { begun, gate }) => { appendFileSync(begun, 'x'); while (!existsSync(gate)) await sleep(5); return threadId; }),
		method('forever', (_, path) => { appendFileSync(path, 'x'); return new Promise(() => undefined); }),
		method('busy', (_, path) => { appendFileSync(path, 'x'); for (;;); }),
		method('exit', () => process.exit(3)),
		method('crash', () => { setTimeout(() => { throw new Error('nobody caught me'); }, 1); return new Promise(() => undefined); }),
		method('later', () => { setTimeout(() => process.exit(4), 20); return threadId; }),
		method('buffers', async () => { const kept = []; for (;;) { kept.push(Buffer.alloc(8_000_000, 1)); await sleep(20); } }),
		method('speak', ({ log }) => { console.log('one line'); console.error('and another'); log.warn({ depth: 3 }, 'shallow'); }),
		method('output', async ({ output }) => { await output('one\\n'); await output('two', 'stderr'); }),
		method('lies', () => { parentPort.postMessage('nonsense'); parentPort.postMessage({ say: 'ended' }); return 'truth'; }),
	];
`;

async function pool(options: Partial<WorkerPoolOptions> = {}, source = usual) {
	const dir = await tempDir();
	const log = recordingLog();
	const modulePath = join(dir.path, 'module.mjs');
	await writeFile(modulePath, (await moduleHeader()) + source);
	const workers = new WorkerPool({
		...{ modulePath, count: 2, memoryMb: 64, graceMs: 5000, node: 'ship1', dataDir: dir.path },
		...{ clock: systemClock, log },
		env: { PATH: process.env.PATH, STEWARD_TOKEN: 'secret' },
		runnerPath: builtFile('bin/isolated-child.js'),
		...options,
	});
	await workers.start();
	const never = new AbortController().signal;
	return {
		...{ dir, log, workers },
		run: (method: string, data: unknown = null, signal = never, more: Partial<RunInput> = {}) =>
			workers.run(method, { sender: '_operator', id: 'c1', attempt: 1, data, ...more }, signal),
		async [Symbol.asyncDispose]() {
			await workers.stop();
			expect(workers.size).toBe(0);
			await dir[Symbol.asyncDispose]();
		},
	};
}

test.concurrent('a run has the whole context, in a thread of this process with its own environment and limit', async () => {
	await using parts = await pool();
	const { result } = await parts.run('who');
	expect(result.value).toMatchObject({
		...{
			node: 'ship1',
			sender: '_operator',
			id: 'c1',
			attempt: 1,
			dataDir: parts.dir.path,
			pid: process.pid,
		},
		...{ env: { STEWARD_NODE: 'ship1' }, resourceLimits: { maxOldGenerationSizeMb: 64 } },
	});
	expect((result.value as { env: object }).env).not.toHaveProperty('STEWARD_TOKEN');
	await expect(parts.run('throws')).rejects.toMatchObject({
		...{ name: 'RangeError', message: 'far too far', cause: { message: 'the reason' } },
	});
	expect(await parts.run('again')).toMatchObject({ outcome: 'retry', afterMs: 1500 });
	expect(await parts.run('no')).toMatchObject({ outcome: 'failed', result: { value: { asked: true } } });
	expect((await parts.run('huge')).result.value).toMatchObject({ cut: true, bytes: 8_000_002 });
	expect(await parts.run('lies')).toMatchObject({ result: { value: 'truth' } });
	await expect(parts.run('nosuch')).rejects.toThrow(/no method nosuch/);
	expect(parts.workers.size).toBe(1);
});

test.concurrent('what a thread prints and logs is in the log of the node', async () => {
	await using parts = await pool();
	await parts.run('speak');
	await eventually(() => parts.log.lines.length >= 3);
	expect(parts.log.lines).toEqual(
		expect.arrayContaining([
			{ level: 'info', message: 'one line', fields: { stream: 'stdout' } },
			{ level: 'info', message: 'and another', fields: { stream: 'stderr' } },
			{ level: 'warn', message: 'shallow', fields: { method: 'speak', id: 'c1', depth: 3 } },
		]),
	);
});

test.concurrent('the output of a run goes the same way as from a child process', async () => {
	await using parts = await pool();
	const said: string[] = [];
	const output = async (chunk: string | Uint8Array, stream: string) => {
		said.push(`${stream}: ${Buffer.from(chunk).toString('utf8')}`);
	};
	await parts.run('output', null, undefined, { output });
	expect(said).toEqual(['stdout: one\n', 'stderr: two']);
});

test.concurrent('there are no more threads than allowed, one run each, and runs wait in order', async () => {
	await using parts = await pool();
	const begun = join(parts.dir.path, 'begun');
	const gate = join(parts.dir.path, 'gate');
	const count = async () => (existsSync(begun) ? (await readFile(begun, 'utf8')).length : 0);
	const runs = Array.from({ length: 5 }, () => parts.run('gate', { begun, gate }));
	await eventually(async () => (await count()) === 2);
	const abort = new AbortController();
	const waiting = parts.run('who', null, abort.signal);
	abort.abort(new Error('cancelled while it waited'));
	await expect(waiting).rejects.toThrow('cancelled while it waited');
	expect(await count()).toBe(2);
	expect(parts.workers.size).toBe(2);
	await writeFile(gate, '');
	const threads = (await Promise.all(runs)).map(({ result }) => result.value);
	expect(new Set(threads).size).toBe(2);
});

test.concurrent('a thread without work ends by itself', async () => {
	await using parts = await pool({ idleMs: 300 });
	await parts.run('who');
	expect(parts.workers.size).toBe(1);
	await eventually(() => parts.workers.size === 0);
	expect(await parts.run('who')).toMatchObject({ outcome: 'succeeded' });
});

test.concurrent('an abort crosses to the run with its reason, and the thread is kept', async () => {
	await using parts = await pool();
	const abort = new AbortController();
	const begun = join(parts.dir.path, 'begun');
	const running = parts.run('untilAbort', begun, abort.signal);
	await eventually(() => existsSync(begun));
	abort.abort(new Error('runFor passed'));
	await expect(running).rejects.toThrow('runFor passed');
	expect(parts.workers.size).toBe(1);
	expect(await parts.run('who')).toMatchObject({ outcome: 'succeeded' });
	expect(parts.workers.size).toBe(1);
	await expect(parts.run('who', null, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
});

test.concurrent.each(['forever', 'busy'])(
	'a %s run that ignores its abort ends with its thread, and no other',
	async (method) => {
		await using parts = await pool({ graceMs: 200 });
		const begun = join(parts.dir.path, 'begun');
		const abort = new AbortController();
		const other = new AbortController();
		const beside = parts.run('untilAbort', join(parts.dir.path, 'beside'), other.signal);
		await eventually(() => existsSync(join(parts.dir.path, 'beside')));
		const running = parts.run(method, begun, abort.signal);
		await eventually(() => existsSync(begun));
		abort.abort(new Error('cancelled'));
		const error: unknown = await running.catch((reason: unknown) => reason);
		expect(error).toBeInstanceOf(ProcessDied);
		// When it is told, the thread is gone.
		expect(parts.workers.size).toBe(1);
		expect(await parts.run('who')).toMatchObject({ outcome: 'succeeded' });
		other.abort(new Error('over'));
		await expect(beside).rejects.toThrow('over');
	},
);

test.concurrent.each([
	['exit', /worker thread of .*module\.mjs ended, exit code 3/],
	['crash', /nobody caught me/],
	['buffers', /MiB of buffers, and 64 are allowed/],
])(
	'a thread that ends by %s is ProcessDied for its run, and for those that wait it is replaced',
	async (method, message) => {
		await using parts = await pool({ count: 1 });
		const dying = parts.run(method).catch((reason: unknown) => reason);
		const waiting = [parts.run('who'), parts.run('again')];
		const error = await dying;
		expect(error).toBeInstanceOf(ProcessDied);
		expect((error as Error).message).toMatch(message);
		expect((await Promise.all(waiting)).map(({ outcome }) => outcome)).toEqual(['succeeded', 'retry']);
	},
);

test.concurrent('a thread that ends after its run harms nobody', async () => {
	await using parts = await pool();
	await parts.run('later');
	await eventually(() => parts.workers.size === 0);
	expect(parts.log.lines.some(({ message }) => message.includes('while it had nothing to do'))).toBe(true);
	expect(await parts.run('who')).toMatchObject({ outcome: 'succeeded' });
});

test.concurrent.each([
	['process.chdir("/");', /cannot be used in a worker thread: .*chdir.*write isolate: 'child'/],
	['process.exit(7);', /exit code 7/],
	['throw new Error("at load");', /at load/],
])('a module that %s cannot be loaded in a thread, and says so', async (source, message) => {
	await using parts = await pool({}, source);
	const error: unknown = await parts.run('who').catch((reason: unknown) => reason);
	expect(error).toMatchObject({ code: 'invalid' });
	expect((error as Error).message).toMatch(message);
	expect(parts.workers.size).toBe(0);
});

test.concurrent('an abort ends a thread that never finishes loading', async () => {
	await using parts = await pool({}, 'for (;;);');
	const abort = new AbortController();
	const running = parts.run('who', null, abort.signal);
	await eventually(() => parts.workers.size === 1);
	abort.abort(new Error('cancelled'));
	await expect(running).rejects.toThrow('cancelled');
	expect(parts.workers.size).toBe(0);
});

test.concurrent('stop ends what runs, loads and waits; a stopped pool runs nothing', async () => {
	await using parts = await pool({ count: 2 });
	const begun = join(parts.dir.path, 'begun');
	const busy = parts.run('busy', begun);
	await eventually(() => existsSync(begun));
	// The second is in a thread that loads the module, the third waits.
	const told = Promise.allSettled([busy, parts.run('who'), parts.run('who')]);
	await eventually(() => parts.workers.size === 2);
	await parts.workers.stop();
	for (const result of await told) {
		expect(result.status === 'rejected' && result.reason).toBeInstanceOf(ProcessDied);
	}
	await expect(parts.run('who')).rejects.toBeInstanceOf(ProcessDied);
	await parts.workers.start();
	expect(await parts.run('who')).toMatchObject({ outcome: 'succeeded' });
});

test.concurrent('may be started and stopped by anybody in any order, while runs come and go', async () => {
	await using parts = await pool();
	let isOver = false;
	const coming = (async () => {
		while (!isOver) {
			await parts.run('who').catch((error: unknown) => expect(error).toBeInstanceOf(ProcessDied));
			await new Promise((resolve) => setImmediate(resolve));
		}
	})();
	await stressLifecycle(() => parts.workers, { rounds: 20 });
	isOver = true;
	await coming;
	expect(parts.workers.size).toBe(0);
});
