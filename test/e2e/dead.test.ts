import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { z } from 'zod';
import { systemClock } from '../../src/base/clock.ts';
import type { Cli } from '../../src/cli/cli.ts';
import { replayDead } from '../../src/cli/commands/dead.ts';
import { streams } from '../../src/domain/subject.ts';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { type Connection, closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { DeadLetters } from '../../src/jetstream/dead-letters.ts';
import { commandLetter, eventLetter, letter } from '../client/dead-letters.ts';
import { runCli } from '../support/cli.ts';
import { type Nats, startNats } from '../support/nats.ts';
import { keptScreen } from '../support/screen.ts';

let nats: Nats;
let connection: Connection;
let dead: DeadLetters;
const steward = (...args: readonly string[]) => runCli(args, { env: { STEWARD_SERVERS: nats.url } });

beforeAll(async () => {
	nats = await startNats();
	const { code, stderr } = await steward('init', '--budget', '1GiB');
	if (code !== 0) throw new Error(stderr);
	connection = await openConnection({ servers: [nats.url], name: 'test', timeoutMs: 30_000 });
	dead = new DeadLetters(connection);
});
afterAll(async () => {
	await closeConnection(connection, systemClock);
	await nats[Symbol.asyncDispose]();
});
beforeEach(async () => {
	await connection.jsm.streams.purge(streams.dead);
});

const outcomes = viewSchemas.deadOutcome.array();
const letters = viewSchemas.deadLetter.array();

/** The JSON must be exactly what the contract says. */
function exactly<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
	const value: unknown = JSON.parse(text);
	const parsed = schema.parse(value);
	expect(parsed).toEqual(value);
	return parsed;
}

test('ls lists what matches, newest first, and says when there is nothing', async () => {
	const none = await steward('dead');
	expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'no dead letters\n' });
	const yesterday = Date.now() - 86_400_000;
	await dead.write({ ...commandLetter('old'), at: yesterday });
	await dead.write({ ...commandLetter('new'), at: Date.now() });
	await dead.write({ ...eventLetter('event', ['x']), at: yesterday });
	const table = await steward('dead', 'ls', '--node', 'ship1', '--kind', 'command');
	expect(table.stdout).toMatch(
		/^WHEN +HANDLE +KIND +METHOD +CODE +ATTEMPTS +NOTE\n.*ship1\.new.*\n.*ship1\.old/,
	);
	expect(table.stdout).not.toContain('ship1.event');
	const recent = await steward('dead', '--since', '1h', '--json');
	expect(exactly(letters, recent.stdout).map(({ handle }) => handle)).toEqual(['ship1.new']);
	expect((await steward('dead', 'ls', '--limit', '1')).stderr).toBe('the newest 1; --limit shows more\n');
	const nothing = await steward('dead', '--code', 'badData', '--json');
	expect(nothing).toMatchObject({ code: 0, stdout: '[]\n' });
	expect(nothing.stderr).toContain('no dead letter matches');
	for (const flags of [
		['--kind', 'job'],
		['--since', 'soon'],
		['--method', '*'],
		['--node', '_x'],
	]) {
		expect((await steward('dead', 'ls', ...flags)).code).toBe(2);
	}
});

test('show tells everything, of a cut message that it is, of a shared handle that it is shared; unknown ends with 4', async () => {
	await dead.write({ ...commandLetter('a'), attempts: 2, lineage: { kind: 'retry', of: 'ship1.first' } });
	await dead.write({ ...eventLetter('a', 'x'.repeat(1_100_000)) });
	const { code, stdout, stderr } = await steward('dead', 'show', 'ship1.a');
	expect(code).toBe(0);
	expect(stdout).toMatch(/^ship1\.a {2}unknownMethod\n {2}why +no such method\n/);
	expect(stdout).toContain('retry of ship1.first');
	expect(stdout).toMatch(/\{"v":1,"id":"a".*"data":"hi"/);
	expect(stdout).toContain(
		'1,100,002 characters, of which only the beginning is kept: it cannot be replayed',
	);
	expect(stderr).toBe('2 letters share the handle ship1.a\n');
	const json = await steward('dead', 'show', 'ship1.a', 'ship1.nothing', '--json');
	expect(json.code).toBe(4);
	expect(exactly(letters, json.stdout).map(({ kept }) => kept)).toEqual(['whole', 'beginning']);
	expect(exactly(viewSchemas.error, json.stderr).error).toMatchObject({
		...{ code: 'not-found', details: { handles: ['ship1.nothing'] } },
	});
	expect((await steward('dead', 'show', 'nonsense')).code).toBe(2);
});

test('replay sends again, once, and says where it went; a letter that cannot be is told with 6', async () => {
	for (const id of ['a', 'b']) await dead.write(commandLetter(id));
	const dry = await steward('dead', 'replay', '--node', 'ship1', '--dry-run');
	expect(dry).toMatchObject({ code: 0, stderr: '2 possible\n' });
	expect(dry.stdout.split('\n').sort()).toEqual(['', 'possible  ship1.a', 'possible  ship1.b']);
	const one = await steward('dead', 'replay', 'ship1.a');
	expect(one.code).toBe(0);
	const [, as = ''] = /^replayed {2}ship1\.a {2}as (ship1\.\S+)\n$/.exec(one.stdout) ?? [];
	const shown = await steward('show', as, '--json');
	expect(exactly(viewSchemas.command, shown.stdout).lineage).toEqual({ kind: 'replay', of: 'ship1.a' });
	const again = await steward('dead', 'replay', 'ship1.a', '--json');
	expect(again.code).toBe(0);
	expect(exactly(outcomes, again.stdout)).toMatchObject([{ outcome: 'duplicate', as }]);

	await dead.write(letter({ id: 'gone' }));
	const rest = await steward('dead', 'replay', '--node', 'ship1', '--rate', '100/s', '--json');
	expect(rest.code).toBe(6);
	expect(exactly(outcomes, rest.stdout).map(({ handle, outcome }) => `${handle} ${outcome}`)).toEqual([
		...['ship1.b replayed', 'ship1.gone refused'],
	]);
	expect(exactly(viewSchemas.error, rest.stderr).error).toMatchObject({
		...{ code: 'refused', details: { handles: ['ship1.gone'] } },
	});
	const replayed = await steward('dead', '--replayed', '--json');
	expect(
		exactly(letters, replayed.stdout)
			.map(({ id }) => id)
			.sort(),
	).toEqual(['a', 'b']);
	expect(exactly(letters, (await steward('dead', '--no-replayed', '--json')).stdout)).toHaveLength(1);
	expect((await steward('dead', 'replay', 'ship1.nothing')).code).toBe(4);
	for (const words of [[], ['--all', '--node', 'ship1'], ['ship1.a', '--all'], ['--all', '--rate', 'fast']]) {
		expect((await steward('dead', 'replay', ...words)).code).toBe(2);
	}
	expect((await steward('dead', 'replay', '--all', '--no-replayed')).code).toBe(2);
});

test('discard throws handles away at once, and what a filter matches only with --yes', async () => {
	for (const id of ['a', 'b', 'c']) await dead.write(commandLetter(id));
	const one = await steward('dead', 'discard', 'ship1.a');
	expect(one).toMatchObject({ code: 0, stdout: 'discarded  ship1.a\n' });
	const asked = await steward('dead', 'discard', '--node', 'ship1', '--json');
	expect(asked.code).toBe(2);
	expect(exactly(viewSchemas.error, asked.stderr).error).toMatchObject({
		...{ code: 'usage', message: expect.stringContaining('2 dead letters'), details: { count: 2 } },
	});
	expect((await steward('dead', 'discard')).code).toBe(2);
	const dry = await steward('dead', 'discard', '--all', '--dry-run', '--json');
	expect(exactly(outcomes, dry.stdout).map(({ outcome }) => outcome)).toEqual(['possible', 'possible']);
	const all = await steward('dead', 'discard', '--all', '--yes');
	expect(all).toMatchObject({ code: 0, stderr: '2 discarded\n' });
	expect((await steward('dead', '--json')).stdout).toBe('[]\n');
});

test('on a terminal one line tells how far it is, and is gone at the end', async () => {
	for (const id of ['a', 'b']) await dead.write(commandLetter(id));
	await dead.write(letter({ id: 'gone' }));
	const [stdout, stderr] = [keptScreen({ columns: 60 }), keptScreen({ columns: 60 })];
	const cli: Cli = {
		...{ env: { STEWARD_SERVERS: nats.url }, cwd: '/', version: 'test', program: 'steward' },
		...{ stdout, stderr, clock: systemClock, timeZone: 'UTC', endAtOnce: () => undefined },
		readStdin: () => Promise.resolve(''),
		onSignal: () => () => undefined,
	};
	const replaying = replayDead(cli, [], { node: 'ship1', rate: '1000/s' });
	await expect(replaying).rejects.toMatchObject({ code: 'refused' });
	const clear = '\r\u001b[2K';
	expect(stderr.text).toBe(
		[...['', '1 replayed', '2 replayed', '2 replayed, 1 not possible', '']].join(clear) +
			'2 replayed, 1 not possible\n',
	);
	expect(stdout.text).toContain('not possible  ship1.gone  (its message is not kept: send it anew)');
});

test('the help has examples', async () => {
	for (const words of [['ls'], ['show'], ['replay'], ['discard']]) {
		const { code, stdout } = await steward('dead', ...words, '--help');
		expect(code).toBe(0);
		expect(stdout).toContain(`Examples:\n  steward dead ${words[0]}`);
	}
	expect((await steward('--help')).stdout).toContain('dead letters: list, show, replay or discard them');
});
