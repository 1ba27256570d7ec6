import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { runCli } from '../support/cli.ts';
import { type Nats, startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';

let nats: Nats;
const steward = (args: readonly string[], input?: string) =>
	runCli(args, { env: { STEWARD_SERVERS: nats.url }, ...(input === undefined ? {} : { input }) });

beforeAll(async () => {
	nats = await startNats();
	const { code, stderr } = await steward(['init', '--budget', '1GiB']);
	if (code !== 0) throw new Error(stderr);
});
afterAll(() => nats[Symbol.asyncDispose]());

/** The JSON must be exactly what the contract says: nothing missing, nothing that it does not know. */
function exactly<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
	const value: unknown = JSON.parse(text);
	const parsed = schema.parse(value);
	expect(parsed).toEqual(value);
	return parsed;
}

describe('a broker that steward was never set up on', () => {
	test('ends with 3 until init was run, and init may run again', async () => {
		await using empty = await startNats();
		const env = { STEWARD_SERVERS: empty.url };
		for (const args of [['send', 'ship1', 'ping'], ['show', 'ship1.a'], ['streams'], ['list']]) {
			const { code, stderr } = await runCli(args, { env });
			expect(code).toBe(3);
			expect(stderr).toContain('steward init');
		}
		const first = await runCli(['init', '--shards', '3', '--budget', '1GiB', '--json'], { env });
		expect(first.code).toBe(0);
		const setup = exactly(viewSchemas.setup, first.stdout);
		expect(setup.shards).toBe(3);
		expect(new Set(setup.changes.map(({ change }) => change))).toEqual(new Set(['created']));
		const again = await runCli(['init', '--json'], { env });
		const nothing = exactly(viewSchemas.setup, again.stdout);
		expect(nothing.shards).toBe(3);
		expect(new Set(nothing.changes.map(({ change }) => change))).toEqual(new Set(['unchanged']));
		const other = await runCli(['init', '--shards', '4'], { env });
		expect(other.code).toBe(6);
		const alone = await runCli(['init', '--replicas', '3'], { env });
		expect([alone.code, alone.stderr]).toEqual([6, expect.stringContaining('deploy/cluster')]);
	});

	test('a broker that gives the streams too little room refuses, and says what to do', async () => {
		await using dir = await tempDir();
		const config = join(dir.path, 'nats.conf');
		await writeFile(config, 'jetstream { store_dir: "./data", max_file: 100MB }\n');
		await using small = await startNats({ config });
		const { code, stderr } = await runCli(['init'], { env: { STEWARD_SERVERS: small.url } });
		expect(code).toBe(6);
		expect(stderr).toContain('--budget');
	});
});

test('streams ls is an array of what the broker holds', async () => {
	const { code, stdout } = await steward(['streams', 'ls', '--json']);
	expect(code).toBe(0);
	const streams = exactly(viewSchemas.stream.array(), stdout);
	expect(streams.map(({ name }) => name)).toContain('STEWARD_COMMANDS_0');
	expect((await steward(['streams'])).stdout).toMatch(/^STREAM +MESSAGES/);
});

describe('send', () => {
	test('queues a command for a ship that was never seen', async () => {
		const { code, stdout, stderr } = await steward(['send', 'ship1', 'shellCommand', '--', 'uname', '-a']);
		expect(code).toBe(0);
		const [, handle] =
			/^queued {2}(ship1\.\w{26}) {2}\(.*unknown.*\) {2}position 1, start before 20/.exec(stdout) ?? [];
		expect(handle).toBeDefined();
		expect(stderr).toContain(`steward show ${handle}`);
	});

	test('one target is one object, more are an array, each a receipt', async () => {
		const one = await steward(['send', 'ship2', 'ping', '--json']);
		const receipt = exactly(viewSchemas.receipt, one.stdout);
		expect(receipt).toMatchObject({
			...{ node: 'ship2', state: 'queued', lane: 'normal', duplicate: false, position: 1, via: 'broker' },
			...{ kind: 'command', sender: '_operator', presence: { status: 'unknown', since: null } },
		});
		const many = await steward(['send', 'ship2,ship3', 'ping', '--json']);
		const receipts = exactly(viewSchemas.receipt.array(), many.stdout);
		expect(receipts.map(({ node, position }) => [node, position])).toEqual([
			['ship2', 2],
			['ship3', 1],
		]);
	});

	test('the options arrive', async () => {
		const options = ['--lane', 'urgent', '--deliver-within', '1h', '--id', 'options', '--json'];
		const { stdout } = await steward(['send', 'ship2', 'ping', ...options]);
		const receipt = exactly(viewSchemas.receipt, stdout);
		expect(receipt).toMatchObject({ handle: 'ship2.options', lane: 'urgent' });
		expect(Date.parse(receipt.deadline ?? '') - Date.parse(receipt.queuedAt ?? '')).toBe(3_600_000);
		const never = await steward(['send', 'ship2', 'ping', '--deliver-within', 'never', '--json']);
		expect(exactly(viewSchemas.receipt, never.stdout).deadline).toBeNull();
	});

	test('the same id is there once; with other content, or on another lane, it is refused with 6', async () => {
		const send = (...args: string[]) =>
			steward(['send', 'ship4', 'shellCommand', '--id', 'once', '--json', ...args]);
		expect(exactly(viewSchemas.receipt, (await send('--', 'ls')).stdout).duplicate).toBe(false);
		const again = await send('--', 'ls');
		expect(again.code).toBe(0);
		expect(exactly(viewSchemas.receipt, again.stdout)).toMatchObject({ duplicate: true, state: 'queued' });
		for (const args of [
			['--', 'rm'],
			['--lane', 'urgent', '--', 'ls'],
		]) {
			const { code, stdout, stderr } = await send(...args);
			expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
			expect(exactly(viewSchemas.error, stderr).error).toMatchObject({
				code: 'id-conflict',
				details: { handle: 'ship4.once', existing: { method: 'shellCommand', lane: 'normal' } },
			});
		}
	});

	test('a ship that is not known to be there is refused with 6, or skipped', async () => {
		const reject = await steward(['send', 'ship5', 'ping', '--when-absent', 'reject']);
		expect(reject.code).toBe(6);
		expect(reject.stderr).toContain('nothing was sent');
		const skip = await steward(['send', 'ship5', 'ping', '--when-absent', 'skip', '--json']);
		expect(skip).toMatchObject({ code: 0, stdout: 'null\n' });
		expect(skip.stderr).toContain('nothing was sent');
	});

	test('takes one message or an array of them from a file and from stdin', async () => {
		await using dir = await tempDir();
		const file = join(dir.path, 'messages.json');
		const message = { toNode: 'ship6', method: 'ping', commandOrEvent: 'command' };
		await writeFile(
			file,
			JSON.stringify([message, { ...message, toNodes: ['ship6', 'ship7'], toNode: undefined }]),
		);
		const many = await steward(['send', '--file', file, '--json']);
		expect(exactly(viewSchemas.receipt.array(), many.stdout).map(({ node }) => node)).toEqual([
			...['ship6', 'ship6', 'ship7'],
		]);
		const one = await steward(['send', '--file', '-', '--json'], JSON.stringify(message));
		expect(exactly(viewSchemas.receipt, one.stdout).node).toBe('ship6');
	});

	test('an event is on its way, and waiting for its delivery has an end', async () => {
		const { code, stdout, stderr } = await steward([
			...[
				'send',
				'central',
				'textLogging',
				'--event',
				'--wait',
				'--timeout',
				'300ms',
				'--json',
				'--',
				'hello',
			],
		]);
		expect(code).toBe(5);
		expect(exactly(viewSchemas.receipt, stdout)).toMatchObject({
			kind: 'event',
			state: 'waiting',
			lane: 'events',
		});
		expect(exactly(viewSchemas.error, stderr).error.code).toBe('waited-too-long');
	});

	test('--wait keeps stdout for the output, tells the rest on stderr, and ends with 5 when the time is over', async () => {
		const { code, stdout, stderr } = await steward(['send', 'ship8', 'ping', '--wait', '--timeout', '300ms']);
		expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
		expect(stderr).toMatch(/^queued {2}ship8\./);
		expect(stderr).toMatch(/steward wait ship8\./);
	});
});

describe('show and wait', () => {
	test('show a command that waits, as one object or as an array', async () => {
		for (const id of ['a', 'b']) await steward(['send', 'ship10', 'ping', '--id', id]);
		const one = await steward(['show', 'ship10.a', '--json']);
		expect(exactly(viewSchemas.command, one.stdout)).toMatchObject({
			handle: 'ship10.a',
			state: 'queued',
			attempt: 0,
		});
		const two = await steward(['show', 'ship10.a', 'ship10.b', '--json']);
		expect(exactly(viewSchemas.command.array(), two.stdout).map(({ id }) => id)).toEqual(['a', 'b']);
		const text = await steward(['show', 'ship10.a']);
		expect(text.stdout).toMatch(/^ship10\.a {2}queued\n {2}means +waits on the broker/);
	});

	test('what nobody knows ends with 4, and what is known is shown', async () => {
		await steward(['send', 'ship11', 'ping', '--id', 'known']);
		const { code, stdout, stderr } = await steward(['show', 'ship11.known', 'ship11.nobody', '--json']);
		expect(code).toBe(4);
		expect(exactly(viewSchemas.command.array(), stdout)).toHaveLength(1);
		expect(exactly(viewSchemas.error, stderr).error).toMatchObject({
			code: 'not-found',
			details: { handles: ['ship11.nobody'] },
		});
		expect((await steward(['wait', 'ship11.nobody'])).code).toBe(4);
	});

	test('wait ends with 5 when the time is over', async () => {
		await steward(['send', 'ship12', 'ping', '--id', 'slow']);
		const { code, stderr } = await steward(['wait', 'ship12.slow', '--timeout', '200ms']);
		expect(code).toBe(5);
		expect(stderr).toContain('nothing was cancelled');
	});
});

test.each([
	[['list']],
	[['queue', 'ship1']],
	[['nodes']],
	[['nodes', 'show', 'ship1']],
	[['send', '--where', 'role=tug', 'ping']],
])('%j needs a centre, and says so with 3', async (args) => {
	const { code, stdout, stderr } = await steward(args);
	expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
	expect(stderr).toContain('steward central');
});
