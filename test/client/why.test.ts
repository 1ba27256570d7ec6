import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { streams } from '../../src/domain/subject.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

const shell = (id: string, data: string[], more: object = {}) =>
	({ toNode: 'ship1', kind: 'command', method: 'shellCommand', id, data, ...more }) as const;

test('its node was never seen, is absent, is behind another, runs, waits for its next attempt, was refused', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await expect(fleet.why('ship1.none')).rejects.toMatchObject({ code: 'not-found' });
	await fleet.send(shell('a', effects.shell('a', effects.gate('a')), { runFor: '10m' }));
	await fleet.send(
		shell('b', ['false'], { attempts: 2, backoff: { kind: 'fixed', initial: '1h', cap: '1h' } }),
	);
	expect(await fleet.why('ship1.a')).toMatchObject({ cause: 'neverSeen', state: 'queued' });

	await using ship = await startNode(nats.url, 'ship1');
	await effects.reach(1);
	await eventually(async () => (await fleet.why('ship1.a')).cause === 'running');
	expect((await fleet.why('ship1.a')).sentence).toMatch(/^It has run for \S+ of 10m \(attempt 1\)\.$/);
	const behind = /^It is number 2 of 2 on the lane normal, behind ship1\.a, which has run for \S+ of 10m/;
	await eventually(async () => behind.test((await fleet.why('ship1.b')).sentence));
	expect((await fleet.why('ship1.b')).cause).toBe('behind');
	await effects.open('a');
	await eventually(async () => (await fleet.why('ship1.b')).cause === 'retrying');
	expect((await fleet.why('ship1.b')).until).toBe((await fleet.get('ship1.b'))?.nextAttemptAt);
	await fleet.send({ ...shell('c', []), method: 'nothing', lane: 'urgent' });
	await fleet.wait(['ship1.c']);
	expect(await fleet.why('ship1.c')).toMatchObject({ cause: 'refused', state: 'rejected' });

	await ship.stop();
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'absent');
	await fleet.send(shell('d', ['true']));
	const away = await fleet.why('ship1.d');
	expect(away).toMatchObject({ cause: 'nodeAway', notes: [expect.stringMatching(/^it expires at /)] });
	expect(away.since).toBe((await fleet.node('ship1'))?.since);
	await fleet.cancel(['ship1.d'], { reason: 'not needed' });
	expect(await fleet.why('ship1.d')).toMatchObject({ cause: 'cancelled', state: 'cancelled' });
});

test('a lane that is not there, a clock that is off, no centre', async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	const nodeDir = join(dir.path, 'ship1');
	await mkdir(nodeDir);
	const central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using _ship = await startNodeProcess(nats.url, 'ship1', nodeDir, { clockOffsetMs: -3_600_000 });
	await eventually(async () => ((await fleet.node('ship1'))?.clockOffsetMs ?? 0) > 3_000_000);
	await fleet.send(shell('a', ['true'], { lane: 'bulk' }));
	expect(await fleet.why('ship1.a')).toMatchObject({
		cause: 'noSuchLane',
		notes: [
			expect.stringMatching(/^it expires/),
			expect.stringMatching(/clock is \S+( \S+)? behind the broker's/),
		],
	});
	await central.stop();
	const alone = await eventually(async () => {
		const told = await fleet.why('ship1.a');
		return told.cause === 'unknown' && told;
	});
	expect(alone.sentence).toMatch(/no centre since .*; it starts when ship1 is there/);
});

test('a result that is recorded on its node and cannot be reported is told of', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	await using _ship = await startNode(nats.url, 'ship1');
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'present');
	const { config } = await raw.jsm.streams.info(streams.reports);
	await raw.jsm.streams.update(streams.reports, { ...config, max_bytes: 1 });
	await fleet.send(shell('a', ['true']));
	await eventually(async () => (await fleet.why('ship1.a')).cause === 'unreported');
	await raw.jsm.streams.update(streams.reports, config);
	const [view] = await fleet.wait(['ship1.a'], { timeoutMs: 60_000 });
	expect(view?.state).toBe('succeeded');
});

test('a wish to cancel that its node has not heard of is told with its author', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using ship = await startNodeProcess(nats.url, 'ship1', dir.path);
	await fleet.send(shell('a', effects.shell('a', 'sleep 1000')));
	await effects.reach(1);
	await ship.kill();
	await fleet.cancel(['ship1.a'], { reason: 'enough', timeoutMs: 1 });
	expect(await fleet.why('ship1.a')).toMatchObject({
		cause: 'cancelAsked',
		sentence: expect.stringMatching(
			/operator asked for its end at .* \(enough\), and ship1 has not answered yet/,
		),
	});
});
