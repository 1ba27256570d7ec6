import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { type ProcessIdentity, processStartTime } from '../../src/base/process.ts';
import { IsolatedProcess, type IsolatedProcessOptions } from '../../src/node/processes/isolated-process.ts';
import { ProcessDied, type RunInput } from '../../src/node/processes/method.ts';
import { builtFile } from '../support/built.ts';
import { eventually } from '../support/eventually.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { recordingLog } from '../support/log.ts';
import { tempDir } from '../support/temp.ts';

let runnerPath: string;
let header: string;

beforeAll(async () => {
	runnerPath = builtFile('bin/isolated-child.js');
	const methods = pathToFileURL(builtFile('node/processes/method.js')).href;
	header = `
		import { defineMethod, ended, failed, retry } from '${methods}';
		import { z } from '${import.meta.resolve('zod')}';
		import { closeSync, writeFileSync, writeSync } from 'node:fs';
		import { spawn } from 'node:child_process';
		/** Says it to the node past steward, as a module can. */
		const say = (text) => { for (let rest = Buffer.from(text); rest.length > 0; ) try { rest = rest.subarray(writeSync(4, rest)); } catch (error) { if (error.code !== 'EAGAIN') throw error; } };
		const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
		const method = (name, run, data = z.any()) => defineMethod({ name, kind: 'command', data, run });
	`;
});

const usual = `
	export default [
		method('add', (_, { a, b }) => a + b, z.strictObject({ a: z.number(), b: z.number().default(5) })),
		method('who', ({ signal, log, ...context }) => ({ ...context, pid: process.pid, cwd: process.cwd() })),
		method('throws', () => { throw new RangeError('far too far', { cause: new Error('the reason') }); }),
		method('rejects', async () => { await sleep(1); throw Object.assign(new Error('later'), { code: 'ELATER' }); }),
		method('throwsText', () => { throw 'only text'; }),
		method('again', () => retry(1500, 'not yet')),
		method('againNever', () => retry(Number.NaN)),
		method('no', () => failed('the answer is no', { asked: true })),
		method('nothing', () => undefined),
		method('odd', (_, what) => ({ bigint: 1n, function: () => 1 })[what]),
		method('forever', () => new Promise(() => undefined)),
		method('untilAbort', ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))),
		method('deaf', (_, { ms, path }) => { writeFileSync(path, ''); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); return 'done'; }),
		method('busy', (_, { ms, path }) => { if (path) writeFileSync(path, ''); const end = Date.now() + ms; while (Date.now() < end); return 'done'; }),
		method('exit', () => process.exit(3)),
		method('crash', () => { setTimeout(() => { throw new Error('nobody caught me'); }, 1); return new Promise(() => undefined); }),
		method('deafen', () => { closeSync(3); return new Promise(() => undefined); }),
		method('disconnect', () => { closeSync(4); return new Promise(() => undefined); }),
		method('speak', ({ log }) => { console.log('one line'); console.error('and another'); process.stdout.write('no newline'); log.warn({ depth: 3 }, 'shallow'); }),
		method('flood', () => { for (let i = 0; i < 20000; i++) console.log('line ' + i); console.log('x'.repeat(100000)); return 'over'; }),
		method('hoard', () => { const kept = []; for (;;) { kept.push(Buffer.alloc(2_000_000, 1)); const end = Date.now() + 5; while (Date.now() < end); } }),
		method('lies', () => { writeSync(4, 'nonsense\\n' + JSON.stringify({ say: 'ended', call: 'x' }) + '\\n'); return 'truth'; }),
		method('grandchild', (_, path) => { writeFileSync(path, String(spawn('sleep', ['1000'], { stdio: 'ignore' }).pid)); return new Promise(() => undefined); }),
	];
	export const named = method('named', () => 'by name');
	export const version = 1;
`;

async function isolated(source = usual, options: Partial<IsolatedProcessOptions> = {}) {
	const dir = await tempDir();
	const modulePath = join(dir.path, 'module.mjs');
	await writeFile(modulePath, header + source);
	const log = recordingLog();
	const process_ = new IsolatedProcess({
		name: 'module',
		modulePath,
		node: 'ship1',
		dataDir: dir.path,
		cwd: dir.path,
		env: { PATH: process.env.PATH },
		clock: systemClock,
		log,
		runnerPath,
		...options,
	});
	const failures: Error[] = [];
	process_.onFailure((error) => failures.push(error));
	const never = new AbortController().signal;
	return {
		dir,
		log,
		modulePath,
		failures,
		process: process_,
		run: (method: string, data: unknown = null, signal = never, more: Partial<RunInput> = {}) =>
			process_.run(method, { sender: '_operator', id: 'c1', attempt: 1, data, ...more }, signal),
		async [Symbol.asyncDispose]() {
			await process_.stop();
			await dir[Symbol.asyncDispose]();
		},
	};
}

async function pidOf(module: Awaited<ReturnType<typeof isolated>>): Promise<number> {
	const { result } = await module.run('who');
	return (result.value as { pid: number }).pid;
}

describe('IsolatedProcess', () => {
	test('offers every method of the module, and checks and runs them in the child', async () => {
		await using module = await isolated();
		await module.process.start();
		expect(module.process.methods.map(({ name }) => name)).toEqual(expect.arrayContaining(['add', 'named']));
		expect(module.process.methods.find(({ name }) => name === 'add')?.dataSchema).toMatchObject({
			required: ['a'],
		});
		expect(await module.process.check('add', { a: 1, b: 2 })).toEqual([]);
		expect(await module.process.check('add', { a: 'x', bb: 2 })).toEqual([
			'a: expected number, got "x"',
			expect.stringMatching(/bb: unknown field; did you mean "b"/),
		]);
		expect(await module.run('add', { a: 1 })).toMatchObject({ outcome: 'succeeded', result: { value: 6 } });
		await expect(module.run('add', { a: 'x' })).rejects.toMatchObject({ code: 'invalid' });
		await expect(module.run('nosuch')).rejects.toThrow(/no method nosuch/);
		expect(await module.run('named')).toMatchObject({ result: { value: 'by name' } });
		const { result } = await module.run('who');
		expect(result.value).toMatchObject({
			node: 'ship1',
			sender: '_operator',
			id: 'c1',
			attempt: 1,
			dataDir: module.dir.path,
			cwd: module.dir.path,
		});
		expect(await pidOf(module)).not.toBe(process.pid);
		await module.process.stop();
		expect(module.failures).toEqual([]);
	});

	test('what a method throws, returns or refuses comes over as it is', async () => {
		await using module = await isolated();
		await module.process.start();
		const thrown: unknown = await module.run('throws').catch((error: unknown) => error);
		expect(thrown).toMatchObject({
			name: 'RangeError',
			message: 'far too far',
			cause: { message: 'the reason' },
		});
		expect((thrown as Error).stack).toMatch(/module\.mjs/);
		await expect(module.run('rejects')).rejects.toMatchObject({ message: 'later', code: 'ELATER' });
		await expect(module.run('throwsText')).rejects.toThrow('only text');
		expect(await module.run('again')).toMatchObject({
			outcome: 'retry',
			afterMs: 1500,
			fault: { message: 'not yet' },
		});
		await expect(module.run('againNever')).rejects.toThrow(/afterMs: expected number/);
		expect(await module.run('no')).toMatchObject({
			outcome: 'failed',
			result: { value: { asked: true } },
			fault: { code: 'failed', message: 'the answer is no' },
		});
		expect((await module.run('nothing')).result.value).toBeUndefined();
		await expect(module.run('odd', 'bigint')).rejects.toThrow(/JSON cannot hold/);
		await expect(module.run('odd', 'function')).rejects.toThrow(/JSON cannot hold/);
		expect(await module.run('lies')).toMatchObject({ result: { value: 'truth' } });
		expect(module.failures).toEqual([]);
	});

	test('an abort reaches the method with its reason, and leaves the other runs alone', async () => {
		await using module = await isolated();
		await module.process.start();
		const abort = new AbortController();
		const running = module.run('untilAbort', null, abort.signal);
		const other = new AbortController();
		const otherRun = module.run('untilAbort', null, other.signal);
		await module.run('nothing');
		abort.abort(new Error('runFor passed'));
		await expect(running).rejects.toThrow('runFor passed');
		expect(await module.run('named')).toMatchObject({ outcome: 'succeeded' });
		other.abort(new Error('cancelled'));
		await expect(otherRun).rejects.toThrow('cancelled');
		await expect(module.run('named', null, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
		expect(module.failures).toEqual([]);
	});

	test('a run that ignores its abort ends with its child, and the next start has a new one', async () => {
		await using module = await isolated(usual, { graceMs: 200 });
		await module.process.start();
		const pid = await pidOf(module);
		const abort = new AbortController();
		const running = module.run('forever', null, abort.signal);
		const beside = module.run('forever');
		const both = Promise.allSettled([running, beside]);
		await module.run('nothing');
		abort.abort(new Error('cancelled'));
		for (const result of await both) {
			expect(result.status === 'rejected' && result.reason).toBeInstanceOf(ProcessDied);
		}
		expect(processStartTime(pid)).toBeUndefined();
		expect(module.failures).toHaveLength(1);
		await expect(module.run('named')).rejects.toBeInstanceOf(ProcessDied);
		await module.process.start();
		expect(await module.run('named')).toMatchObject({ outcome: 'succeeded' });
	});

	test('a busy method does not hold up the node', async () => {
		await using module = await isolated();
		await module.process.start();
		const path = join(module.dir.path, 'begun');
		let [isOver, turns] = [false, 0];
		const running = module.run('deaf', { ms: 1500, path }).finally(() => {
			isOver = true;
		});
		await eventually(() => existsSync(path));
		while (!isOver) {
			await nextTurn();
			turns += 1;
		}
		expect(await running).toMatchObject({ result: { value: 'done' } });
		expect(turns).toBeGreaterThan(10);
	});

	test('a busy method that ignores its abort is killed', async () => {
		await using module = await isolated(usual, { graceMs: 200 });
		await module.process.start();
		const abort = new AbortController();
		const path = join(module.dir.path, 'begun');
		const running = module.run('busy', { ms: 60_000, path }, abort.signal);
		const rejected = expect(running).rejects.toBeInstanceOf(ProcessDied);
		await eventually(() => existsSync(path));
		abort.abort();
		await rejected;
	});

	test('a child that takes too much memory beside its heap is killed by the node, however busy it is', async () => {
		await using module = await isolated(usual, { memoryMb: 32 });
		await module.process.start();
		const error: unknown = await module.run('hoard').catch((reason: unknown) => reason);
		expect(error).toBeInstanceOf(ProcessDied);
		expect((error as Error).message).toMatch(
			/ended, signal SIGKILL: it had \d+ MiB in memory, and 288 are allowed; .*node\.moduleMemoryMb/,
		);
		expect(module.failures).toHaveLength(1);
	});

	test.each([
		['exit', /exit code 3/],
		['crash', /nobody caught me/],
		['disconnect', /module\.mjs ended/],
		['deafen', /module\.mjs ended/],
	])('a child that dies by %s rejects its runs and tells its supervisor', async (method, message) => {
		await using module = await isolated();
		await module.process.start();
		const beside = module.run('forever');
		const both = await Promise.allSettled([module.run(method), beside]);
		for (const result of both) {
			const reason: unknown = result.status === 'rejected' ? result.reason : undefined;
			expect(reason).toBeInstanceOf(ProcessDied);
			expect((reason as Error).message).toMatch(message);
		}
		expect(module.failures).toHaveLength(1);
		if (method === 'crash') expect(module.failures[0]?.cause).toMatchObject({ message: 'nobody caught me' });
	});

	test.each([
		['export default {', /cannot be loaded/],
		['import "./missing.mjs";', /cannot be loaded.*missing\.mjs/],
		['throw new Error("at load");', /cannot be loaded: at load/],
		['export const x = 1;', /exports no method/],
		[
			'export default { name: "a b", kind: "x", run: 1 };',
			/name: expected.*kind: expected.*data: expected.*run: expected/,
		],
		[
			'export default [method("twice", () => 1), method("twice", () => 2)];',
			/defines the method twice twice/,
		],
		[
			'export default { ...method("x", () => 1), defaults: { runForMs: "10m" } };',
			/defaults\.runForMs: expected number/,
		],
		['process.exit(7);', /ended while loading it, exit code 7/],
		['Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);', /loading took longer than 4000 ms/],
	])('a module with %s cannot be started, and says why', async (source, message) => {
		await using module = await isolated(source, source.startsWith('Atomics') ? { startWithinMs: 4000 } : {});
		const error: unknown = await module.process.start().catch((thrown: unknown) => thrown);
		expect(error).toMatchObject({ code: 'invalid' });
		expect((error as Error).message).toMatch(message);
		expect((error as Error).message).toContain(module.modulePath);
		expect(module.failures).toEqual([]);
		await writeFile(module.modulePath, header + usual);
		await module.process.start();
		expect(await module.run('named')).toMatchObject({ outcome: 'succeeded' });
	});

	test('what the module prints and logs is in the log of the node, line by line', async () => {
		await using module = await isolated();
		await module.process.start();
		await module.run('speak');
		await module.process.stop();
		expect(module.log.lines).toEqual(
			expect.arrayContaining([
				{ level: 'info', message: 'one line', fields: { stream: 'stdout' } },
				{ level: 'info', message: 'and another', fields: { stream: 'stderr' } },
				{ level: 'info', message: 'no newline', fields: { stream: 'stdout' } },
				{ level: 'warn', message: 'shallow', fields: { method: 'speak', id: 'c1', depth: 3 } },
			]),
		);
	});

	test('a flood of output is dropped, and said', async () => {
		await using module = await isolated();
		await module.process.start();
		expect(await module.run('flood')).toMatchObject({ result: { value: 'over' } });
		await module.process.stop();
		expect(module.log.lines.length).toBeLessThan(5000);
		expect(module.log.lines.some(({ level, message }) => level === 'warn' && /dropped/.test(message))).toBe(
			true,
		);
		expect(Math.max(...module.log.lines.map(({ message }) => message.length))).toBeLessThan(5000);
	});

	const mib = 2 ** 20;

	test('whatever a module gives, its node takes a bounded piece of it, which says how much there was', async () => {
		const long = `'x'.repeat(${8 * mib})`;
		await using module = await isolated(`
			const big = ${long};
			const outputs = { head: big, tail: big, bytes: ${16 * mib}, sha256: big, encoding: 'utf8', cut: 0 };
			export default [
				method('value', () => ['a', big]),
				method('verdict', () => failed(big, big)),
				method('outputs', () => ended({ exitCode: 0, signal: big, stdout: outputs, stderr: outputs })),
				method('throws', () => { const error = new Error(big, { cause: new Error(big) }); error.name = error.code = big; throw error; }),
				method('throwsText', () => { throw big; }),
				method('logs', ({ log }) => { log.info(Object.fromEntries(Array.from({ length: 1000 }, (_, n) => ['f' + n, big])), big); }),
				method('checked', () => 1, z.any().check(({ issues }) => { for (let n = 0; n < 100; n++) issues.push({ code: 'custom', message: big.slice(0, 100_000), input: 1 }); })),
				method('deep', () => { let value = []; for (let n = 0; n < 2000; n++) value = [value]; return value; }),
				...Array.from({ length: 40 }, (_, n) => method('schema' + n, () => n, z.object({ [big.slice(0, 40_000) + n]: z.string() }))),
				method('small', () => 'small', z.object({ small: z.string().optional() })),
			];
		`);
		await module.process.start();
		const described = new Map(module.process.methods.map((method) => [method.name, method]));
		expect(described.size).toBe(49);
		expect(described.get('small')?.dataSchema).toMatchObject({ properties: { small: { type: 'string' } } });
		const noted = [...described.values()].filter(({ description }) =>
			/not told: it has 80\d\d\d bytes/.test(description ?? ''),
		);
		expect(noted.length).toBeGreaterThan(30);
		expect(noted.length).toBeLessThan(40);
		expect((await module.run('value')).result.value).toEqual({
			...{ cut: true, bytes: 8 * mib + 8 },
			head: expect.stringMatching(/^\["a","x{1018}$/),
		});
		const verdict = await module.run('verdict');
		expect(verdict.result.value).toMatchObject({ cut: true, bytes: 8 * mib + 2 });
		expect(verdict).toMatchObject({
			fault: { message: expect.stringMatching(/^x{8192}… \(cut: 8388608 characters\)$/) },
		});
		const { result } = await module.run('outputs');
		expect(result.stdout).toMatchObject({ head: '', tail: '', bytes: 16 * mib, cut: 16 * mib });
		const thrown: unknown = await module.run('throws').catch((error: unknown) => error);
		expect((thrown as Error).message).toMatch(/^x{8192}… \(cut: 8388608 characters\)$/);
		expect((thrown as Error).cause).toMatchObject({ message: expect.stringMatching(/^x{8192}…/) });
		await expect(module.run('throwsText')).rejects.toThrow(/^x{8192}…/);
		await module.run('logs');
		expect(module.log.lines.find(({ message }) => message.startsWith('x'))?.message.length).toBeLessThan(
			4200,
		);
		const problems = await module.process.check('checked', 1);
		expect(problems).toHaveLength(21);
		expect(problems.at(-1)).toBe('and 11 more');
		await expect(module.run('deep')).rejects.toThrow(/nested too deep/);
		expect(module.failures).toEqual([]);
	});

	test.each([
		[
			'one endless message',
			`for (;;) say('x'.repeat(65_536))`,
			/more than 1048576 bytes in one message, and no more are allowed/,
		],
		[
			'a flood of output',
			`for (let piece = 0; ; piece++) say(JSON.stringify({ say: 'output', call: 7, piece, stream: 'stdout', data: '' }) + '\\n')`,
			/did not wait for the answers to its output/,
		],
	])(
		'a module that writes %s to its node past steward is ended, and the node holds none of it',
		async (_, hostile, message) => {
			await using module = await isolated(`export default [method('hostile', () => { ${hostile}; })];`);
			await module.process.start();
			const before = process.memoryUsage().rss;
			const error: unknown = await module.run('hostile').catch((reason: unknown) => reason);
			expect(error).toBeInstanceOf(ProcessDied);
			expect((error as Error).message).toMatch(message);
			expect(process.memoryUsage().rss - before).toBeLessThan(100 * mib);
			expect(module.failures).toHaveLength(1);
		},
	);

	test('what a module writes that is nested without end does no harm', async () => {
		await using module = await isolated(`
			const cause = '{"name":"a","message":"b","cause":'.repeat(20_000);
			export default [method('hostile', () => {
				say('{"say":"crashed","error":' + cause + 'null' + '}'.repeat(20_001) + '\\n');
				say('{"say":"ended","call":1,"outcome":{"outcome":"succeeded","result":{"value":' + '['.repeat(100_000) + ']'.repeat(100_000) + '}}}\\n');
				return 'truth';
			})];
		`);
		await module.process.start();
		expect(await module.run('hostile')).toMatchObject({ result: { value: 'truth' } });
	});

	test('a module that is refused while it is loaded says why', async () => {
		await using module = await isolated(`say('x'.repeat(2_000_000)); await new Promise(() => undefined);`);
		await expect(module.process.start()).rejects.toThrow(/ended while loading it, .*more than 1048576 bytes/);
	});

	test('stop ends what still runs, with what it has started', async () => {
		await using module = await isolated();
		await module.process.start();
		const path = join(module.dir.path, 'pid');
		const recorded: ProcessIdentity[] = [];
		const running = module.run('grandchild', path, undefined, {
			recordChild: async (child) => {
				recorded.push(child);
			},
		});
		const rejected = expect(running).rejects.toBeInstanceOf(ProcessDied);
		const grandchild = Number(await eventually(() => readFile(path, 'utf8')));
		expect(recorded.map(({ pid }) => pid)).toEqual([await pidOf(module)]);
		await module.process.stop();
		await rejected;
		expect(processStartTime(grandchild)).toBeUndefined();
		expect(module.failures).toEqual([]);
	});

	test('when the node is killed, the child ends with all that it has started', async () => {
		await using module = await isolated();
		const path = join(module.dir.path, 'pid');
		const parent = join(module.dir.path, 'parent.mjs');
		const built = pathToFileURL(builtFile('node/processes/isolated-process.js')).href;
		const base = async (name: string) => pathToFileURL(builtFile(`base/${name}`)).href;
		await writeFile(
			parent,
			`import { IsolatedProcess } from '${built}';
			import { systemClock } from '${await base('clock.js')}';
			import { silentLog } from '${await base('log.js')}';
			const [modulePath, dataDir, path] = process.argv.slice(2);
			const isolated = new IsolatedProcess({ name: 'module', modulePath, node: 'ship1', dataDir, cwd: dataDir,
				env: process.env, clock: systemClock, log: silentLog });
			await isolated.start();
			const input = { sender: '_operator', id: 'c1', attempt: 1, data: path };
			await isolated.run('grandchild', { ...input, recordChild: async (child) => process.send(child.pid) }, new AbortController().signal);`,
		);
		const node = fork(parent, [module.modulePath, module.dir.path, path], { execArgv: [] });
		const [child] = await once(node, 'message');
		const grandchild = Number(await eventually(() => readFile(path, 'utf8')));
		expect(processStartTime(child)).toBeDefined();
		node.kill('SIGKILL');
		await eventually(
			() => processStartTime(child) === undefined && processStartTime(grandchild) === undefined,
		);
	});

	test('may be started and stopped by anybody in any order', async () => {
		await using module = await isolated();
		await stressLifecycle(() => module.process, { rounds: 8 });
		expect(module.failures).toEqual([]);
	});
});
