import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { cleanEnv, cliPath, runCli, startCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';

function median(values: readonly number[]): number {
	return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function residentMb(pid: number): Promise<number> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8');
	return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

test('steward send takes less than 400 ms, median of nine', async () => {
	await using nats = await startNats();
	const env = cleanEnv({ STEWARD_SERVERS: nats.url });
	expect((await runCli(['init'], { env: { STEWARD_SERVERS: nats.url } })).code).toBe(0);
	const took = Array.from({ length: 9 }, () => {
		const startedAt = performance.now();
		expect(spawnSync(process.execPath, [cliPath, 'send', 'ship1', 'ping'], { env }).status).toBe(0);
		return performance.now() - startedAt;
	});
	expect(median(took)).toBeLessThan(400);
});

test('an idle node takes less than 110 MB of memory', async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	const env = { STEWARD_SERVERS: nats.url, STEWARD_DATA: dir.path };
	await using _central = startCli(['central'], { env });
	await using node = startCli(['node', '--node', 'ship1'], { env });
	await eventually(async () => {
		const { code, stdout } = await runCli(['send', 'ship1', 'shellCommand', '--wait', '--', 'true'], { env });
		expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
		return true;
	});
	const samples: number[] = [];
	await eventually(async () => samples.push(await residentMb(node.pid)) === 50, { everyMs: 100 });
	expect(Math.max(...samples)).toBeLessThan(110);
});
