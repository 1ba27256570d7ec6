import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { type RunningCli, runBuilt, runCli, startCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';

function exactly<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
	const value: unknown = JSON.parse(text);
	const parsed = schema.parse(value);
	expect(parsed).toEqual(value);
	return parsed;
}

/** `steward up` on a port of its own, and the environment of those who talk to it. */
async function startUp(data: string): Promise<{ up: RunningCli; env: Record<string, string> }> {
	const up = startCli(['up', '--data', data, '--port', '0']);
	await up.printed('Try next');
	const url = /broker +(nats:\/\/\S+)/.exec(up.stdout())?.[1] ?? '';
	return { up, env: { STEWARD_SERVERS: url, STEWARD_DATA: data } };
}

describe('steward up', () => {
	test.concurrent('takes a command to its end, answers all questions, and ends with 0', async () => {
		await using dir = await tempDir();
		const { up, env } = await startUp(dir.path);
		await using _up = up;
		const steward = (...args: string[]) => runCli(args, { env });

		const hello = await steward(
			'send',
			'central',
			'shellCommand',
			'--wait',
			'--timeout',
			'60s',
			'--',
			'echo',
			'hello',
		);
		expect(hello).toMatchObject({ code: 0, stdout: 'hello\n' });
		expect(hello.stderr).toMatch(/^succeeded {2}central\.\w+ {2}exit 0/m);

		const script = 'echo out; echo err >&2; exit 3';
		const args = ['--wait', '--timeout', '60s', '--', 'bash', '-c', script];
		const bad = await steward('send', 'central', 'shellCommand', '--json', ...args);
		expect(bad.code).toBe(1);
		const receipt = exactly(viewSchemas.receipt, bad.stdout);
		expect(receipt).toMatchObject({ state: 'failed', result: { exitCode: 3, stderr: { head: 'err\n' } } });
		const both = await steward('send', 'central', 'shellCommand', ...args);
		expect(both).toMatchObject({ code: 1, stdout: 'out\n', stderr: expect.stringContaining('err\n') });
		expect((await steward('wait', receipt.handle)).code).toBe(1);
		const shown = exactly(viewSchemas.command, (await steward('show', receipt.handle, '--json')).stdout);
		expect(shown).toMatchObject({ state: 'failed', attempts: [{ attempt: 1, exitCode: 3 }] });

		const binary = [
			'send',
			'central',
			'shellCommand',
			'--wait',
			'--timeout',
			'60s',
			'--',
			'printf',
			'\\377\\000\\n',
		];
		expect((await runBuilt(binary, { env })).bytes).toEqual(Buffer.from([255, 0, 10]));

		const event = [
			'send',
			'central',
			'textLogging',
			'--event',
			'--wait',
			'--timeout',
			'60s',
			'--json',
			'--',
			'warm',
		];
		expect(exactly(viewSchemas.receipt, (await steward(...event)).stdout).state).toBe('delivered');

		await steward('send', 'ship1', 'ping', '--id', 'waits');
		const queue = await eventually(async () => {
			const views = exactly(viewSchemas.command.array(), (await steward('queue', 'ship1', '--json')).stdout);
			return views.length > 0 && views;
		});
		expect(queue).toMatchObject([{ handle: 'ship1.waits', state: 'queued' }]);
		const failed = await eventually(async () => {
			const { stdout } = await steward('list', '--state', 'failed', '--since', '1h', '--json');
			const views = exactly(viewSchemas.command.array(), stdout);
			return views.length === 2 && views;
		});
		expect(failed.map(({ node, state }) => [node, state])).toEqual([
			['central', 'failed'],
			['central', 'failed'],
		]);
		const nodes = exactly(viewSchemas.node.array(), (await steward('nodes', '--json')).stdout);
		expect(nodes.map(({ node }) => node)).toContain('central');
		const node = exactly(viewSchemas.node, (await steward('nodes', 'show', 'central', '--json')).stdout);
		expect(node.methods.map(({ name }) => name)).toContain('shellCommand');
		expect((await steward('nodes', 'show', 'nobody')).code).toBe(4);
		expect(await steward('queue', 'nobody', '--json')).toMatchObject({ code: 0, stdout: '[]\n' });
		expect((await steward('list', '--node', 'nobody')).stderr).toContain('no command matches');

		expect(await up.stop('SIGTERM')).toBe(0);
	});

	test.concurrent('a second one on the same data folder, or on the same port, ends with 9', async () => {
		await using dir = await tempDir();
		const { up, env } = await startUp(join(dir.path, 'a'));
		await using _up = up;
		const sameData = await runBuilt(['up', '--port', '0'], { env });
		expect(sameData.code).toBe(9);
		const port = new URL(env.STEWARD_SERVERS ?? '').port;
		const samePort = await runBuilt(['up', '--data', join(dir.path, 'b'), '--port', port]);
		expect(samePort.code).toBe(9);
		expect(await up.stop('SIGINT')).toBe(0);
	});
});

describe('a node without a link', () => {
	test.concurrent('takes what send cannot hand to a broker, and runs it when the link is back', async () => {
		await using dir = await tempDir();
		await using nats = await startNats();
		const env = { STEWARD_SERVERS: nats.url, STEWARD_DATA: dir.path };
		expect((await runBuilt(['init', '--budget', '1GiB'], { env })).code).toBe(0);
		await nats.stop();
		await using node = startCli(['node', '--node', 'ship1'], { env });
		await node.printed('node ship1 runs');

		const file = join(dir.path, 'ran');
		const sent = await runBuilt(
			['send', 'ship1', 'shellCommand', '--json', '--', 'bash', '-c', `echo ran >> ${file}`],
			{ env },
		);
		expect(sent.code).toBe(0);
		expect(sent.stderr).toContain('handed to the local node ship1: it is on its disk');
		const receipt = exactly(viewSchemas.receipt, sent.stdout);
		expect(receipt).toMatchObject({ state: 'accepted', via: 'outbox', node: 'ship1', seq: null });
		expect(sent.stderr).toContain(receipt.id);

		const waited = await runBuilt(['send', 'ship1', 'ping', '--wait'], { env });
		expect(waited.code).toBe(3);
		expect(waited.stderr).toContain('steward wait ship1.');

		await nats.restart();
		await using central = startCli(['central'], { env });
		await central.printed('the centre runs');
		const ended = await eventually(
			async () => {
				const { code, stdout } = await runBuilt(['wait', receipt.handle, '--timeout', '60s', '--json'], {
					env,
				});
				return code === 0 && stdout;
			},
			{ message: 'the command did not run' },
		);
		expect(exactly(viewSchemas.command, ended)).toMatchObject({ id: receipt.id, state: 'succeeded' });
		expect(await readFile(file, 'utf8')).toBe('ran\n');
		expect(await node.stop()).toBe(0);
		expect(await central.stop()).toBe(0);
	});

	test.concurrent('says where messages may be appended, and a second node on its folder ends with 9', async () => {
		await using dir = await tempDir();
		const env = { STEWARD_SERVERS: 'nats://127.0.0.1:9', STEWARD_DATA: dir.path };
		await using node = startCli(['node', '--node', 'ship1'], { env });
		await node.printed(join(dir.path, 'nodes', 'ship1', 'inmsg.txt'));
		expect((await runBuilt(['node', '--node', 'ship1'], { env })).code).toBe(9);
		await appendFile(join(dir.path, 'nodes', 'ship1', 'inmsg.txt'), '');
		expect(await node.stop()).toBe(0);
	});
});
