import { expect, test } from 'vitest';
import type { z } from 'zod';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { runCli, startCli } from '../support/cli.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp.ts';

/** The JSON must be exactly what the contract says: nothing missing, nothing that it does not know. */
function exactly<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
	const value: unknown = JSON.parse(text);
	const parsed = schema.parse(value);
	expect(parsed).toEqual(value);
	return parsed;
}

test('cancel, retry, why and history, as an operator types them', async () => {
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using up = startCli(['up', '--data', dir.path, '--port', '0']);
	await up.printed('Try next');
	const servers = /nats:\/\/[\d.:]+/.exec(up.stdout())?.[0] ?? '';
	const env = { STEWARD_SERVERS: servers, USER: 'anna' };
	const steward = (...args: string[]) => runCli(args, { env });
	const send = (id: string, node: string, ...data: string[]) =>
		steward('send', node, 'shellCommand', '--id', id, '--', ...data);

	// Of a ship that is away: for certain, and at once.
	for (const id of ['a', 'b', 'c']) await send(id, 'ship1', 'true');
	const off = await steward('cancel', 'ship1.a', '--reason', 'wrong ship');
	expect([off.code, off.stdout]).toEqual([
		0,
		'ship1.a  cancelled before it started: it certainly never ran\n',
	]);
	const why = await steward('why', 'ship1.a');
	expect(why.stdout).toMatch(/certainly never ran: wrong ship \(by anna\)/);
	const away = exactly(viewSchemas.why, (await steward('why', 'ship1.b', '--json')).stdout);
	expect(away.cause).toBe('neverSeen');

	// By filters, shown first.
	const filters = ['--node', 'ship1', '--method', 'shellCommand', '--state', 'queued'];
	// What filters match, the centre knows a moment later.
	await eventually(async () => {
		const dry = await steward('cancel', ...filters, '--dry-run');
		expect([dry.code, dry.stdout.split('\n').length, dry.stderr]).toEqual([
			...[0, 4, '2 commands match; nothing was done (--dry-run)\n'],
		]);
		return true;
	});
	const many = await steward('cancel', ...filters, '--json');
	const told = JSON.parse(many.stdout) as unknown[];
	expect(told.map((one) => exactly(viewSchemas.cancellation, JSON.stringify(one)).answer)).toEqual([
		...['beforeStart', 'beforeStart'],
	]);
	await eventually(async () => {
		const none = await steward('cancel', ...filters, '--dry-run');
		expect([none.code, none.stderr]).toEqual([0, 'no command matches: nothing was done\n']);
		return true;
	});

	// What runs, what is too late, and what is not understood.
	await send('r', 'central', ...effects.shell('r', 'sleep 1000'));
	await effects.reach(1);
	const running = await steward('cancel', 'central.r');
	expect([running.code, running.stdout]).toEqual([0, 'central.r  cancelled while running\n']);
	await steward('send', 'central', 'shellCommand', '--id', 'e', '--wait', '--', 'false');
	const late = await steward('cancel', 'central.e');
	expect(late.code).toBe(1);
	expect(late.stdout).toMatch(/^central\.e {2}too late: failed {2}central\.e {2}exit 1/);
	expect((await steward('cancel')).code).toBe(2);
	expect((await steward('cancel', 'central.e', '--node', 'central')).code).toBe(2);
	expect((await steward('cancel', 'central.none')).code).toBe(4);

	// Once more, as a command of its own.
	const again = await steward('retry', 'central.e', '--json');
	const receipt = exactly(viewSchemas.receipt, again.stdout);
	expect(receipt.lineage).toEqual({ kind: 'retry', of: 'central.e' });
	expect((await steward('wait', receipt.handle)).code).toBe(1);
	const shown = await steward('show', receipt.handle, '--history');
	expect(shown.stdout).toMatch(/made +as a retry of central\.e/);
	expect(shown.stdout).toMatch(/queued +by _operator; retry of central\.e/);
	expect(shown.stdout).toMatch(/running +by central; attempt 1/);
	expect(shown.stdout).toMatch(/failed +by central/);
	const ofCentral = ['--node', 'central', '--state', 'failed', '--json'];
	await eventually(async () => JSON.parse((await steward('list', ...ofCentral)).stdout).length === 2);
	const failed = await steward('retry', ...ofCentral);
	expect(JSON.parse(failed.stdout)).toHaveLength(2);
	expect((await steward('retry', 'ship1.none')).code).toBe(4);

	// Of several, each has an answer of its own.
	const some = await steward('retry', 'ship1.none', 'central.e', 'central.none');
	expect(some.code).toBe(4);
	expect(some.stdout).toMatch(/^queued {2}central\.\w+ .*\(retry of central\.e\)\n$/);
	expect(some.stderr.split('\n')).toEqual([
		expect.stringMatching(/^ship1\.none {2}not done: .*ship1\.none/),
		expect.stringMatching(/^central\.none {2}not done: .*central\.none/),
		'error: 2 of 3 could not be done: ship1.none (not-found), central.none (not-found)',
		'',
	]);
	const both = await steward('cancel', 'central.none', 'central.e', '--json');
	expect(both.code).toBe(4);
	const [answer, ...others] = JSON.parse(both.stdout) as unknown[];
	expect(exactly(viewSchemas.cancellation, JSON.stringify(answer)).answer).toBe('tooLate');
	expect(others).toEqual([]);
	expect(exactly(viewSchemas.error, both.stderr).error).toMatchObject({
		code: 'not-found',
		details: { done: [{ handle: 'central.e' }], failed: [{ handle: 'central.none', code: 'not-found' }] },
	});

	// Policies that only the command line says in its own way.
	const policy = ['--attempts', '2', '--backoff', 'fixed,initial=10ms,jitter=0', '--patience', '1h'];
	const retried = await steward(
		'send',
		'central',
		'shellCommand',
		'--id',
		'p',
		...policy,
		'--wait',
		'--',
		'false',
	);
	expect(retried.code).toBe(1);
	const view = exactly(viewSchemas.command, (await steward('show', 'central.p', '--json')).stdout);
	expect(view.attempts.map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
	expect((await steward('send', 'central', 'ping', '--backoff', 'never')).code).toBe(2);
});
