import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { z } from 'zod';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { runCli, startCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { type Nats, startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';

let nats: Nats;
const env = () => ({ STEWARD_SERVERS: nats.url, USER: 'anna', TZ: 'America/New_York' });
const steward = (...args: readonly string[]) => runCli(args, { env: env() });
const piped = (input: string, ...args: readonly string[]) => runCli(args, { env: env(), input });

beforeAll(async () => {
	nats = await startNats();
	const { code, stderr } = await steward('init', '--budget', '1GiB');
	if (code !== 0) throw new Error(stderr);
});
afterAll(async () => {
	await nats[Symbol.asyncDispose]();
});

/** The JSON must be exactly what the contract says. */
function exactly<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
	const value: unknown = JSON.parse(text);
	const parsed = schema.parse(value);
	expect(parsed).toEqual(value);
	return parsed;
}
const { schedule, scheduleOutcome, scheduleTick, scheduleChange, receipt, error } = viewSchemas;

test('a dry run checks without a broker, and shows the next ten ticks there and here', async () => {
	const offline = { env: { TZ: 'America/New_York', STEWARD_SERVERS: 'nats://127.0.0.1:1' } };
	const words = ['schedules', 'add', 'nightly', 'ship1', 'shellCommand', '--cron', '0 3 * * *', '--dry-run'];
	const there = await runCli([...words, '--time-zone', 'Europe/Oslo', '--', './backup'], offline);
	expect(there).toMatchObject({ code: 0, stderr: 'nothing was stored (--dry-run)\n' });
	expect(there.stdout).toMatch(
		/^valid {2}nightly {2}At 03:00, Europe\/Oslo\nEurope\/Oslo +America\/New_York \(here\) +WHEN\n/,
	);
	expect(there.stdout.match(/T03:00:00\+0[12]:00 .*T2[012]:00:00-0[45]:00 +in \d/g)).toHaveLength(10);
	const here = await runCli([...words, '--json'], offline);
	const [outcome] = exactly(scheduleOutcome.array(), here.stdout);
	expect(outcome).toMatchObject({ outcome: 'valid', version: null, form: { timeZone: 'America/New_York' } });
	expect(outcome?.next).toHaveLength(10);
	expect(outcome?.next[0]?.local).toMatch(/T03:00:00-0[45]:00$/);
	// Said where it was taken from the machine.
	expect((await runCli(words, offline)).stderr).toContain('time zone of this machine, America/New_York');
});

test('what is wrong is told all at once, of all schedules of a file, and nothing is stored', async () => {
	const file = [
		{ name: 'a', cron: '61 * * * *', toNode: 'ship1', message: { method: 'ping', dat: 1 } },
		{ name: 'b', every: '1h', toNode: 'ship1', message: { method: 'ping' } },
	];
	const wrong = await piped(JSON.stringify(file), 'schedules', 'add', '--file', '-', '--json');
	expect(wrong.code).toBe(2);
	expect(exactly(error, wrong.stderr).error).toMatchObject({
		code: 'invalid',
		details: {
			problems: [
				expect.stringMatching(/^\[0\]\.cron: /),
				expect.stringMatching(/^\[0\]\.message\.dat: unknown field; did you mean "data"\?/),
			],
		},
	});
	const twice = await piped(JSON.stringify([file[1], file[1]]), 'schedules', 'add', '--file', '-');
	expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining('b: twice') });
	expect((await steward('schedules', 'show', 'b', '--form')).code).toBe(4);
	expect((await steward('schedules', 'ls')).code).toBe(3);
	expect((await steward('schedules', 'add', 'c')).code).toBe(2);
});

test('with labels a name of a node is no method, and its form steers no terminal', async () => {
	const add = (...words: string[]) => steward('schedules', 'add', 'tugs', ...words);
	const labels = ['--where', 'role=tug', '--every', '1h'];
	const trapped = await add('ship1', 'shellCommand', ...labels, '--', 'true');
	expect(trapped).toMatchObject({ code: 2, stderr: expect.stringContaining('got tugs ship1 shellCommand') });
	expect((await steward('schedules', 'show', 'tugs', '--form')).code).toBe(4);
	const sent = await steward('send', 'ship1', 'shellCommand', '--where', 'role=tug', '--', 'true');
	expect(sent).toMatchObject({ code: 2, stderr: expect.stringContaining('got ship1 shellCommand') });
	const data = ['a\u202eb', '\u009b2J', 'c\nd', "it's"];
	expect((await add('shellCommand', ...labels, '--', ...data)).code).toBe(0);
	const { stdout } = await steward('schedules', 'show', 'tugs', '--form');
	expect(stdout).not.toMatch(/[\u0080-\u009f\u202e]/);
	expect(JSON.parse(stdout).message.data).toEqual(data);
	expect((await steward('schedules', 'rm', 'tugs')).code).toBe(0);
});

test('from a YAML file to its end: add, ls, show, next, pause, resume, run-now, history, rm, and back', async () => {
	await using dir = await tempDir();
	await using central = startCli(['central'], { env: env() });
	await central.printed('the centre runs');
	const file = join(dir.path, 'schedules.yaml');
	const written = (hour: number) => `
- name: nightly
  cron: 0 ${hour} * * *
  timeZone: Europe/Oslo
  toNodes: [ship1, ship2]
  message: { method: shellCommand, data: ['./backup', '{{node}}'] }
  note: all of them
- { name: tanks, every: 15m, where: { role: tug }, message: { method: ping }, placement: node }
`;
	await writeFile(file, written(3));
	const added = await steward('schedules', 'add', '--file', file);
	expect(added).toMatchObject({ code: 0, stderr: '' });
	expect(added.stdout).toMatch(
		/^added {2}nightly {2}version 1 {2}At 03:00, Europe\/Oslo {2}next .*T03:00.*\nadded {2}tanks {2}version 1 {2}every 15 minutes {2}next /,
	);
	// There already: nothing. With another hour: refused, until it is to be replaced.
	expect((await steward('schedules', 'add', '--file', file)).stdout).toMatch(/^unchanged.*\nunchanged/);
	await writeFile(file, written(4));
	const refused = await steward('schedules', 'add', '--file', file, '--json');
	expect(refused.code).toBe(6);
	expect(exactly(scheduleOutcome.array(), refused.stdout).map(({ name }) => name)).toEqual(['tanks']);
	expect(exactly(error, refused.stderr).error.details).toMatchObject({ failed: [{ name: 'nightly' }] });
	const replaced = await steward('schedules', 'add', '--file', file, '--replace', '--json');
	expect(exactly(scheduleOutcome.array(), replaced.stdout)).toMatchObject([
		{ outcome: 'changed', version: 2, fields: ['cron'] },
		{ outcome: 'unchanged', version: 1 },
	]);

	// The centre, which tells of schedules, hears of a change a moment later.
	await eventually(async () => {
		const shown = await steward('schedule', 'show', 'nightly', 'tanks', '--json');
		expect(exactly(schedule.array(), shown.stdout)).toMatchObject([
			{ name: 'nightly', version: 2, changed: { by: 'anna' }, toNodes: ['ship1', 'ship2'], targets: 2 },
			{ name: 'tanks', everyMs: 900_000, placement: 'node', where: { role: 'tug' } },
		]);
		return true;
	});
	const table = await steward('schedules');
	expect(table.stdout).toMatch(
		/^NAME +WHEN +NODES +BY +NEXT +LAST +OUTCOME +MISSED +NOTE\nnightly +At 0\d:00, Europe\/Oslo +ship1,ship2 +centre +in .*all of them\ntanks .*role=tug \(0\) +node/,
	);
	expect((await steward('schedules', 'show', 'nightly')).stdout).toContain(
		'sends     shellCommand ["./backup"',
	);
	const missing = await steward('schedules', 'show', 'nighly');
	expect(missing).toMatchObject({ code: 4, stderr: expect.stringContaining('did you mean "nightly"?') });

	const next = await steward('schedules', 'next', 'nightly', '-n', '2', '--json');
	expect(exactly(scheduleTick.array(), next.stdout).map(({ local }) => local.slice(11, 19))).toEqual([
		...['04:00:00', '04:00:00'],
	]);
	const paused = await steward('schedules', 'pause', 'nightly', 'nope', 'tanks', '--reason', 'dry dock');
	expect(paused.code).toBe(4);
	expect(paused.stdout).toMatch(/^paused {2}nightly.*\npaused {2}tanks/);
	expect(paused.stderr).toMatch(/^nope {2}not done: there is no schedule "nope"/);
	await eventually(async () =>
		(await steward('schedules', 'next', 'nightly')).stderr.includes('nightly is paused'),
	);

	const run = await steward('schedules', 'run-now', 'nightly', '--node', 'ship2', '--id', 'mine', '--json');
	expect(exactly(receipt.array(), run.stdout)).toMatchObject([{ handle: 'ship2.mine', state: 'queued' }]);
	expect((await steward('show', 'ship2.mine')).stdout).toContain('nightly');
	expect((await steward('schedules', 'run-now', 'nightly', '--node', 'ship3')).code).toBe(2);
	expect((await steward('schedules', 'resume', 'nightly')).stdout).toMatch(
		/^resumed {2}nightly {2}version 4/,
	);
	await eventually(async () => {
		const history = await steward('schedules', 'history', 'nightly', '--json');
		const changes = exactly(scheduleChange.array(), history.stdout);
		expect(changes.map(({ change, reason }) => [change, reason])).toEqual([
			...[
				['resumed', ''],
				['ran', ''],
				['paused', 'dry dock'],
				['changed', ''],
				['added', ''],
			],
		]);
		return true;
	});
	expect((await steward('schedules', 'history', 'nightly')).stdout).toMatch(/anna +resumed +4 +paused/);

	const form = await steward('schedules', 'show', 'nightly', '--form');
	const removed = await steward('schedules', 'rm', 'nightly', 'tanks');
	expect(removed.stdout).toMatch(/^removed {2}nightly.*\nremoved {2}tanks/);
	expect(removed.stderr).toContain(`to have it again: printf '%s\\n' '{"name":"nightly"`);
	const back = await piped(form.stdout, 'schedules', 'add', '--file', '-');
	expect(back.stdout).toMatch(/^added {2}nightly {2}version 6/);
});

test('what fired is told with its outcome on each node', async () => {
	await using dir = await tempDir();
	const here = { ...env(), STEWARD_DATA: dir.path };
	await using central = startCli(['central'], { env: here });
	await central.printed('the centre runs');
	await using node = startCli(['node', '--node', 'ship7'], { env: here });
	await node.printed('node ship7 runs');
	const words = ['schedules', 'add', 'often', 'ship7', 'shellCommand', '--every', '1s', '--json'];
	const added = await steward(...words, '--', 'echo', '{{node}} {{schedule}}');
	expect(exactly(scheduleOutcome.array(), added.stdout)).toMatchObject([{ outcome: 'added' }]);
	let handle = '';
	await eventually(async () => {
		const [view] = exactly(schedule.array(), (await steward('schedules', 'show', 'often', '--json')).stdout);
		const last = view?.last?.nodes.find(({ state }) => state === 'succeeded');
		handle = last?.handle ?? '';
		return handle !== '' && (view?.counts.fired ?? 0) > 0;
	});
	expect((await steward('schedules', 'ls')).stdout).toMatch(
		/often +every second +ship7 +centre .* ship7 [a-z]+/,
	);
	expect((await steward('show', handle)).stdout).toContain('ship7 often');
	expect((await steward('schedules', 'rm', 'often')).code).toBe(0);
});

test('the help has examples, and says what needs a centre', async () => {
	for (const words of [
		['add'],
		['show'],
		['next'],
		['history'],
		['pause'],
		['resume'],
		['run-now'],
		['rm'],
	]) {
		const { code, stdout } = await steward('schedules', ...words, '--help');
		expect(code).toBe(0);
		expect(stdout).toContain(`Examples:\n  steward schedules ${words[0]}`);
	}
	expect((await steward('--help')).stdout).toContain('schedules: what is sent again and again');
});
