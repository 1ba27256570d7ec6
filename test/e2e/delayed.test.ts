import { expect, test } from 'vitest';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { runCli, startCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';

test.concurrent('a command for later, as an operator types it', async () => {
	await using dir = await tempDir();
	await using up = startCli(['up', '--data', dir.path, '--port', '0']);
	await up.printed('Try next');
	const servers = /nats:\/\/[\d.:]+/.exec(up.stdout())?.[0] ?? '';
	const env = { STEWARD_SERVERS: servers, TZ: 'America/New_York' };
	const steward = (...args: string[]) => runCli(args, { env });
	const send = (...args: string[]) => steward('send', 'ship1', 'shellCommand', ...args, '--', 'true');

	const oslo = await send('--id', 'a', '--at', '2099-12-24T08:00', '--time-zone', 'Europe/Oslo');
	expect([oslo.code, oslo.stdout]).toEqual([
		0,
		expect.stringMatching(
			/^scheduled {2}ship1\.a {2}for 2099-12-24T08:00\+01:00 \(in \d+d( \d+h)?\) {2}\(ship1 was never seen;/,
		),
	]);
	expect((await send('--id', 'b', '--at', '2099-12-24T08:00')).stdout).toContain(
		'for 2099-12-24T08:00-05:00',
	);
	const view = viewSchemas.receipt.parse(
		JSON.parse((await send('--id', 'c', '--in', '2h', '--json')).stdout),
	);
	expect(view).toMatchObject({ state: 'scheduled', queuedAt: null, position: null });
	expect(Math.abs(Date.parse(view.notBefore ?? '') - Date.now() - 7_200_000)).toBeLessThan(60_000);

	const listed = await eventually(async () => {
		const { stdout } = await steward('list', '--state', 'scheduled');
		return stdout.split('\n').length === 5 && stdout;
	});
	expect(listed).toMatch(/scheduled {2}ship1\.c .* due in (2h|1h 59m)/);
	const queue = await steward('queue', 'ship1');
	expect(queue.stdout).toBe('');
	expect(queue.stderr).toContain('steward list --node ship1 --state scheduled');
	expect((await steward('nodes', 'ls')).stdout).toMatch(/ship1 +never +- +0/);
	expect((await steward('show', 'ship1.a')).stdout).toMatch(
		/waits on the broker for its time.*due +2099-12-24T07:00:00.000Z/s,
	);
	expect((await steward('why', 'ship1.a')).stdout).toContain(
		'It waits for its time: 2099-12-24T07:00:00.000Z (in ',
	);
	expect((await steward('cancel', 'ship1.a')).stdout).toContain(
		'cancelled before it started: it certainly never ran',
	);

	const ran = await steward('send', 'central', 'shellCommand', '--in', '1s', '--wait', '--', 'echo', 'then');
	expect([ran.code, ran.stdout]).toEqual([0, 'then\n']);
	expect(ran.stderr).toMatch(/^scheduled {2}central\./);

	const past = await send('--id', 'past', '--at', '2026-01-01T08:00', '--time-zone', 'Europe/Oslo');
	expect(past.stdout).toMatch(/^queued {2}ship1\.past/);
	expect(past.stderr).toMatch(/^2026-01-01T08:00:00\+01:00 has passed: what was to wait for it was queued/);
	expect((await send('--id', 'd')).stderr).not.toContain('has passed');

	const wrong = [
		[['--in', '1h', '--at', '2099-01-01'], /give --at or --in, not both/, 2],
		[['--time-zone', 'Europe/Oslo'], /--time-zone is for --at/, 2],
		[['--in', 'soon'], /--in: expected a duration .* got "soon"/, 2],
		[['--at', 'soon'], /notBefore: expected a time .* got "soon"/, 2],
		[['--at', '2099-01-01', '--time-zone', 'Oslo'], /timeZone: expected an IANA time zone/, 2],
		[['--event', '--in', '1h'], /notBefore: an event has none/, 2],
	] as const;
	for (const [args, message, code] of wrong) {
		const refused = await send(...args);
		expect([refused.code, refused.stderr]).toEqual([code, expect.stringMatching(message)]);
	}
	const beside = await steward('send', '--file', 'x.json', '--in', '1h', '--at', '2h', '--time-zone', 'UTC');
	expect([beside.code, beside.stderr]).toEqual([2, expect.stringContaining('(--at --in --time-zone)')]);
	expect((await steward('send', '--help')).stdout).toMatch(/--in <time>.*--at <time>.*--time-zone <zone>/s);
});

test.concurrent('a node that takes it without a broker hands its time on', async () => {
	await using dir = await tempDir();
	await using nats = await startNats();
	const env = { STEWARD_SERVERS: nats.url, STEWARD_DATA: dir.path, TZ: 'UTC' };
	expect((await runCli(['init', '--budget', '1GiB'], { env })).code).toBe(0);
	await nats.stop();
	await using node = startCli(['node', '--node', 'ship1'], { env });
	await node.printed('node ship1 runs');
	const at = ['--id', 'a', '--at', '2099-12-24T08:00'];
	const sent = await runCli(['send', 'ship1', 'shellCommand', ...at, '--', 'true'], { env });
	expect(sent.stdout).toContain('accepted  ship1.a  for 2099-12-24T08:00+00:00');
	await nats.restart();
	await using central = startCli(['central'], { env });
	await central.printed('the centre runs');
	const told = await eventually(
		async () => {
			const { code, stdout } = await runCli(['show', 'ship1.a', '--json'], { env });
			return code === 0 && viewSchemas.command.parse(JSON.parse(stdout));
		},
		{ message: 'the command did not arrive' },
	);
	expect(told).toMatchObject({ state: 'scheduled', notBefore: '2099-12-24T08:00:00.000Z', sender: 'ship1' });
});
