import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { sendViaSocket } from '../../src/node/intake/socket-client.ts';
import { socketPathFor } from '../../src/node/intake/socket-path.ts';
import { effectsIn, untilGone } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { shortenLeases } from '../support/leases.ts';
import { startNats } from '../support/nats.ts';
import { keepRunning, startNodeProcess } from '../support/node-process.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, settled } from './asking.ts';
import { moduleHeader } from './module-source.ts';

async function folders() {
	const dir = await tempDir();
	const nodeDir = join(dir.path, 'ship1');
	await mkdir(nodeDir);
	return { effects: effectsIn(dir.path), nodeDir, dir, [Symbol.asyncDispose]: dir[Symbol.asyncDispose] };
}

test.concurrent('a node that was killed while a command ran says interrupted, and the orphaned process group is gone', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await shortenLeases(nats.url, 'ship1');
	await using place = await folders();
	const { effects, nodeDir } = place;
	await using first = await startNodeProcess(nats.url, 'ship1', nodeDir);
	await fleet.send(command('a', effects.shell('$$', 'sleep 1000 & wait')));
	await fleet.send(command('b', effects.shell('b')));
	const pid = Number((await effects.reach(1))[0]);
	await first.kill();
	process.kill(pid, 0);

	await using _second = await startNodeProcess(nats.url, 'ship1', nodeDir);
	const [a, b] = await settled(fleet, ['a', 'b']);
	expect(a).toMatchObject({ state: 'interrupted', attempt: 1, fault: { code: 'interrupted' } });
	expect(b).toMatchObject({ state: 'succeeded' });
	await untilGone(pid, 1);
	expect(await effects.words()).toEqual([String(pid), 'b']);
});

test.concurrent('with rerun it runs again after a kill of the node; a command that kills its node ends after its attempts', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await shortenLeases(nats.url, 'ship1');
	await using place = await folders();
	const { effects, nodeDir } = place;
	const rerun = { onInterrupt: 'rerun', attempts: 3, backoff: 'fixed' } as const;
	// `kill -9 $PPID` is the node: the shell is its child.
	const once = `if [ "$STEWARD_ATTEMPT" = 1 ]; then kill -9 $PPID; sleep 1000; fi`;
	await fleet.send(command('once', effects.shell('once $STEWARD_ATTEMPT $$', once), rerun));
	await fleet.send(
		command('always', effects.shell('always $STEWARD_ATTEMPT $$', 'kill -9 $PPID; sleep 1000'), rerun),
	);
	await fleet.send(command('after', effects.shell('after')));
	await using ship = keepRunning(nats.url, 'ship1', nodeDir);
	const handles = ['ship1.once', 'ship1.always', 'ship1.after'];
	const views = await fleet.wait(handles, { timeoutMs: 60_000 });
	expect(ends(views)).toEqual(['succeeded 2', 'interrupted 3', 'succeeded 1']);
	expect(views[1]?.fault?.code).toBe('attemptsExhausted');
	const starts = (await effects.words()).map((line) => line.split(' '));
	const told = starts.map(([word, attempt]) => `${word} ${attempt ?? ''}`.trim());
	expect(told).toEqual(['once 1', 'once 2', 'always 1', 'always 2', 'always 3', 'after']);
	// Killed before the node could write their groups down, and gone all the same.
	for (const [, , pid] of starts) if (pid !== undefined) await untilGone(Number(pid), 1);
	expect(ship.starts).toBe(5);
});

test.concurrent('a store that was wiped while a command ran: interrupted, and not run twice, also past its deadline', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await shortenLeases(nats.url, 'ship1');
	await using place = await folders();
	const { effects, nodeDir } = place;
	await using first = await startNodeProcess(nats.url, 'ship1', nodeDir);
	await fleet.send(command('a', effects.shell('$$', 'sleep 1000'), { deliverWithin: '6s' }));
	const pid = Number((await effects.reach(1))[0]);
	await first.kill();
	await rm(join(nodeDir, 'store'), { recursive: true });
	await eventually(async () => Date.parse((await fleet.get('ship1.a'))?.deadline ?? '') < Date.now());
	await using _second = await startNodeProcess(nats.url, 'ship1', nodeDir);
	const [a] = await settled(fleet, ['a']);
	expect(a).toMatchObject({ state: 'interrupted', fault: { code: 'interrupted' } });
	expect(a?.fault?.message).toContain('lost its store');
	expect(await effects.words()).toHaveLength(1);
	// The group of a lost journal is nobody's to end: the test ends it.
	process.kill(-pid, 'SIGKILL');
});

test.concurrent('what a node accepted while the broker was down goes out later under its id, also after a kill of the node', async () => {
	await using nats = await startNats();
	await using central = await startCentral(nats.url);
	await central.stop();
	await using place = await folders();
	const { effects, nodeDir } = place;
	await nats.kill();
	await using first = await startNodeProcess(nats.url, 'ship1', nodeDir);
	const socket = socketPathFor(nodeDir, nodeDir);
	const patience = { timeoutMs: 60_000, clock: systemClock };
	const accepted = await sendViaSocket(socket, command('viaSocket', effects.shell('socket')), patience);
	expect(accepted).toEqual([{ id: 'viaSocket', nodes: ['ship1'] }]);
	const text = JSON.stringify([command('viaFile', effects.shell('file'))]);
	const inmsg = join(nodeDir, 'inmsg.txt');
	await appendFile(inmsg, text);
	await eventually(async () => (await readFile(inmsg, 'utf8').catch(() => '')) === '');
	await eventually(() => first.output().includes('waiting for a broker'));
	await first.kill();

	await nats.restart();
	await using _again = await startCentral(nats.url);
	await using _second = await startNodeProcess(nats.url, 'ship1', nodeDir);
	await using fleet = await openFleet(nats.url);
	await effects.reach(2);
	const views = await settled(fleet, ['viaSocket', 'viaFile']);
	expect(views.map(({ state, sender }) => `${state} ${sender}`)).toEqual([
		'succeeded ship1',
		'succeeded ship1',
	]);
	expect((await effects.words()).sort()).toEqual(['file', 'socket']);
});

test.concurrent('a second node on the same folder is refused while the first one runs a command, and the first one goes on undisturbed', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using ship = await startNode(nats.url, 'ship1');
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await fleet.send(command('a', effects.shell('a', effects.gate('a'))));
	await effects.reach(1);
	await expect(startNode(nats.url, 'ship1', { dataDir: ship.dataDir })).rejects.toMatchObject({
		code: 'already-running',
	});
	await effects.open('a');
	const [a] = await settled(fleet, ['a']);
	expect(a?.state).toBe('succeeded');
	expect(await effects.words()).toEqual(['a']);
});

test.concurrent('a node that was stopped leaves nothing open: its process ends by itself, in the middle of a run as well', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using place = await folders();
	const { effects, nodeDir } = place;
	const modulePath = join(place.dir.path, 'module.mjs');
	await writeFile(modulePath, `${await moduleHeader()} export default method('m', () => 1);`);
	const node = { shutdownGraceMs: 200, modules: [modulePath] };
	await using ship = await startNodeProcess(nats.url, 'ship1', nodeDir, { node });
	await fleet.send(command('a', effects.shell('$$', 'sleep 1000')));
	const pid = Number((await effects.reach(1))[0]);
	expect(await ship.kill('SIGTERM')).toBe(0);
	await untilGone(pid, 1);
	expect(ends(await settled(fleet, ['a']))).toEqual(['interrupted 1']);
});
