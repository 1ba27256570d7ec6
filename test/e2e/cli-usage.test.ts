import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exitCodeTexts } from '../../src/cli/exit-codes.ts';
import { runBuilt, runCli } from '../support/cli.ts';
import { tempDir } from '../support/temp.ts';

/** Nothing listens there. */
const nobody = { STEWARD_SERVERS: 'nats://127.0.0.1:9' };

describe('help', () => {
	test('names every command and every exit code, on stdout', async () => {
		const { code, stdout, stderr } = await runBuilt(['--help']);
		expect(code).toBe(0);
		expect(stderr).toBe('');
		for (const name of [
			'up',
			'central',
			'node',
			'init',
			'send',
			'show',
			'wait',
			'list',
			'queue',
			'nodes',
			'streams',
		]) {
			expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'));
		}
		for (const [exitCode, text] of exitCodeTexts)
			expect(stdout).toContain(`${exitCode}  ${text.slice(0, 30)}`);
	});

	test.each(['up', 'central', 'node', 'init', 'send', 'show', 'wait', 'list', 'queue'])(
		'of %s has examples',
		async (command) => {
			const { code, stdout } = await runCli([command, '--help']);
			expect(code).toBe(0);
			expect(stdout).toContain('Examples:');
			expect(stdout).toContain(`steward ${command}`);
		},
	);

	test('the version is that of the package', async () => {
		const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
		expect(await runBuilt(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
	});
});

describe('usage errors end with 2 and say the next step', () => {
	test.each([
		['nothing at all', [], 'Usage: steward'],
		['an unknown command, with a guess', ['sned'], 'Did you mean send?'],
		['an unknown option, with a guess', ['send', 'ship1', 'ping', '--wiat'], 'Did you mean --wait?'],
		['send without a method', ['send', 'ship1'], 'steward send ship1 shellCommand'],
		['data given twice', ['send', 'ship1', 'ping', '--data', '1', '--', 'x'], 'not both'],
		['data that is no JSON', ['send', 'ship1', 'ping', '--data', '{'], '--data: this is no JSON'],
		['a timeout without a wait', ['send', 'ship1', 'ping', '--timeout', '1s'], '--wait'],
		['a timeout without a unit', ['wait', 'ship1.a', '--timeout', '1'], 'expected a duration'],
		['a handle that is none', ['show', 'ship1'], '<node>.<id>'],
		['a state that is none', ['list', '--state', 'done'], 'succeeded'],
		['a time that is none', ['list', '--since', 'yesterday'], '--since'],
		['a limit that is none', ['list', '--limit', '0'], '--limit'],
		['a name that is none', ['queue', '_x'], 'no node'],
		['labels that are none', ['send', '--where', 'tug', 'ping'], 'key=value'],
		['shards that are none', ['init', '--shards', '0'], 'from 1 to 64'],
		['replicas that are none', ['init', '--replicas', '2'], 'expected 1, 3 or 5'],
		['a budget that is none', ['init', '--budget', '10'], '8GiB'],
		['a node without a name', ['node'], '--node ship1'],
		['words beside a file', ['send', 'ship1', '--file', 'x.json'], 'leave out'],
		['a file that is not there', ['send', '--file', 'no-such.json'], 'cannot be read'],
	])('%s', async (_, args, text) => {
		const { code, stdout, stderr } = await runCli(args, { env: nobody });
		expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
		expect(stderr).toContain(text);
	});

	test('all problems of a message are listed at once, and nothing is sent', async () => {
		const messages = [
			{ toNode: '_x', method: '1', commandOrEvent: 'commando' },
			{ toNode: 'ship1', method: 'ping', commandOrEvent: 'command', attemps: 2 },
		];
		const { code, stderr } = await runCli(['send', '--file', '-'], {
			env: nobody,
			input: JSON.stringify(messages),
		});
		expect(code).toBe(2);
		for (const text of ['[0].toNode', '[0].method', '[0].commandOrEvent', 'did you mean "attempts"']) {
			expect(stderr).toContain(text);
		}
	});

	test('under --json they are one object on stderr', async () => {
		for (const args of [
			['send', '--json'],
			['sned', '--json'],
			['show', 'x', '--json'],
		]) {
			const { code, stdout, stderr } = await runBuilt(args);
			expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
			const { error } = JSON.parse(stderr);
			expect(error).toMatchObject({ code: 'usage', message: expect.any(String), details: {} });
		}
	});

	test('--json after "--" is data', async () => {
		const { stderr } = await runCli(['send', 'ship1', 'ping', '--', '--json'], { env: nobody });
		expect(stderr).toMatch(/^error: no broker/);
	});
});

describe('settings', () => {
	test('all problems of a configuration are listed at once', async () => {
		await using dir = await tempDir();
		const file = join(dir.path, 'config.yaml');
		await writeFile(file, 'servers: "not an address"\nnode:\n  lables: {}\n  shutdownGraceMs: -1\n');
		const { code, stderr } = await runCli(['list', '--config', file]);
		expect(code).toBe(2);
		for (const text of ['servers', 'did you mean "labels"', 'node.shutdownGraceMs']) {
			expect(stderr).toContain(text);
		}
	});

	test.each([
		['a named file that is not there', undefined, 'cannot be read'],
		['a file that is no YAML', 'servers: [a\nb: }', 'line'],
		['a file that is a list', '- a\n', 'expected fields'],
	])('%s is a usage error that names the file', async (_, content, text) => {
		await using dir = await tempDir();
		const file = join(dir.path, 'config.yaml');
		if (content !== undefined) await writeFile(file, content);
		const { code, stderr } = await runCli(['list'], { env: { STEWARD_CONFIG: file } });
		expect(code).toBe(2);
		expect(stderr).toContain(file);
		expect(stderr).toContain(text);
	});

	test('flags win over the environment, the environment over the file', async () => {
		await using dir = await tempDir();
		await writeFile(join(dir.path, 'config.yaml'), 'servers: nats://127.0.0.1:7\n');
		const asked = async (args: string[], env: Record<string, string>) =>
			/answers at (\S+):/.exec((await runCli(['list', ...args], { env })).stderr)?.[1];
		const file = { STEWARD_CONFIG: join(dir.path, 'config.yaml') };
		expect(await asked([], file)).toBe('nats://127.0.0.1:7');
		expect(await asked([], { ...file, ...nobody })).toBe('nats://127.0.0.1:9');
		expect(await asked(['--servers', 'nats://127.0.0.1:11'], { ...file, ...nobody })).toBe(
			'nats://127.0.0.1:11',
		);
	});

	test('the config file of the home folder counts where none is named', async () => {
		await using dir = await tempDir();
		await writeFile(join(dir.path, 'config.yaml'), '');
		const env = { XDG_CONFIG_HOME: dir.path, ...nobody };
		expect((await runCli(['list'], { env })).code).toBe(3);
	});
});

describe('without a broker', () => {
	test.each([
		[['send', 'ship1', 'ping']],
		[['show', 'ship1.a']],
		[['wait', 'ship1.a']],
		[['list']],
		[['queue', 'ship1']],
		[['nodes']],
		[['nodes', 'show', 'ship1']],
		[['streams']],
		[['init']],
	])('%j ends with 3, saying what to start', async (args) => {
		const { code, stdout, stderr } = await runCli(args, { env: nobody });
		expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
		expect(stderr).toContain('no broker answers at nats://127.0.0.1:9');
		expect(stderr).toContain('steward up');
	});

	test('send says that no node of this machine can take it either', async () => {
		await using dir = await tempDir();
		const { stderr } = await runCli(['send', 'ship1', 'ping'], {
			env: { ...nobody, STEWARD_DATA: dir.path },
		});
		expect(stderr).toContain(`none has data in ${dir.path}`);
	});
});
