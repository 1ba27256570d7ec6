import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { MessageForm } from '../../src/domain/message.ts';
import { streams } from '../../src/domain/subject.ts';
import { sendViaSocket } from '../../src/node/intake/socket-client.ts';
import { socketPathFor } from '../../src/node/intake/socket-path.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const hour = 3_600_000;

function shell(id: string, data: string[], more: Partial<MessageForm> = {}): MessageForm {
	return { toNode: 'ship1', kind: 'command', method: 'shellCommand', id, data, ...more };
}

test.concurrent('runs once when its time has come, whichever way it came in; its history tells when it was accepted and when queued', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	await using dir = await tempDir();
	await using ship = await startNode(nats.url, 'ship1');
	const effects = effectsIn(dir.path);
	const notBefore = inMs(10_000);
	await fleet.send(shell('fleet', effects.shell('fleet'), { notBefore }));
	const socket = socketPathFor(ship.dataDir, ship.dataDir);
	const form = shell('socket', effects.shell('socket'), { notBefore });
	await sendViaSocket(socket, form, { timeoutMs: 60_000, clock: systemClock });
	const body = { id: 'raw', data: effects.shell('raw'), notBefore };
	raw.nc.publish('ship1.command.shellCommand', JSON.stringify(body));
	const ids = ['fleet', 'raw', 'socket'];
	await eventually(async () => (await fleet.list({ states: ['scheduled'] })).length === 3);
	expect(await effects.words()).toEqual([]);

	const views = await fleet.wait(ids.map((id) => `ship1.${id}`));
	expect((await effects.words()).sort()).toEqual(ids);
	const senders = ['_operator', '_raw', 'ship1'];
	for (const [index, view] of views.entries()) {
		expect(view.state).toBe('succeeded');
		const told = view.history.map(({ state, by }) => `${state} ${by}`);
		const [accepted, queued] = [`scheduled ${senders[index]}`, 'queued central'];
		expect(told).toEqual([accepted, queued, 'running ship1', 'succeeded ship1']);
		expect(Date.parse(view.queuedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(notBefore));
		expect(Date.parse(view.history[0]?.at ?? '')).toBeLessThan(Date.parse(notBefore));
	}
	await eventually(async () => (await raw.jsm.streams.info(streams.commands(0))).state.messages === 0);
});

test.concurrent('before its time it counts as nothing that waits for its node, and does not expire; its deadline counts from its queueing', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await fleet.send(shell('far', ['true'], { notBefore: inMs(hour), deliverWithin: '1ms' }));
	const notBefore = inMs(8000);
	await fleet.send(shell('near', ['true'], { notBefore, deliverWithin: '1ms' }));
	await fleet.send(shell('now', ['true']));
	await eventually(async () => (await fleet.queue('ship1')).length === 1);
	expect(await fleet.node('ship1')).toMatchObject({ presence: 'never', queued: 1 });
	expect((await fleet.list()).map(({ id, state }) => `${id} ${state}`)).toEqual([
		...['now queued', 'near scheduled', 'far scheduled'],
	]);
	expect((await fleet.list({ states: ['scheduled'], node: 'ship1', method: 'shellCommand' })).length).toBe(2);
	expect(await fleet.list({ states: ['scheduled'], node: 'ship2' })).toEqual([]);
	expect(await fleet.list({ states: ['queued'] })).toMatchObject([{ id: 'now' }]);

	const [near] = await fleet.wait(['ship1.near'], { timeoutMs: 60_000 });
	expect(near?.history.map(({ state }) => state)).toEqual(['scheduled', 'queued', 'expired']);
	expect(Date.parse(near?.queuedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(notBefore));
	expect(Date.parse(near?.deadline ?? '') - Date.parse(near?.queuedAt ?? '')).toBe(1);
	expect((await fleet.get('ship1.far'))?.state).toBe('scheduled');
	expect((await fleet.cancel(['ship1.far']))[0]).toMatchObject({ answer: 'beforeStart' });
	await eventually(async () => (await fleet.list({ states: ['scheduled'] })).length === 0);
});

test.concurrent('whose time comes while no centre is there waits for one, and why says so', async () => {
	await using nats = await startNats();
	await using first = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await first.stop();
	const notBefore = inMs(5000);
	await fleet.send(shell('a', ['true'], { notBefore }));
	expect(await fleet.why('ship1.a')).toMatchObject({ cause: 'scheduled', until: notBefore });
	const due = await eventually(async () => {
		const why = await fleet.why('ship1.a');
		return why.cause !== 'scheduled' && why;
	});
	expect(due).toMatchObject({ cause: 'due', since: notBefore, state: 'scheduled' });
	expect(due.sentence).toMatch(/a centre queues it, and there is no centre since/);
	await using _second = await startCentral(nats.url);
	await eventually(async () => (await fleet.get('ship1.a'))?.state === 'queued');
});
