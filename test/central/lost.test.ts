import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { CentreIndex } from '../../src/central/index.ts';
import { Reaper } from '../../src/central/reaper.ts';
import type { Fleet } from '../../src/client/fleet.ts';
import { foldClaim } from '../../src/domain/ledger.ts';
import type { MessageForm } from '../../src/domain/message.ts';
import { type NodeState, nodeStateSchema } from '../../src/domain/node-state.ts';
import { emptyResult } from '../../src/domain/result.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import type { CommandFacts, NodeClaim, Report } from '../../src/domain/wire.ts';
import { command, factsOf, fleetOn, reportSuccess, started } from '../client/setup.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { startNodeProcess } from '../support/node-process.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

/** Where a node has to count as present: a busy machine does not let it beat in time for less. */
const presenceTtlMs = 4000;

test.concurrent('a command that was claimed and never heard of again is lost after its patience; what its node says later is kept as late', async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	const nodeDir = join(dir.path, 'ship1');
	await mkdir(nodeDir);
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	const policy = { runFor: '3s', patience: '1s' } as const;
	{
		await using ship = await startNodeProcess(nats.url, 'ship1', nodeDir);
		await fleet.send({
			...{ toNode: 'ship1', kind: 'command', method: 'shellCommand', id: 'a', ...policy },
			data: effects.shell('a', 'echo half; sleep 1000'),
		});
		await effects.reach(1);
		await ship.kill();
	}
	const [lost] = await fleet.wait(['ship1.a'], { timeoutMs: 60_000 });
	expect(lost).toMatchObject({
		...{ state: 'lost', attempt: 1, result: null },
		closed: { actor: 'central' },
	});
	expect(lost?.attempts[0]?.outcome).toBeNull();
	// It left the stream, so that nothing of it is delivered once more.
	await eventually(async () => (await fleet.queue('ship1')).length === 0);
	const [again] = await fleet.retry(['ship1.a']);
	expect(again?.lineage).toEqual({ kind: 'retry', of: 'ship1.a' });
	await fleet.cancel([again?.handle ?? '']);

	await using _back = await startNodeProcess(nats.url, 'ship1', nodeDir);
	const late = await eventually(async () => {
		const view = await fleet.get('ship1.a');
		return (view?.late.length ?? 0) > 0 && view;
	});
	expect(late).toMatchObject({ state: 'lost', late: [{ event: 'interrupted' }] });
	expect(late.history.at(-1)).toMatchObject({ state: 'interrupted', by: 'ship1', late: true });
	expect(await effects.words()).toEqual(['a']);
});

test.concurrent('a centre that comes late calls nothing lost whose report waits to be read', async () => {
	await using nats = await startNats();
	const first = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	const facts: CommandFacts = {
		...{ method: 'ping', lane: 'normal', sender: '_operator', digest: 'd', seq: 1 },
		...{ queuedAt: 1000, deliverWithinMs: null, runForMs: 1, patienceMs: 1 },
	};
	const claim: NodeClaim = {
		...{ v: 1, by: 'node', epoch: 'e', boot: 'b', machine: 'm', event: 'started', at: 1000 },
		facts,
	};
	await raw.js.publish(subjects.claim('ship1', 'a'), JSON.stringify(claim));
	await eventually(async () => (await fleet.list({ states: ['running'] })).length === 1);
	// The projector of reports is behind: as after an outage of all centres.
	await first.stop();
	await raw.jsm.consumers.pause(streams.reports, '_projector', new Date(Date.now() + 8000));
	const report: Report = {
		...{ v: 1, key: { epoch: 'e', n: 1 }, event: 'succeeded', at: 2000, facts },
		attempts: [
			{
				attempt: 1,
				startedAt: 1000,
				endedAt: 2000,
				outcome: 'succeeded',
				exitCode: null,
				signal: null,
				fault: null,
			},
		],
	};
	await raw.js.publish(subjects.report('ship1', 'a'), JSON.stringify(report));
	await using _next = await startCentral(nats.url);
	const ended = await eventually(async () =>
		(await fleet.list({ node: 'ship1' })).find(({ state }) => state !== 'running'),
	);
	expect(ended.state).toBe('succeeded');
});

test.concurrent('who gives a command up writes over nothing that its node has said meanwhile', async () => {
	await using nats = await startNats();
	await (await startCentral(nats.url)).stop();
	await using raw = await openRaw(nats.url);
	const { fleet, parts } = await fleetOn(raw.connection);
	const handle = { node: 'ship1', id: 'a' };
	await fleet.send(command({ id: 'a', patience: '0s', runFor: '0s' }));
	const facts = await factsOf(parts, handle);
	const running = foldClaim(handle, undefined, started(facts));
	const revision = await parts.ledger.write(running, 0, undefined, parts.serverNow());
	const index = new CentreIndex(raw.connection, 1);
	await index.start();
	await eventually(() => index.isComplete && index.withNode.size === 1);
	const said: string[] = [];
	const reaper = new Reaper({
		...{ index, claims: parts.claims, ledger: parts.ledger, reports: parts.reports },
		...{
			settler: { settle: () => said.push('settled') },
			presenceTtlMs: 0,
			clock: systemClock,
			log: silentLog,
		},
		serverNow: () => parts.serverNow() + 60_000,
		// The projector writes its success down in the middle.
		readMessage: async () => {
			const ended = { ...running, state: 'succeeded' as const, endedAt: facts.queuedAt + 2000 };
			const end = { result: { ...emptyResult, exitCode: 0 }, envelope: null };
			await parts.ledger.write(ended, revision, end, parts.serverNow());
			return null;
		},
	});
	reaper.begin();
	// What the ledger has discarded does not stand in the way of others.
	index.withNode.set('ship1.discarded', 1);
	expect(await reaper.runOnce()).toBe(0);
	expect(index.withNode.has('ship1.discarded')).toBe(false);
	expect(await fleet.get('ship1.a')).toMatchObject({ state: 'succeeded', result: { exitCode: 0 } });
	expect(said).toEqual([]);
	await index.stop();
});

test.concurrent('what waits for its next attempt on a paused lane of a present node is not lost, and goes on', async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using _central = await startCentral(nats.url, { presenceTtlMs });
	await using fleet = await openFleet(nats.url);
	await using _ship = await startNode(nats.url, 'ship1');
	await fleet.send({
		...{ toNode: 'ship1', kind: 'command', method: 'shellCommand', id: 'a', runFor: '3s', patience: '0s' },
		...{ attempts: 2, backoff: { kind: 'fixed', initial: '5s', jitter: 0 } },
		data: effects.shell('a', '[ $STEWARD_ATTEMPT = 2 ]'),
	});
	await eventually(async () => (await fleet.get('ship1.a'))?.state === 'retrying');
	await fleet.pause('ship1', { reason: 'maintenance', waitMs: 60_000 });
	const due = Date.parse((await fleet.get('ship1.a'))?.nextAttemptAt ?? '') + 3000;
	// The reaper looks every two seconds, once it knows who is there.
	await eventually(() => Date.now() > due + presenceTtlMs + 3000);
	expect((await fleet.get('ship1.a'))?.state).toBe('retrying');
	expect((await fleet.why('ship1.a')).cause).toBe('lanePaused');
	await fleet.resume('ship1');
	const [view] = await fleet.wait(['ship1.a'], { timeoutMs: 60_000 });
	expect(view).toMatchObject({ state: 'succeeded', attempt: 2 });
});

test.concurrent('what a ship says of a command that the ledger has forgotten settles no new one of its id', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using raw = await openRaw(nats.url);
	const { fleet } = await fleetOn(raw.connection);
	await fleet.send(command({ id: 'nightly' }));
	const old = Date.now() - 40 * 86_400_000;
	const facts: CommandFacts = {
		...{ method: 'shellCommand', lane: 'normal', sender: '_operator', digest: 'old', seq: 4711 },
		...{ queuedAt: old, deliverWithinMs: null },
	};
	await reportSuccess(raw.connection, { node: 'ship1', id: 'nightly' }, facts);
	expect((await fleet.get('ship1.nightly'))?.state).toBe('queued');
	const [letter] = await eventually(async () => {
		const letters = await fleet.dead.get('ship1.nightly').catch(() => []);
		return letters.length > 0 && letters;
	});
	expect(letter?.fault?.code).toBe('outdated');
	await using _ship = await startNode(nats.url, 'ship1');
	const [view] = await fleet.wait(['ship1.nightly'], { timeoutMs: 60_000 });
	expect(view).toMatchObject({ state: 'succeeded', result: { exitCode: 0 } });
	expect(Date.parse(view?.queuedAt ?? '')).toBeGreaterThan(old + 39 * 86_400_000);
});

test.concurrent('a command that still runs on a present node is not lost, however long its patience has passed', async () => {
	await using nats = await startNats();
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using _central = await startCentral(nats.url, { presenceTtlMs });
	await using fleet = await openFleet(nats.url);
	await using _ship = await startNodeProcess(nats.url, 'ship1', dir.path);
	// The method takes longer to end than it may: SIGTERM is not heard, and its grace is long.
	await fleet.send({
		...{ toNode: 'ship1', kind: 'command', method: 'shellCommand', id: 'a', runFor: '1s', patience: '0s' },
		data: { command: effects.shell('a', `trap '' TERM; sleep 9`), grace: '1m' },
	});
	const [view] = await fleet.wait(['ship1.a'], { timeoutMs: 60_000 });
	expect(view).toMatchObject({ state: 'succeeded', late: [] });
});

/** Its delivery is acknowledged, and its report never left the store that recorded it. */
async function acknowledgedUnreported(
	url: string,
	by: Pick<NodeClaim, 'machine' | 'epoch'>,
	form: Partial<MessageForm>,
) {
	await using raw = await openRaw(url);
	const { fleet, parts } = await fleetOn(raw.connection);
	await fleet.send(command({ id: 'a', ...form }));
	const facts = await factsOf(parts, { node: 'ship1', id: 'a' });
	const { machine, epoch } = by;
	await parts.claims.write({ node: 'ship1', id: 'a' }, { ...started(facts), machine, epoch });
	const consumer = await raw.js.consumers.get(streams.commands(0), 'ship1-normal');
	const delivery = await consumer.next();
	expect(await delivery?.ackAck()).toBe(true);
}

/** A node that ran there once, with what it said last. */
async function wasThere(url: string, fleet: Fleet, dataDir: string): Promise<NodeState> {
	const ship = await startNode(url, 'ship1', { dataDir });
	await eventually(async () => (await fleet.node('ship1'))?.lanes.every(({ status }) => status === 'ready'));
	await ship.stop();
	await using raw = await openRaw(url);
	const said = await raw.jsm.streams.getMessage(streams.state, { last_by_subj: subjects.state('ship1') });
	return nodeStateSchema.parse(said?.json());
}

test.concurrent.each([
	['a lost store', (before: NodeState) => before],
	['another machine of the name', () => ({ machine: 'other', epoch: 'other' })],
])(
	'what %s had recorded and not yet said is lost after its patience, however present the node is',
	async (_, claimedBy) => {
		await using nats = await startNats();
		await using dir = await tempDir();
		await using _central = await startCentral(nats.url);
		await using fleet = await openFleet(nats.url);
		const by = claimedBy(await wasThere(nats.url, fleet, dir.path));
		await acknowledgedUnreported(nats.url, by, { runFor: '1s', patience: '1s' });
		await rm(join(dir.path, 'store'), { recursive: true });

		await using _again = await startNode(nats.url, 'ship1', { dataDir: dir.path });
		const [view] = await fleet.wait(['ship1.a'], { timeoutMs: 60_000 });
		expect(view).toMatchObject({ state: 'lost', attempt: 1, closed: { actor: 'central' } });
	},
);
