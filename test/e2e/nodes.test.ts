import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { z } from 'zod';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { type RunningCli, runCli, startCli } from '../support/cli.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { type Nats, startNats } from '../support/nats.ts';
import { tempDir } from '../support/temp.ts';

let nats: Nats;
let dir: Awaited<ReturnType<typeof tempDir>>;
let central: RunningCli;
const envOf = (more = {}) => ({ STEWARD_SERVERS: nats.url, STEWARD_DATA: dir.path, USER: 'ann', ...more });
const steward = (...args: string[]) => runCli(args, { env: envOf() });

beforeAll(async () => {
	nats = await startNats();
	dir = await tempDir();
	await appendFile(
		join(dir.path, 'config.yaml'),
		'centre: { presenceTtlMs: 10000 }\nnode: { beatEveryMs: 500 }\n',
	);
	central = startCli(['central', '--config', join(dir.path, 'config.yaml')], { env: envOf() });
	await eventually(async () => (await steward('nodes', 'ls', '--json')).code === 0);
});
afterAll(async () => {
	await central[Symbol.asyncDispose]();
	await dir[Symbol.asyncDispose]();
	await nats[Symbol.asyncDispose]();
});

/** The JSON must be exactly what the contract says: nothing missing, nothing that it does not know. */
function exactly<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
	const value: unknown = JSON.parse(text);
	const parsed = schema.parse(value);
	expect(parsed).toEqual(value);
	return parsed;
}

async function startShip(name: string): Promise<RunningCli> {
	const node = startCli(['node', '--node', name, '--config', join(dir.path, 'config.yaml')], {
		env: envOf(),
	});
	await eventually(
		async () => {
			const { stdout } = await steward('nodes', 'show', name, '--json');
			const view = exactly(viewSchemas.node, stdout);
			return view.presence === 'present' && view.lanes.every(({ status }) => status !== 'waiting');
		},
		{ message: `${name} is there` },
	);
	return node;
}

/** What people see of a node, once it says `text`. */
function shown(name: string, text: string): Promise<string> {
	return eventually(async () => {
		const { stdout } = await steward('nodes', 'show', name);
		return stdout.includes(text) && stdout;
	});
}

test.concurrent('pause and resume: the answer, who and why in nodes show, a mark in nodes ls, and JSON by the contract', async () => {
	await using _ship = await startShip('tug');
	const paused = await steward('nodes', 'pause', 'tug', '--reason', 'in the dry dock');
	expect(paused).toMatchObject({ code: 0, stdout: 'paused  tug  lanes urgent, normal\n' });
	const text = await shown('tug', 'normal: paused');
	expect(text).toMatch(
		/lane +normal: paused, 0 of 1 in use; paused by ann since 20\S+ \(.*\): in the dry dock\n/,
	);
	expect(text).toMatch(/lane +events: ready/);
	await eventually(async () => (await steward('nodes')).stdout.match(/^tug +present \(paused\) /m));

	const sent = await steward('send', 'tug', 'ping', '--id', 'p', '--json');
	expect(exactly(viewSchemas.receipt, sent.stdout).state).toBe('queued');
	const resumed = await steward('nodes', 'resume', 'tug', '--lane', 'normal,urgent', '--json');
	expect(resumed.code).toBe(0);
	expect(exactly(viewSchemas.receipt, resumed.stdout)).toMatchObject({
		...{ node: 'tug', method: 'resume', lane: 'control', state: 'succeeded', deadline: null },
		result: { value: { lanes: ['normal', 'urgent'], methods: [] } },
	});
	expect((await steward('wait', 'tug.p', '--timeout', '60s')).code).toBe(0);
	const again = await steward('nodes', 'resume', 'tug');
	expect(again.stdout).toBe('resumed  tug  nothing was paused or stopped there\n');

	const none = await steward('nodes', 'pause', 'tug', '--lane', 'bulk');
	expect(none.code).toBe(1);
	expect(none.stdout).toMatch(
		/^failed {2}tug\.\w+ .*this node has no lane bulk; it has: urgent, normal, events/,
	);
});

test.concurrent('stop and resume of a method; one that is not there is told with a guess', async () => {
	await using _ship = await startShip('tanker');
	const wrong = await steward('nodes', 'stop', 'tanker', '--method', 'pong');
	expect(wrong.code).toBe(1);
	expect(wrong.stdout).toContain('did you mean "ping"?');
	const stopped = await steward('nodes', 'stop', 'tanker', '--method', 'ping', '--reason', 'too loud');
	expect(stopped).toMatchObject({ code: 0, stdout: 'stopped  tanker  ping\n' });
	await steward('send', 'tanker', 'ping', '--id', 'p');
	const text = await shown('tanker', 'which is stopped');
	expect(text).toMatch(/stopped +ping by ann since 20\S+ \(.*\): too loud\n/);
	await eventually(async () => (await steward('nodes')).stdout.match(/^tanker +present \(1 stopped\) /m));
	const resumed = await steward('nodes', 'resume', 'tanker', '--method', 'ping');
	expect(resumed).toMatchObject({ code: 0, stdout: 'resumed  tanker  methods ping\n' });
	expect((await steward('wait', 'tanker.p', '--timeout', '60s')).code).toBe(0);
});

test.concurrent('drain tells what still runs, ends with 5 when the time is over, and with 0 when nothing runs', async () => {
	const effects = effectsIn(dir.path, 'drain');
	await using ship = await startShip('barge');
	const long = effects.shell('a', effects.gate('barge'));
	await steward('send', 'barge', 'shellCommand', '--id', 'a', '--run-for', '5m', '--', ...long);
	await effects.reach(1);
	const late = await steward('nodes', 'drain', 'barge', '--timeout', '2s');
	expect(late.code).toBe(5);
	expect(late.stdout).toBe('draining  barge  (1 still runs: barge.a)\n');
	expect(late.stderr).toMatch(/1 still runs on barge: barge\.a \(\S+.* of 5m\)/);
	await eventually(async () => (await steward('nodes')).stdout.match(/^barge +present \(drained\) /m));
	await using waiting = startCli(['nodes', 'drain', 'barge'], { env: envOf() });
	await eventually(() => waiting.stderr().includes('still runs on barge'));
	await effects.open('barge');
	expect(await waiting.exited).toBe(0);
	expect(waiting.stdout()).toContain('idle  barge  nothing runs there\n');
	const json = await steward('nodes', 'drain', 'barge', '--json');
	expect(json.code).toBe(0);
	expect(exactly(viewSchemas.receipt, json.stdout)).toMatchObject({ method: 'drain', state: 'succeeded' });
	expect(await ship.stop()).toBe(0);
});

test.concurrent('an absent node is told of at once: what waits for it, and until when; it does so when it is back', async () => {
	await using ship = await startShip('ferry');
	await ship.stop();
	const paused = await steward('nodes', 'pause', 'ferry', 'never-seen');
	expect(paused.code).toBe(0);
	expect(paused.stdout).toMatch(
		/^queued {2}ferry\.\w+ {2}it takes effect when ferry is back \(absent since 20\S+ \(.*\)\)\nqueued {2}never-seen\.\w+ {2}it takes effect when never-seen connects for the first time\n$/,
	);
	const drained = await steward('nodes', 'drain', 'never-seen', '--deliver-within', '1h');
	expect(drained.code).toBe(0);
	expect(drained.stdout).toMatch(/connects for the first time, and not at all after 20\S+Z\n$/);
	const waited = await steward('nodes', 'resume', 'never-seen', '--wait', '--timeout', '300ms', '--json');
	expect(waited.code).toBe(5);
	expect(exactly(viewSchemas.receipt, waited.stdout).state).toBe('queued');
	expect(exactly(viewSchemas.error, waited.stderr).error.code).toBe('waited-too-long');
	await steward('send', 'ferry', 'ping', '--id', 'p');
	await using _again = await startShip('ferry');
	await shown('ferry', 'normal: paused');
	expect(JSON.parse((await steward('show', 'ferry.p', '--json')).stdout).state).toBe('queued');
	const resumed = await steward('nodes', 'resume', 'ferry', '--no-wait', '--json');
	expect(exactly(viewSchemas.receipt, resumed.stdout).state).toBe('queued');
	expect((await steward('wait', 'ferry.p', '--timeout', '60s')).code).toBe(0);
});

test.concurrent('what is not meant is refused before anything is sent', async () => {
	for (const args of [
		['pause', 'ship1', '--lane', 'control'],
		['pause', '7'],
		['pause'],
		['stop', 'ship1'],
		['drain', 'ship1', '--deliver-within', 'soon'],
		['resume', 'ship1', '--timeout', 'soon'],
		['stop', 'ship1', '--method', 'no such'],
	]) {
		const { code, stdout } = await steward('nodes', ...args);
		expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
	}
	expect((await steward('list', '--node', 'ship1', '--json')).stdout).toBe('[]\n');
	const help = await steward('nodes', 'drain', '--help');
	expect(help.stdout).toContain('longest wait until nothing runs');
});

test.concurrent('a node is taken out of service: seen first, then done, told, and undone', async () => {
	await using _ship = await startShip('sold1');
	const send = (id: string, ...words: string[]) =>
		steward('send', 'sold1', 'shellCommand', '--id', id, ...words, '--', 'sleep', '60');
	await send('runs');
	await eventually(async () =>
		(await steward('show', 'sold1.runs', '--json')).stdout.includes('"state":"running"'),
	);
	await send('waits');
	const words = ['nodes', 'decommission', 'sold1'] as const;
	await eventually(async () => {
		const dry = await steward(...words, '--dry-run', '--json');
		const open = exactly(viewSchemas.command.array(), dry.stdout);
		expect(open.map(({ id, state }) => `${id} ${state}`).toSorted()).toEqual([
			'runs running',
			'waits queued',
		]);
		return true;
	});
	const unsure = await steward(...words);
	expect(unsure).toMatchObject({ code: 2, stdout: '' });
	expect(unsure.stderr).toContain('1 command would be called off');
	expect((await steward('show', 'sold1.waits', '--json')).stdout).toContain('"state":"queued"');

	const done = await steward(...words, '--yes', '--reason', 'sold to the museum');
	expect(done).toMatchObject({ code: 0 });
	expect(done.stdout).toContain('1 called off before they started, 1 given up while they ran');
	expect(done.stderr).toContain('revoke sold1');
	const refused = await send('more');
	expect(refused).toMatchObject({ code: 6, stdout: '' });
	expect(refused.stderr).toContain('decommissioned by ann (sold to the museum)');
	expect((await steward('show', 'sold1.runs')).stdout).toContain(
		'sold1 was decommissioned: sold to the museum',
	);
	await eventually(async () => (await steward('nodes', 'ls')).stdout.match(/sold1 .*\(decommissioned/));
	await eventually(async () => {
		const { stdout } = await steward('nodes', 'show', 'sold1', '--json');
		const { decommissioned } = exactly(viewSchemas.node, stdout);
		expect(decommissioned).toMatchObject({ by: 'ann', cancelled: 1, lost: 1 });
		return true;
	});
	expect((await steward('nodes', 'show', 'sold1')).stdout).toContain('sold to the museum (1 called off');

	const back = await steward('nodes', 'recommission', 'sold1', '--json');
	expect(JSON.parse(back.stdout)).toEqual([{ node: 'sold1', recommissioned: true }]);
	expect((await send('again')).code).toBe(0);
});
