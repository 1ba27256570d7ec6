import { spawn, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { cleanEnv, cliPath, runBuilt, startCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { isLong } from '../support/long.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';

function median(values: readonly number[]): number {
	return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function residentMb(pid: number): Promise<number> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8');
	return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** How much processor time a program takes from its start to its end, milliseconds: the wall clock counts what others do as well. */
function processorMs(words: readonly string[], env: NodeJS.ProcessEnv): number {
	const line = ['-c', 'TIMEFORMAT="%U %S"; time "$@"', 'bash', process.execPath, ...words];
	const { status, stderr } = spawnSync('bash', line, { env, encoding: 'utf8' });
	expect({ status, stderr }).toMatchObject({ status: 0 });
	const [user, system] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
	return ((user ?? Number.NaN) + (system ?? Number.NaN)) * 1000;
}

/** What Node itself takes on a machine that the budget is meant for; a slower one gets more, in proportion. */
const usualNodeMs = 70;

test('steward send takes less than 400 ms, median of nine', async () => {
	await using nats = await startNats();
	const env = cleanEnv({ STEWARD_SERVERS: nats.url });
	expect((await runBuilt(['init'], { env: { STEWARD_SERVERS: nats.url } })).code).toBe(0);
	const took = Array.from({ length: 9 }, () => ({
		bare: processorMs(['-e', '0'], env),
		send: processorMs([cliPath, 'send', 'ship1', 'ping'], env),
	}));
	const slowness = Math.max(1, median(took.map(({ bare }) => bare)) / usualNodeMs);
	expect(median(took.map(({ send }) => send))).toBeLessThan(400 * slowness);
});

test('an idle node takes less than 110 MB of memory', async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	const env = { STEWARD_SERVERS: nats.url, STEWARD_DATA: dir.path };
	await using _central = startCli(['central'], { env });
	await using node = startCli(['node', '--node', 'ship1'], { env });
	await eventually(async () => {
		const { code, stdout } = await runBuilt(['send', 'ship1', 'shellCommand', '--wait', '--', 'true'], {
			env,
		});
		expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
		return true;
	});
	const samples: number[] = [];
	await eventually(async () => samples.push(await residentMb(node.pid)) === 50, { everyMs: 100 });
	expect(Math.max(...samples)).toBeLessThan(110);
});

/** The most that a process takes while `work` goes on, MiB. */
async function peakOf(pid: number, work: Promise<unknown>): Promise<number> {
	let peak = 0;
	let isOver = false;
	const sampling = (async () => {
		while (!isOver) {
			// It may end between two looks.
			const resident = await residentMb(pid).catch(() => 0);
			peak = Math.max(peak, resident || 0);
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	})();
	try {
		await work;
	} finally {
		isOver = true;
		await sampling;
	}
	return peak;
}

/** A gigabyte in the long form. */
const longOutput = isLong ? 1_000_000_000 : 300_000_000;

test(`${longOutput / 1e6} MB of output do not raise the memory of its node by 64 MB, nor that of whoever reads it`, async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	const env = { STEWARD_SERVERS: nats.url, STEWARD_DATA: dir.path };
	await using _central = startCli(['central'], { env });
	await using node = startCli(['node', '--node', 'ship1'], { env });
	const send = (id: string, script: string) =>
		runBuilt(['send', 'ship1', 'shellCommand', '--id', id, '--wait', '--json', '--', 'bash', '-c', script], {
			env,
			timeoutMs: 100_000,
		});
	// What every node loads for its first commands does not count.
	await eventually(
		async () =>
			(await send(`warm-${performance.now()}`.replace('.', '-'), 'head -c 4000000 /dev/zero')).code === 0,
	);
	const before = await residentMb(node.pid);
	const bytes = longOutput;
	const running = send('long', `head -c ${bytes} /dev/zero`);
	const peak = await peakOf(node.pid, running);
	const { stdout } = JSON.parse((await running).stdout).result;
	expect(stdout.bytes).toBe(bytes);
	expect(peak - before).toBeLessThan(64);

	// Read at the pace of another process; what did not fit is said on stderr.
	const reader = spawn(process.execPath, [cliPath, 'logs', '--follow', 'ship1.long'], { env: cleanEnv(env) });
	let read = 0;
	let told = '';
	reader.stdout.on('data', (chunk: Buffer) => {
		read += chunk.length;
	});
	reader.stderr.setEncoding('utf8').on('data', (text: string) => {
		told += text;
	});
	const closed = new Promise((resolve) => reader.once('close', resolve));
	const readerPeak = await peakOf(reader.pid ?? 0, closed);
	const missing = [...told.matchAll(/\[steward: ([\d,]+) bytes of stdout are missing here/g)]
		.map(([, count = '']) => Number(count.replaceAll(',', '')))
		.reduce((sum, count) => sum + count, 0);
	expect(read + missing).toBe(bytes);
	expect(read).toBeGreaterThan(200_000_000);
	expect(readerPeak).toBeLessThan(200);
});
