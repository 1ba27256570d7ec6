import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runBuilt, startCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp.ts';

test('the ship is away, three commands queue, the broker is killed, the ship comes: each runs once, in order', async () => {
	await using dir = await tempDir('steward-path-');
	await using up = startCli(['up', '--data', dir.path, '--port', '0']);
	await up.printed('Try next');
	const servers = /nats:\/\/[\d.:]+/.exec(up.stdout())?.[0] ?? '';
	const env = { STEWARD_SERVERS: servers, STEWARD_DATA: dir.path };
	const ran = join(dir.path, 'ran');
	for (const n of [1, 2, 3]) {
		const sent = await runBuilt(
			[
				'send',
				'ship1',
				'shellCommand',
				'--id',
				`c${n}`,
				'--json',
				'--',
				'bash',
				'-c',
				`echo ${n} | tee -a ${ran}`,
			],
			{ env },
		);
		expect(JSON.parse(sent.stdout)).toMatchObject({
			state: 'queued',
			position: n,
			presence: { status: 'never' },
		});
	}
	const serverFile = join(dir.path, 'broker', 'server.json');
	const pid = async () => (JSON.parse(await readFile(serverFile, 'utf8')) as { pid: number }).pid;
	const before = await pid();
	process.kill(before, 'SIGKILL');
	await eventually(async () => (await pid()) !== before);

	await using _ship = startCli(['node', '--node', 'ship1'], { env });
	const waited = await eventually(async () => {
		const result = await runBuilt(
			['wait', 'ship1.c1', 'ship1.c2', 'ship1.c3', '--json', '--timeout', '30s'],
			{
				env,
			},
		);
		return result.code === 0 && result;
	});
	const views: { result: { exitCode: number; stdout: { head: string } } }[] = JSON.parse(waited.stdout);
	expect(views.map(({ result }) => [result.exitCode, result.stdout.head])).toEqual([
		[0, '1\n'],
		[0, '2\n'],
		[0, '3\n'],
	]);
	expect(await readFile(ran, 'utf8')).toBe('1\n2\n3\n');
});
