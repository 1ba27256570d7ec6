import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { type ProcessIdentity, processStartTime } from '../../../src/base/process.ts';
import { shellCommand } from '../../../src/node/methods/shell-command.ts';
import type { Outcome, RunInput } from '../../../src/node/processes/method.ts';
import { InNodeProcess } from '../../../src/node/processes/method-process.ts';
import { eventually } from '../../support/eventually.ts';
import { recordingLog } from '../../support/log.ts';
import { keptOutput } from '../../support/output.ts';
import { type TempDir, tempDir } from '../../support/temp.ts';

const environment = {
	PATH: process.env.PATH,
	HOME: '/nowhere',
	STEWARD_TOKEN: 'secret',
	STEWARD_SERVERS: 'kept',
};

async function shell(dir: TempDir) {
	const builtin = new InNodeProcess({
		name: 'builtin',
		definitions: [shellCommand({ clock: systemClock, cwd: dir.path, env: environment })],
		node: 'ship1',
		dataDir: dir.path,
		log: recordingLog(),
	});
	await builtin.start();
	return {
		check: (data: unknown) => builtin.check('shellCommand', data),
		run: async (data: unknown, signal = new AbortController().signal, more: Partial<RunInput> = {}) => {
			const output = keptOutput();
			const input: RunInput = {
				...{ sender: '_operator', id: 'c1', attempt: 2, data, ...more },
				output: (chunk, stream) => output.write(chunk, stream),
			};
			return output.complete(await builtin.run('shellCommand', input, signal));
		},
	};
}

/** The pids that a script wrote, one a line, as soon as there are `count`. */
function pidsIn(path: string, count: number): Promise<number[]> {
	return eventually(async () => {
		const pids = (await readFile(path, 'utf8')).trim().split('\n').map(Number);
		return pids.length === count && pids;
	});
}

const isGone = (pid: number) => processStartTime(pid) === undefined;
const stdoutOf = ({ result }: Outcome) => (result.stdout ? result.stdout.head + result.stdout.tail : null);

describe('shellCommand', () => {
	test('gives exit code 0, and both outputs apart', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		expect(await run(['bash', '-c', 'echo out; echo err >&2'])).toMatchObject({
			outcome: 'succeeded',
			result: { exitCode: 0, signal: null, stdout: { head: 'out\n' }, stderr: { head: 'err\n' } },
		});
	});

	test('no shell reads the words', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		expect(stdoutOf(await run(['printf', '%s|', '$HOME', '*', 'a b', ';', '']))).toBe('$HOME|*|a b|;||');
	});

	test('another exit code is failed, and no fault', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		expect(await run(['bash', '-c', 'exit 7'])).toMatchObject({
			outcome: 'failed',
			fault: null,
			result: { exitCode: 7 },
		});
		expect(await run(['bash', '-c', 'kill -9 $$'])).toMatchObject({
			outcome: 'failed',
			result: { exitCode: null, signal: 'SIGKILL' },
		});
	});

	test('the output of a program that ends at once is never lost', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		for (let round = 0; round < 50; round += 1) expect(stdoutOf(await run(['echo', 'here']))).toBe('here\n');
	});

	test('runs in the folder of the node, or the given one', async () => {
		await using dir = await tempDir();
		await mkdir(join(dir.path, 'below'));
		const { run } = await shell(dir);
		expect(stdoutOf(await run(['pwd']))).toBe(`${dir.path}\n`);
		expect(stdoutOf(await run({ command: ['pwd'], cwd: 'below' }))).toBe(`${dir.path}/below\n`);
		expect(stdoutOf(await run({ command: ['pwd'], cwd: '/' }))).toBe('/\n');
	});

	test("gives the node's environment without steward's secrets, the sender's, and who is asking", async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		const outcome = await run({ command: ['env'], env: { COLOUR: 'red', HOME: '/here' } });
		expect(stdoutOf(outcome)?.trim().split('\n').toSorted()).toEqual(
			[
				`PATH=${process.env.PATH}`,
				'HOME=/here',
				'COLOUR=red',
				'STEWARD_SERVERS=kept',
				'STEWARD_NODE=ship1',
				`STEWARD_NODE_DIR=${dir.path}`,
				'STEWARD_ID=c1',
				'STEWARD_ATTEMPT=2',
			].toSorted(),
		);
	});

	test('writes stdin, and does not mind when nobody reads it', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		expect(stdoutOf(await run({ command: ['cat'], stdin: 'grüße\n' }))).toBe('grüße\n');
		expect(await run({ command: ['true'], stdin: 'x'.repeat(1024 * 1024) })).toMatchObject({
			outcome: 'succeeded',
		});
		expect(stdoutOf(await run(['cat']))).toBe('');
	});

	test('a program or a folder that is not there is failed, with the field and the next step', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		const fault = async (data: unknown) => {
			const outcome = await run(data);
			expect(outcome).toMatchObject({ outcome: 'failed', fault: { code: 'spawn' } });
			return outcome.outcome === 'failed' ? outcome.fault?.message : undefined;
		};
		expect(await fault(['nosuchprogram'])).toMatch(
			/^data\.command: program "nosuchprogram" not found on the node's PATH \(.*\/bin.*\)/,
		);
		expect(await fault(['/no/such'])).toMatch(/^data\.command: program "\/no\/such" does not exist/);
		await writeFile(join(dir.path, 'plain'), 'text');
		expect(await fault(['./plain'])).toMatch(/^data\.command: the node may not run ".\/plain"/);
		expect(await fault({ command: ['true'], cwd: 'missing' })).toMatch(
			/^data\.cwd: folder ".*\/missing" does not exist/,
		);
		expect(await fault({ command: ['true'], cwd: 'plain' })).toMatch(
			/^data\.cwd: ".*\/plain" is not a folder/,
		);
		expect(await fault({ command: ['nosuchprogram'], stdin: 'x' })).toMatch(/not found/);
		expect(await fault(['echo', 'x'.repeat(200_000)])).toMatch(/data\.stdin/);
	});

	test('tells what is wrong with its data', async () => {
		await using dir = await tempDir();
		const { check } = await shell(dir);
		expect(await check(['ls'])).toEqual([]);
		expect(await check({ command: ['ls'], cwd: '/', env: {}, stdin: '', grace: '2s' })).toEqual([]);
		expect((await check('ls')).join()).toMatch(/expected \["program", "argument", …\] or/);
		expect((await check([])).join()).not.toBe('');
		expect((await check(['ls', 3])).join()).toMatch(/1: expected string, got 3/);
		expect((await check({ command: ['ls'], grcae: '1s' })).join()).toMatch(/did you mean "grace"/);
		expect((await check({ command: ['ls'], grace: 'soon' })).join()).toMatch(
			/grace: expected a duration such as "5s", got "soon"/,
		);
		expect((await check(['ls', 'a\0b'])).join()).toMatch(/without NUL/);
	});

	test('output that is no UTF-8 comes as base64', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		expect((await run(['printf', '\\377\\000'])).result.stdout).toMatchObject({
			encoding: 'base64',
			head: Buffer.from([0xff, 0]).toString('base64'),
			bytes: 2,
		});
	});

	test('200 MB of output do not fill the memory, and its ends are there', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		let peak = 0;
		const before = process.memoryUsage().rss;
		const timer = setInterval(() => {
			peak = Math.max(peak, process.memoryUsage().rss - before);
		}, 20);
		const { result } = await run(['bash', '-c', 'echo first; head -c 200000000 /dev/zero; echo last']);
		clearInterval(timer);
		expect(result.stdout).toMatchObject({ bytes: 200_000_011, encoding: 'utf8' });
		expect(result.stdout?.head.startsWith('first\n')).toBe(true);
		expect(result.stdout?.tail.endsWith('last\n')).toBe(true);
		expect(peak).toBeLessThan(80 * 1024 * 1024);
	});

	test('an abort ends the whole tree', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		const pids = join(dir.path, 'pids');
		const abort = new AbortController();
		const script = `echo $$ >> ${pids}; bash -c 'echo $$ >> ${pids}; sleep 1000 & echo $! >> ${pids}; wait' & wait`;
		const running = run(['bash', '-c', script], abort.signal);
		const tree = await pidsIn(pids, 3);
		abort.abort();
		expect(await running).toMatchObject({ outcome: 'failed', result: { exitCode: null, signal: 'SIGTERM' } });
		expect(tree.filter((pid) => !isGone(pid))).toEqual([]);
	});

	test('what ignores SIGTERM is killed after the grace', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		const pids = join(dir.path, 'pids');
		const abort = new AbortController();
		const script = `trap '' TERM; echo working; echo $$ >> ${pids}; while :; do sleep 1000; done`;
		const running = run({ command: ['bash', '-c', script], grace: '300ms' }, abort.signal);
		const [pid = 0] = await pidsIn(pids, 1);
		const begin = performance.now();
		abort.abort();
		expect(await running).toMatchObject({ result: { signal: 'SIGKILL', stdout: { head: 'working\n' } } });
		expect(performance.now() - begin).toBeGreaterThanOrEqual(290);
		expect(isGone(pid)).toBe(true);
	});

	test('a program that ends well when it is asked to says so itself', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		const pids = join(dir.path, 'pids');
		const abort = new AbortController();
		const script = `trap 'echo bye; exit 0' TERM; echo $$ >> ${pids}; sleep 1000 & wait`;
		const running = run(['bash', '-c', script], abort.signal);
		await pidsIn(pids, 1);
		abort.abort();
		const outcome = await running;
		expect(outcome).toMatchObject({ outcome: 'succeeded', result: { exitCode: 0 } });
		expect(stdoutOf(outcome)).toBe('bye\n');
	});

	test('what a program leaves in the background is ended with it, and does not hang the run', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		const pids = join(dir.path, 'pids');
		const held = await run(['bash', '-c', `sleep 1000 & echo $! >> ${pids}; echo hi`]);
		expect(held).toMatchObject({ outcome: 'succeeded', result: { exitCode: 0, stdout: { head: 'hi\n' } } });
		const quiet = await run(['bash', '-c', `sleep 1000 >/dev/null 2>&1 & echo $! >> ${pids}`]);
		expect(quiet.outcome).toBe('succeeded');
		const left = await pidsIn(pids, 2);
		expect(left.filter((pid) => !isGone(pid))).toEqual([]);
	});

	test('what a program leaves behind may finish its output', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		expect(stdoutOf(await run(['bash', '-c', '(sleep 0.2; echo late) & echo early']))).toBe('early\nlate\n');
	});

	test('a process that left the group with the output open does not hang the run', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		const pids = join(dir.path, 'pids');
		const outcome = await run([
			'bash',
			'-c',
			`setsid bash -c 'echo $$ >> ${pids}; exec sleep 1000' & echo hi`,
		]);
		const [daemon = 0] = await pidsIn(pids, 1);
		process.kill(daemon, 'SIGKILL');
		expect(stdoutOf(outcome)).toBe('hi\n');
		expect(outcome.outcome).toBe('succeeded');
	});

	test('starts nothing once it is aborted', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		const reason = new Error('too late');
		await expect(run(['touch', 'made'], AbortSignal.abort(reason))).rejects.toBe(reason);
		await expect(readFile(join(dir.path, 'made'))).rejects.toThrow();
	});

	test('writes down its process group, and ends it when that fails', async () => {
		await using dir = await tempDir();
		const { run } = await shell(dir);
		const seen: ProcessIdentity[] = [];
		await run(['bash', '-c', 'sleep 0.05; echo $$'], undefined, {
			recordChild: async (child) => {
				seen.push(child);
				expect(processStartTime(child.pid)).toBe(child.startTime);
			},
		});
		expect(seen).toHaveLength(1);
		const failure = new Error('disk full');
		const failing = run(['sleep', '1000'], undefined, {
			recordChild: async (child) => {
				seen.push(child);
				throw failure;
			},
		});
		await expect(failing).rejects.toBe(failure);
		expect(seen.every(({ pid }) => isGone(pid))).toBe(true);
	});
});
