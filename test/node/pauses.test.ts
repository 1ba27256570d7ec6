import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Fleet } from '../../src/client/fleet.ts';
import type { NodeView } from '../../src/domain/view.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { startProxy } from '../support/proxy.ts';
import { tempDir } from '../support/temp.ts';
import { command, ends, event, settled } from './asking.ts';
import { moduleHeader } from './module-source.ts';

const waitMs = 60_000;

async function place() {
	const nats = await startNats();
	const dir = await tempDir();
	const central = await startCentral(nats.url);
	const fleet = await openFleet(nats.url);
	return {
		...{ url: nats.url, nats, fleet, dir: dir.path, effects: effectsIn(dir.path) },
		[Symbol.asyncDispose]: async () => {
			await fleet.close();
			await central[Symbol.asyncDispose]();
			await dir[Symbol.asyncDispose]();
			await nats[Symbol.asyncDispose]();
		},
	};
}

/** The node's own words, once they are as wanted. */
function told(fleet: Fleet, isWanted: (view: NodeView) => boolean): Promise<NodeView> {
	return eventually(async () => {
		const view = await fleet.node('ship1');
		return view !== undefined && isWanted(view) && view;
	});
}

function laneOf(view: NodeView, lane: string) {
	return view.lanes.find((one) => one.lane === lane);
}

test.concurrent('a paused lane starts nothing, keeps its order over a restart of the node, and goes on where it was', async () => {
	await using here = await place();
	const { fleet, effects } = here;
	const nodeDir = join(here.dir, 'ship1');
	const first = await startNode(here.url, 'ship1', { dataDir: nodeDir });
	await fleet.send(command('a', effects.shell('a', effects.gate('a'))));
	await effects.reach(1);
	const paused = await fleet.pause('ship1', { lanes: ['normal'], reason: 'dry dock', waitMs });
	expect(paused).toMatchObject({
		...{ state: 'succeeded', lane: 'control', method: 'pause', deadline: null },
		result: { value: { paused: ['normal'], absent: [], running: ['a'] } },
	});
	for (const id of ['b', 'c', 'd']) await fleet.send(command(id, effects.shell(id)));
	await fleet.send(command('u', effects.shell('u'), { lane: 'urgent' }));
	// What runs goes on to its end; other lanes go on.
	await settled(fleet, ['u']);
	await effects.open('a');
	expect(ends(await settled(fleet, ['a']))).toEqual(['succeeded 1']);
	const view = await told(fleet, (one) => laneOf(one, 'normal')?.pause !== null);
	expect(laneOf(view, 'normal')).toMatchObject({
		status: 'paused',
		pause: { kind: 'pause', by: 'operator', reason: 'dry dock' },
	});
	await first.stop();
	await using _ship = await startNode(here.url, 'ship1', { dataDir: nodeDir });
	await fleet.send(command('v', effects.shell('v'), { lane: 'urgent' }));
	await settled(fleet, ['v']);
	await told(fleet, (one) => one.presence === 'present' && laneOf(one, 'normal')?.status === 'paused');
	expect((await fleet.get('ship1.b'))?.state).toBe('queued');
	expect(await effects.words()).toEqual(['a', 'u', 'v']);
	const resumed = await fleet.resume('ship1', { lanes: ['normal'], waitMs });
	expect(resumed.result?.value).toEqual({ lanes: ['normal'], methods: [] });
	await settled(fleet, ['b', 'c', 'd']);
	expect(await effects.words()).toEqual(['a', 'u', 'v', 'b', 'c', 'd']);
});

test.concurrent('a pause of an absent node is in effect before anything else runs there: when it starts, and when its link is back', async () => {
	await using here = await place();
	const { fleet, effects } = here;
	await using proxy = await startProxy(Number(new URL(here.url).port));
	const throughProxy = `nats://127.0.0.1:${proxy.port}`;
	// The pause is the last of many: lanes that all began at once would start `a` long before it.
	const pauseLast = async () => {
		for (let n = 0; n < 20; n++) await fleet.resume('ship1');
		return fleet.pause('ship1');
	};
	await fleet.send(command('a', effects.shell('a')));
	await fleet.send(command('u', effects.shell('u'), { lane: 'urgent' }));
	const asked = await pauseLast();
	expect(asked).toMatchObject({ state: 'queued', presence: { status: 'never' } });
	await using _ship = await startNode(throughProxy, 'ship1');
	const [view] = await fleet.wait([asked.handle], { timeoutMs: 60_000 });
	expect(view?.result?.value).toMatchObject({ paused: ['urgent', 'normal'], absent: ['bulk'] });
	await told(fleet, (one) => laneOf(one, 'normal')?.status === 'paused');
	expect(await effects.words()).toEqual([]);
	await fleet.resume('ship1', { waitMs });
	await settled(fleet, ['a', 'u']);

	proxy.cut();
	await told(fleet, (one) => one.presence === 'absent');
	await fleet.send(command('b', effects.shell('b')));
	const again = await pauseLast();
	proxy.heal();
	await fleet.wait([again.handle], { timeoutMs: 60_000 });
	await told(fleet, (one) => laneOf(one, 'normal')?.status === 'paused');
	expect((await effects.words()).sort()).toEqual(['a', 'u']);
	await fleet.resume('ship1', { lanes: ['normal'], waitMs });
	await settled(fleet, ['b']);
});

test.concurrent('urgent overtakes a full normal lane, and a lane that a node does not have waits until it has it', async () => {
	await using here = await place();
	const { fleet, effects } = here;
	const nodeDir = join(here.dir, 'ship1');
	const first = await startNode(here.url, 'ship1', { dataDir: nodeDir });
	await fleet.send(command('a', effects.shell('a', effects.gate('a'))));
	await effects.reach(1);
	await fleet.send(command('b', effects.shell('b')));
	await fleet.send(command('bulk', effects.shell('bulk'), { lane: 'bulk' }));
	await fleet.send(command('u', effects.shell('u'), { lane: 'urgent' }));
	await settled(fleet, ['u']);
	expect(await effects.words()).toEqual(['a', 'u']);
	await effects.open('a');
	await settled(fleet, ['a', 'b']);
	expect((await fleet.get('ship1.bulk'))?.state).toBe('queued');
	const refused = await fleet.pause('ship1', { lanes: ['bulk'], waitMs });
	expect(refused.state).toBe('failed');
	expect(refused.fault?.message).toBe('this node has no lane bulk; it has: urgent, normal, events');
	await first.stop();
	await using _ship = await startNode(here.url, 'ship1', {
		dataDir: nodeDir,
		node: { lanes: { bulk: 1 } },
	});
	await settled(fleet, ['bulk']);
	expect(await effects.words()).toEqual(['a', 'u', 'b', 'bulk']);
});

test.concurrent('a drain takes events and commands no more, is over when nothing runs, and ends with the next start; a pause does not', async () => {
	await using here = await place();
	const { fleet, effects } = here;
	const nodeDir = join(here.dir, 'ship1');
	const first = await startNode(here.url, 'ship1', { dataDir: nodeDir });
	await fleet.send(command('a', effects.shell('a', effects.gate('a')), { runFor: '5m' }));
	await effects.reach(1);
	await fleet.pause('ship1', { lanes: ['urgent'], waitMs });
	const seen: string[] = [];
	const draining = fleet.drain('ship1', {
		untilIdle: {
			timeoutMs: 60_000,
			onProgress: ({ commands, presence }) => {
				for (const { handle, runForMs } of commands) seen.push(`${handle} ${runForMs} ${presence.status}`);
			},
		},
	});
	await eventually(() => seen.includes('ship1.a 300000 present'));
	await fleet.send(command('b', effects.shell('b')));
	const line = await fleet.send(event('textLogging', 'hello'));
	await effects.open('a');
	const drained = await draining;
	expect(drained).toMatchObject({ state: 'succeeded', result: { value: { running: ['a'] } } });
	expect((await fleet.get('ship1.a'))?.state).toBe('succeeded');
	const view = await told(fleet, (one) => laneOf(one, 'events')?.pause?.kind === 'drain');
	expect(view.lanes.map(({ lane, pause }) => [lane, pause?.kind])).toEqual([
		['control', undefined],
		['urgent', 'pause'],
		['normal', 'drain'],
		['events', 'drain'],
	]);
	expect(await effects.words()).toEqual(['a']);
	await first.stop();
	await using _ship = await startNode(here.url, 'ship1', { dataDir: nodeDir });
	await settled(fleet, ['b']);
	const [receipt] = line;
	if (receipt) await fleet.waitDelivered(receipt, { timeoutMs: waitMs });
	const restarted = await told(fleet, (one) => laneOf(one, 'normal')?.pause === null);
	expect(laneOf(restarted, 'urgent')?.pause?.kind).toBe('pause');
});

test.concurrent('waiting for a drain ends in time, and when the drain was undone', async () => {
	await using here = await place();
	const { fleet, effects } = here;
	await using _ship = await startNode(here.url, 'ship1');
	await fleet.send(command('a', effects.shell('a', effects.gate('a'))));
	await effects.reach(1);
	await fleet.drain('ship1', { waitMs });
	await expect(fleet.waitIdle('ship1', { timeoutMs: 1500 })).rejects.toMatchObject({
		...{ code: 'waited-too-long', details: { running: ['ship1.a'] } },
	});
	const waiting = fleet.waitIdle('ship1', { timeoutMs: 60_000 });
	waiting.catch(() => undefined);
	await told(fleet, (one) => laneOf(one, 'normal')?.pause?.kind === 'drain');
	await fleet.resume('ship1', { waitMs });
	await expect(waiting).rejects.toMatchObject({
		...{ code: 'refused', message: 'ship1 was resumed before it was idle: its drain is over' },
	});
	await effects.open('a');
	await settled(fleet, ['a']);
});

test.concurrent('commands of a stopped method wait unclaimed over a restart, and block their lane alone; cancelled, they are out of the way', async () => {
	await using here = await place();
	const { fleet, effects } = here;
	const nodeDir = join(here.dir, 'ship1');
	const modulePath = join(here.dir, 'module.mjs');
	await writeFile(
		modulePath,
		`${await moduleHeader()}
		export default [method('deploy', (_, { path, word }) => appendFileSync(path, word + '\\n'))];`,
	);
	const options = { dataDir: nodeDir, node: { modules: [modulePath] } };
	const deploy = (word: string) => ({ path: effects.path, word });
	const first = await startNode(here.url, 'ship1', options);
	const unknown = await fleet.stop('ship1', { method: 'deplay', waitMs });
	expect(unknown.state).toBe('failed');
	expect(unknown.fault?.message).toContain('has no method "deplay"; did you mean "deploy"?');
	const stopped = await fleet.stop('ship1', { method: 'deploy', reason: 'it fills the disk', waitMs });
	expect(stopped).toMatchObject({ state: 'succeeded', result: { value: { stopped: 'deploy' } } });
	for (const id of ['d1', 'd2', 'd3']) {
		const within = id === 'd2' ? { deliverWithin: '1s' } : {};
		await fleet.send(command(id, deploy(id), { method: 'deploy', ...within }));
	}
	await fleet.send(command('b', effects.shell('b')));
	await fleet.send(command('u', effects.shell('u'), { lane: 'urgent' }));
	await settled(fleet, ['u']);
	const view = await told(fleet, (one) => laneOf(one, 'normal')?.pause !== null);
	expect(laneOf(view, 'normal')?.pause).toMatchObject({
		...{ kind: 'stop', by: 'operator' },
		reason: 'its next command is for deploy, which is stopped: it fills the disk',
	});
	expect(view.stopped).toMatchObject([{ method: 'deploy', by: 'operator', reason: 'it fills the disk' }]);
	expect(ends(await settled(fleet, ['d2']))).toEqual(['expired 0']);
	await first.stop();

	await using _ship = await startNode(here.url, 'ship1', options);
	await fleet.send(command('v', effects.shell('v'), { lane: 'urgent' }));
	await settled(fleet, ['v']);
	expect((await fleet.get('ship1.d1'))?.state).toBe('queued');
	// Certain: no node has it claimed. What waits behind it on the lane goes on by itself.
	expect((await fleet.cancel(['ship1.d1']))[0]?.answer).toBe('beforeStart');
	expect((await fleet.get('ship1.d3'))?.state).toBe('queued');
	expect((await fleet.cancel(['ship1.d3']))[0]?.answer).toBe('beforeStart');
	await settled(fleet, ['b']);
	await fleet.send(command('d4', deploy('d4'), { method: 'deploy' }));
	await told(fleet, (one) => laneOf(one, 'normal')?.pause !== null);
	expect(await effects.words()).toEqual(['u', 'v', 'b']);
	const resumed = await fleet.resume('ship1', { method: 'deploy', waitMs });
	expect(resumed.result?.value).toEqual({ lanes: [], methods: ['deploy'] });
	await settled(fleet, ['d4']);
	expect(await effects.words()).toEqual(['u', 'v', 'b', 'd4']);
});

test.concurrent('a lane whose blocking command was cancelled, and on which nothing waits, is paused no more', async () => {
	await using here = await place();
	const { fleet, effects } = here;
	await using _ship = await startNode(here.url, 'ship1', { node: { lanes: { normal: 2 } } });
	await fleet.stop('ship1', { method: 'ping', reason: 'broken', waitMs });
	await fleet.send(command('p', null, { method: 'ping' }));
	await told(fleet, (one) => laneOf(one, 'normal')?.status === 'paused');
	expect((await fleet.cancel(['ship1.p']))[0]?.answer).toBe('beforeStart');
	const view = await told(fleet, (one) => laneOf(one, 'normal')?.status === 'ready');
	expect(laneOf(view, 'normal')?.pause).toBeNull();
	// It takes what comes, and is blocked again by the next of them.
	await fleet.send(command('b', effects.shell('b')));
	await settled(fleet, ['b']);
	await fleet.send(command('q', null, { method: 'ping' }));
	await told(fleet, (one) => laneOf(one, 'normal')?.status === 'paused');
});

test.concurrent('an event for a stopped method waits, and is handled when the method is resumed', async () => {
	await using here = await place();
	const { fleet } = here;
	await using ship = await startNode(here.url, 'ship1');
	await fleet.stop('ship1', { method: 'textLogging', waitMs });
	const [receipt] = await fleet.send(event('textLogging', 'hello'));
	const view = await told(fleet, (one) => laneOf(one, 'events')?.pause?.kind === 'stop');
	expect(laneOf(view, 'events')?.status).toBe('paused');
	await expect(readFile(join(ship.dataDir, 'logs', 'text.log'), 'utf8')).rejects.toThrow();
	await fleet.resume('ship1', { waitMs });
	if (receipt) await fleet.waitDelivered(receipt, { timeoutMs: waitMs });
});

test.concurrent('a module that breaks down too often is stopped by its node, says so to central, and goes on when it is resumed', async () => {
	await using here = await place();
	const { fleet, effects } = here;
	const modulePath = join(here.dir, 'module.mjs');
	const healed = join(here.dir, 'gate-healed');
	await writeFile(
		modulePath,
		`${await moduleHeader()}
		import { existsSync } from 'node:fs';
		export default [
			method('die', (_, { path }) => {
				appendFileSync(path, 'die\\n');
				if (!existsSync(${JSON.stringify(healed)})) process.exit(3);
			}),
			method('other', () => 'well'),
		];`,
	);
	await using atCentral = await startNode(here.url, 'central');
	await using _ship = await startNode(here.url, 'ship1', { node: { modules: [modulePath] } });
	await fleet.stop('ship1', { method: 'other', reason: 'mine', waitMs });
	const backoff = { kind: 'fixed', initial: '10ms' } as const;
	await fleet.send(command('a', { path: effects.path }, { method: 'die', attempts: 20, backoff }));
	const view = await told(fleet, ({ stopped }) => stopped.some(({ method }) => method === 'die'));
	expect(view.stopped.map(({ method, by }) => [method, by]).sort()).toEqual([
		['die', 'ship1'],
		['other', 'operator'],
	]);
	const errorsPath = join(atCentral.dataDir, 'logs', 'errors.jsonl');
	await eventually(async () => (await readFile(errorsPath, 'utf8')).includes('intensityExceeded'), {
		timeoutMs: waitMs,
	});
	const starts = (await effects.words()).length;
	await told(fleet, (one) => laneOf(one, 'normal')?.pause?.kind === 'stop');
	await effects.open('healed');
	const resumed = await fleet.resume('ship1', { method: 'die', waitMs });
	// An operator's own stop of another method of the module stays.
	expect(resumed).toMatchObject({ state: 'succeeded', result: { value: { methods: ['die'] } } });
	expect(ends(await settled(fleet, ['a']))).toEqual([`succeeded ${starts + 1}`]);
	expect((await effects.words()).length).toBe(starts + 1);
	const after = await told(fleet, ({ stopped }) => stopped.length === 1);
	expect(after.stopped[0]?.method).toBe('other');
});

test.concurrent('a retry that is due while its lane is paused does not start', async () => {
	await using here = await place();
	const { fleet, effects } = here;
	await using _ship = await startNode(here.url, 'ship1');
	const again = { attempts: 2, backoff: { kind: 'fixed', initial: '5s', jitter: 0 } } as const;
	await fleet.send(command('a', effects.shell('a', 'exit 1'), again));
	await eventually(async () => (await fleet.get('ship1.a'))?.state === 'retrying');
	await fleet.pause('ship1', { lanes: ['normal'], waitMs });
	// It holds its slot until it is due; then it is handed back.
	await told(fleet, (one) => {
		const normal = laneOf(one, 'normal');
		return normal?.status === 'paused' && normal.running === 0;
	});
	await fleet.send(command('u', effects.shell('u'), { lane: 'urgent' }));
	await settled(fleet, ['u']);
	expect(await effects.words()).toEqual(['a', 'u']);
	await fleet.resume('ship1', { waitMs });
	expect(ends(await settled(fleet, ['a']))).toEqual(['failed 2']);
	expect(await effects.words()).toEqual(['a', 'u', 'a']);
});

test.concurrent('a wish that no node could follow is refused at once', async () => {
	await using here = await place();
	const { fleet } = here;
	await expect(fleet.pause('ship1', { lanes: [] })).rejects.toMatchObject({ code: 'invalid' });
	await expect(fleet.pause('7')).rejects.toMatchObject({ code: 'invalid' });
	await expect(fleet.stop('ship1', { method: 'no such' })).rejects.toMatchObject({ code: 'invalid' });
	await expect(fleet.drain('ship1', { reason: 'x'.repeat(1001) })).rejects.toMatchObject({ code: 'invalid' });
	const { id } = (await fleet.send(command('a', ['true'])))[0] ?? { id: '' };
	await expect(fleet.cancel([`ship1.${id}`], { reason: 'x'.repeat(1001) })).rejects.toMatchObject({
		...{
			code: 'invalid',
			details: { problems: [expect.stringMatching(/^reason: expected 1000 characters at the most/)] },
		},
	});
	expect(await fleet.queue('ship1')).toMatchObject([{ id, state: 'queued' }]);
});
