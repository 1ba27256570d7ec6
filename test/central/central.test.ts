import { connect as connectNats } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { Fleet } from '../../src/client/fleet.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import type { CommandView } from '../../src/domain/view.ts';
import { closeConnection, openConnection } from '../../src/jetstream/connection.ts';
import { subjectsOf } from '../../src/jetstream/consumers.ts';
import { getLast } from '../../src/jetstream/direct-get.ts';
import { sendViaSocket } from '../../src/node/intake/socket-client.ts';
import { socketPathFor } from '../../src/node/intake/socket-path.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { untilSwept } from './swept.ts';

async function sendPing(fleet: Fleet, node: string, id?: string): Promise<string> {
	const [receipt] = await fleet.send({
		toNode: node,
		kind: 'command',
		method: 'ping',
		data: 'hi',
		...(id ? { id } : {}),
	});
	return receipt?.handle ?? '';
}

async function openRaw(url: string) {
	const connection = await openConnection({ servers: [url], name: 'test', timeoutMs: 30_000 });
	return { connection, [Symbol.asyncDispose]: () => closeConnection(connection, systemClock) };
}

const stateOf = (views: CommandView[]) => views.map(({ state }) => state);

test.concurrent('stopping the centre loses nothing, and one that starts catches up', async () => {
	await using nats = await startNats();
	const first = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using _ship = await startNode(nats.url, 'ship1');
	await fleet.wait([await sendPing(fleet, 'ship1')], { timeoutMs: 60_000 });
	await first.stop();

	const handles = await Promise.all(Array.from({ length: 20 }, () => sendPing(fleet, 'ship1')));
	// No centre writes it down, and the answer is there all the same.
	const views = await fleet.wait(handles, { timeoutMs: 60_000 });
	expect(new Set(stateOf(views))).toEqual(new Set(['succeeded']));
	expect(views[0]?.result?.value).toEqual({ pong: 'hi', node: 'ship1' });
	await expect(fleet.list()).rejects.toMatchObject({ code: 'no-centre' });

	await using _second = await startCentral(nats.url);
	await eventually(async () => (await fleet.list({ states: ['succeeded'] })).length === 21);
	expect((await fleet.get(handles[0] ?? ''))?.result?.value).toEqual({ pong: 'hi', node: 'ship1' });
});

test.concurrent('presence is never, present, absent since a clean leave, and unknown without a centre', async () => {
	await using nats = await startNats();
	await using central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	const presence = async () => {
		const [receipt] = await fleet.send({ toNode: 'ship1', kind: 'command', method: 'ping' });
		return receipt?.presence;
	};
	await eventually(async () => (await presence())?.status === 'never');
	await using ship = await startNode(nats.url, 'ship1');
	await eventually(async () => (await presence())?.status === 'present');
	await ship.stop();
	await eventually(async () => (await presence())?.status === 'absent');
	const absent = await presence();
	expect(Date.now() - Date.parse(absent?.since ?? '')).toBeLessThan(10_000);
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'absent');
	await central.stop();
	await eventually(async () => (await presence())?.status === 'unknown');
	expect((await presence())?.since).not.toBeNull();
});

test.concurrent('presence is there again soon after the broker lost its memory', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using _ship = await startNode(nats.url, 'ship1');
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'present');
	await nats.restart('SIGKILL');
	await eventually(async () => {
		expect(await fleet.node('ship1').catch(String)).toMatchObject({ presence: 'present' });
		return true;
	});
	await using _other = await startNode(nats.url, 'ship2');
	await eventually(async () => (await fleet.node('ship2').catch(() => undefined))?.presence === 'present');
});

test.concurrent('any NATS client can send: a raw message runs once, one that is not valid becomes a dead letter', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using _ship = await startNode(nats.url, 'ship1');
	const nc = await connectNats({ servers: nats.url });
	nc.publish('ship1.command.ping', JSON.stringify({ data: ['raw'] }));
	nc.publish('ship1.command.ping', 'this is no JSON');
	nc.publish('ship1.command.ping', JSON.stringify({ dta: 1 }));
	nc.publish('ship1.event.textLogging', JSON.stringify({ data: ['a raw line'] }));
	await nc.drain();
	const [view] = await eventually(async () => {
		const done = await fleet.list({ states: ['succeeded'] });
		return done.length === 1 && done;
	});
	expect(view).toMatchObject({ node: 'ship1', method: 'ping', sender: '_raw' });
	await using raw = await openRaw(nats.url);
	const dead = await eventually(async () => {
		const found = await subjectsOf(raw.connection, streams.dead, 'steward.dead.>');
		return found.length === 2 && found;
	});
	const letters = await Promise.all(dead.map((subject) => getLast(raw.connection, streams.dead, subject)));
	const faults = letters.map((letter) => JSON.parse(new TextDecoder().decode(letter?.data)).fault.message);
	expect(faults.sort()).toEqual([
		expect.stringContaining('the body is no JSON'),
		expect.stringContaining('dta: unknown field; did you mean "data"?'),
	]);
});

test.concurrent('a node sends a command to another node through its own outbox', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using one = await startNode(nats.url, 'ship1');
	await using _two = await startNode(nats.url, 'ship2', { node: { labels: { kind: 'tug' } } });
	const path = socketPathFor(one.dataDir, one.dataDir);
	const form = { toNode: 'ship2', kind: 'command' as const, method: 'ping', id: 'from-ship1' };
	await sendViaSocket(path, form, { timeoutMs: 60_000, clock: systemClock });
	const [view] = await eventually(() => fleet.wait(['ship2.from-ship1'], { timeoutMs: 60_000 }));
	expect(view).toMatchObject({ state: 'succeeded', sender: 'ship1', node: 'ship2' });

	await eventually(async () => (await fleet.node('ship2'))?.labels.kind === 'tug');
	const labelled = { where: { kind: 'tug' }, kind: 'command' as const, method: 'ping', id: 'to-tugs' };
	await sendViaSocket(path, labelled, { timeoutMs: 60_000, clock: systemClock });
	await eventually(() => fleet.wait(['ship2.to-tugs'], { timeoutMs: 60_000 }));
});

test.concurrent('a command whose time to start has passed is expired by the centre, though its node never returns', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	const [receipt] = await fleet.send({
		toNode: 'gone',
		kind: 'command',
		method: 'ping',
		deliverWithin: '200ms',
	});
	const [view] = await fleet.wait([receipt?.handle ?? ''], { timeoutMs: 60_000 });
	expect(view).toMatchObject({ state: 'expired', attempts: [], closed: { actor: 'central' } });
	await eventually(async () => (await fleet.queue('gone')).length === 0);
	// The ship that comes after all finds nothing to run.
	await using _ship = await startNode(nats.url, 'gone');
	await fleet.wait([await sendPing(fleet, 'gone')], { timeoutMs: 60_000 });
	expect((await fleet.get(receipt?.handle ?? ''))?.state).toBe('expired');
});

test.concurrent('of two centres one leads, and the other takes over when it stops', async () => {
	await using nats = await startNats();
	const first = await startCentral(nats.url);
	await using _second = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using _ship = await startNode(nats.url, 'ship1');
	await fleet.wait([await sendPing(fleet, 'ship1')], { timeoutMs: 60_000 });
	await first.stop();
	const handle = await sendPing(fleet, 'ship1');
	await eventually(async () =>
		(await fleet.list({ states: ['succeeded'] })).some((view) => view.handle === handle),
	);
});

test.concurrent('what is done leaves the streams: commands, claims after their time, reports, intake, events', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url, { claimRetentionMs: 0, sweepEveryMs: 200 });
	await using fleet = await openFleet(nats.url);
	await using _ship = await startNode(nats.url, 'ship1');
	await fleet.send({ toNode: 'ship1', kind: 'event', method: 'textLogging', data: 'line' });
	const handles = await Promise.all(Array.from({ length: 50 }, () => sendPing(fleet, 'ship1')));
	await fleet.wait(handles, { timeoutMs: 60_000 });
	await using raw = await openRaw(nats.url);
	await untilSwept(raw.connection);
	// The ledger still knows, and the id is still taken.
	expect((await fleet.list({ limit: 100 })).length).toBe(50);
	const [again] = await fleet.send({
		toNode: 'ship1',
		kind: 'command',
		method: 'ping',
		data: 'hi',
		id: 'once',
	});
	await fleet.wait([again?.handle ?? ''], { timeoutMs: 60_000 });
	await eventually(
		async () => (await subjectsOf(raw.connection, streams.claims, subjects.claim('*', '*'))).length === 0,
	);
	const [duplicate] = await fleet.send({
		toNode: 'ship1',
		kind: 'command',
		method: 'ping',
		data: 'hi',
		id: 'once',
	});
	expect(duplicate).toMatchObject({ duplicate: true, state: 'succeeded' });
});

test.concurrent('lists are paged, filtered, newest first; queues are in order', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	const handles = await Promise.all(
		Array.from({ length: 450 }, (_, i) => sendPing(fleet, `ship${i % 2}x`, `c${i}`)),
	);
	await eventually(async () => (await fleet.list({ limit: 1000 })).length === handles.length);
	const all = await fleet.list({ limit: 1000 });
	expect(new Set(all.map(({ handle }) => handle)).size).toBe(450);
	const times = all.map(({ queuedAt }) => Date.parse(queuedAt ?? ''));
	expect(times).toEqual([...times].sort((a, b) => b - a));
	expect((await fleet.list({ limit: 7 })).length).toBe(7);
	expect((await fleet.list({ node: 'ship1x', limit: 1000 })).length).toBe(225);
	expect((await fleet.list({ states: ['succeeded'] })).length).toBe(0);
	expect((await fleet.list({ since: new Date(Date.now() + 60_000) })).length).toBe(0);
	const queue = await fleet.queue('ship0x');
	expect(queue.length).toBe(225);
	expect(queue.every(({ state }) => state === 'queued')).toBe(true);
	expect((await fleet.nodes()).map(({ node, queued, presence }) => ({ node, queued, presence }))).toEqual([
		{ node: 'ship0x', queued: 225, presence: 'never' },
		{ node: 'ship1x', queued: 225, presence: 'never' },
	]);
});
