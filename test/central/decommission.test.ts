import { expect, test } from 'vitest';
import { enqueue } from '../../src/client/enqueue.ts';
import { operatorSender } from '../../src/domain/names.ts';
import { consumerName, streams } from '../../src/domain/subject.ts';
import { keyHeaders } from '../../src/jetstream/events.ts';
import { fleetOn } from '../client/setup.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

const command = (id: string, data: string[], more: object = {}) => ({
	...{ toNode: 'ship1', kind: 'command' as const, method: 'shellCommand', id, data },
	...more,
});

async function world() {
	const nats = await startNats();
	const central = await startCentral(nats.url);
	const fleet = await openFleet(nats.url);
	const raw = await openRaw(nats.url);
	const dir = await tempDir();
	return {
		...{ nats, central, fleet, raw, effects: effectsIn(dir.path) },
		consumers: async () => {
			const { jsm } = raw.connection;
			const found: string[] = [];
			for (const stream of [streams.commands(0), streams.events]) {
				for await (const { name } of jsm.consumers.list(stream))
					if (name.startsWith('ship1-')) found.push(name);
			}
			return found;
		},
		async [Symbol.asyncDispose]() {
			await raw[Symbol.asyncDispose]();
			await fleet.close();
			await central[Symbol.asyncDispose]();
			await nats[Symbol.asyncDispose]();
			await dir[Symbol.asyncDispose]();
		},
	};
}

test.concurrent('a node that is taken out of service: what waits is called off, what runs is given up, nothing more is sent; back, it works again', async () => {
	await using here = await world();
	const { fleet, effects } = here;
	await using ship = await startNode(here.nats.url, 'ship1', { node: { shutdownGraceMs: 20_000 } });
	await eventually(async () => (await here.consumers()).length === 4);
	await fleet.send(command('runs', effects.shell('runs', effects.gate('runs'))));
	await effects.reach(1);
	await fleet.send(command('waits', effects.shell('waits')));
	await fleet.send(command('never', effects.shell('never'), { deliverWithin: 'never' }));
	await fleet.send(
		command('later', effects.shell('later'), { notBefore: new Date(Date.now() + 3_600_000).toISOString() }),
	);
	await fleet.send(command('other', effects.shell('other'), { toNode: 'ship2' }));
	await eventually(async () => (await fleet.get('ship1.runs'))?.state === 'running');

	expect(await fleet.decommission('ship1', { reason: 'sold' })).toEqual({
		...{ node: 'ship1', settled: true, cancelled: 3, lost: 1 },
	});
	const ids = ['runs', 'waits', 'never', 'later'];
	const views = await fleet.wait(ids.map((id) => `ship1.${id}`));
	expect(views.map(({ state }) => state)).toEqual(['lost', 'cancelled', 'cancelled', 'cancelled']);
	for (const { closed } of views) {
		expect(closed).toEqual({ reason: 'ship1 was decommissioned: sold', actor: 'operator' });
	}
	expect(await here.consumers()).toEqual([]);
	expect((await fleet.get('ship2.other'))?.state).toBe('queued');

	const refused = { code: 'refused', details: { reason: 'decommissioned', node: 'ship1' } };
	await expect(fleet.send(command('more', ['true']))).rejects.toMatchObject(refused);
	await expect(fleet.retry(['ship1.waits'])).rejects.toMatchObject(refused);
	await expect(
		fleet.send({ toNode: 'ship1', kind: 'event', method: 'textLogging', data: 'x' }),
	).rejects.toMatchObject(refused);
	// It is there all the same: that is told, and what it says is kept.
	await eventually(async () => {
		const view = await fleet.node('ship1');
		return view?.presence === 'present' && view.decommissioned?.reason === 'sold';
	});
	await effects.open('runs');
	const late = await eventually(async () => {
		const view = await fleet.get('ship1.runs');
		return view !== undefined && view.late.length > 0 && view;
	});
	expect(late).toMatchObject({ state: 'lost', late: [{ event: 'succeeded' }] });

	// Asked again, nothing is different; a start of the node makes nothing for it.
	expect(await fleet.decommission('ship1')).toMatchObject({ settled: true, cancelled: 3, lost: 1 });
	await ship.stop();
	await ship.part.start();
	await eventually(async () => (await fleet.node('ship1'))?.presence === 'present');
	expect(await here.consumers()).toEqual([]);

	expect(await fleet.recommission('ship1')).toBe(true);
	expect(await fleet.recommission('ship1')).toBe(false);
	await eventually(async () => (await here.consumers()).includes(consumerName('ship1', 'normal')));
	await fleet.send(command('again', effects.shell('again')));
	const [again] = await fleet.wait(['ship1.again'], { timeoutMs: 60_000 });
	expect(again?.state).toBe('succeeded');
	expect((await effects.words()).toSorted()).toEqual(['again', 'runs']);
});

test.concurrent('what arrives although a node is out of service gets its end as well, and labels and schedules pass it over', async () => {
	await using here = await world();
	const { fleet, raw } = here;
	await using _ship = await startNode(here.nats.url, 'ship1', { node: { labels: { role: 'tug' } } });
	await eventually(async () => (await fleet.nodes()).length === 1);
	const wide = { where: { role: 'tug' }, kind: 'command' as const, method: 'ping', data: null };
	const pings = { name: 'pings', every: '1s', toNode: 'ship1', message: { method: 'ping', data: null } };
	await fleet.schedules.add(pings);
	// Control: while it is in service it is meant, and ticks come.
	expect(await fleet.send(wide)).toHaveLength(1);
	await eventually(async () => (await fleet.list({ node: 'ship1', method: 'ping' })).length > 1);

	await fleet.decommission('ship1');
	await expect(fleet.send(wide)).rejects.toMatchObject({ code: 'refused' });
	await eventually(async () => ((await fleet.schedules.get('pings'))?.counts.skipped ?? 0) > 1);
	// By the public subject, past every check of the sender.
	const form = { id: 'raw1', toNode: 'ship1', kind: 'command', method: 'ping', data: null };
	await raw.connection.nc.request('ship1.command.ping', JSON.stringify(form), { timeout: 60_000 });
	const [letter] = await eventually(async () => {
		const letters = await fleet.dead.list();
		return letters.length > 0 && letters;
	});
	expect(letter).toMatchObject({ handle: 'ship1.raw1' });
	expect(letter?.fault.message).toContain('decommissioned');
	// By the stream itself, as one that was on its way would be.
	const { parts } = await fleetOn(raw.connection);
	const onTheWay = {
		v: 1 as const,
		id: 'way1',
		node: 'ship1',
		lane: 'normal' as const,
		method: 'ping',
		data: null,
	};
	await enqueue(parts, { ...onTheWay, sender: operatorSender, deliverWithinMs: null }, false);
	const [view] = await fleet.wait(['ship1.way1'], { timeoutMs: 60_000 });
	expect(view?.state).toBe('cancelled');
});

test.concurrent('a name of which nobody ever heard is not taken out of service, unless something waits for it or that is meant', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url, { sweepEveryMs: 200 });
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	await expect(fleet.decommission('shpi1')).rejects.toMatchObject({
		...{ code: 'not-found', details: { node: 'shpi1' } },
		message: expect.stringContaining('--force'),
	});
	expect(await fleet.nodes()).toEqual([]);
	expect(await fleet.decommission('shpi1', { force: true })).toMatchObject({ settled: true });
	await fleet.send({ ...command('waits', ['true']), toNode: 'ship2' });
	expect(await fleet.decommission('ship2')).toMatchObject({ settled: true, cancelled: 1 });
	// What waits may be an event: nobody will take it any more.
	await fleet.send({ toNode: 'ship3', kind: 'event', method: 'textLogging', id: 'told', data: 'x' });
	expect(await fleet.decommission('ship3', { reason: 'sold' })).toMatchObject({ settled: true });
	const lettersOf = async () =>
		(await fleet.dead.list({ node: 'ship3' })).map(({ handle, fault }) => [handle, fault]);
	const fault = { code: 'undelivered', message: 'ship3 was decommissioned: sold' };
	expect(await lettersOf()).toMatchObject([['ship3.told', fault]]);
	// What another ship sends it all the same does not wait either.
	const key = { headers: await keyOf('late') };
	await raw.connection.js.publish('steward.event.ship3.ship1.textLogging', '"x"', key);
	await eventually(async () => (await lettersOf()).length === 2);
	expect((await lettersOf()).map(([handle]) => handle)).toContain('ship3.late');
});

async function keyOf(id: string) {
	const { headers } = await import('@nats-io/transport-node');
	const made = headers();
	for (const [name, value] of Object.entries(keyHeaders(id, { epoch: 'of ship1', n: 1 })))
		made.set(name, value);
	return made;
}

test.concurrent('a full queue refuses more from every side, and says so; the control lane goes through', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url, { maxQueued: 10 });
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	const ping = (id: string) => ({
		toNode: 'ship1',
		kind: 'command' as const,
		method: 'ping',
		id,
		data: null,
	});
	for (let n = 0; n < 9; n += 1) await fleet.send(ping(`c${n}`));
	// Control: one less is not full.
	await eventually(async () => (await fleet.node('ship1'))?.queued === 9);
	await fleet.send(ping('c9'));
	await eventually(async () => (await fleet.node('ship1'))?.queueFull?.limit === 10);
	const refused = { code: 'refused', details: { reason: 'queueFull', temporary: true, limit: 10 } };
	await expect(fleet.send(ping('more'))).rejects.toMatchObject(refused);
	expect((await fleet.send({ ...ping('other'), toNode: 'ship2' }))[0]?.state).toBe('queued');
	expect(await fleet.pause('ship1')).toMatchObject({ state: 'queued' });

	await raw.connection.nc.request('ship1.command.ping', JSON.stringify(ping('raw1')), { timeout: 60_000 });
	const [letter] = await eventually(async () => {
		const letters = await fleet.dead.list();
		return letters.length > 0 && letters;
	});
	expect(letter?.fault.message).toContain('the queue of ship1 is full');
	const tick = { every: '1s', toNode: 'ship1', message: { method: 'ping', data: null } };
	await fleet.schedules.add({ name: 'more', ...tick });
	await eventually(async () => ((await fleet.schedules.get('more'))?.counts.skipped ?? 0) > 1);
	expect((await fleet.node('ship1'))?.queued).toBe(11);

	// With room again, all of them get in.
	await fleet.cancel(['ship1.c0', 'ship1.c1', 'ship1.c2', 'ship1.c3']);
	await eventually(async () => (await fleet.node('ship1'))?.queueFull === null);
	await eventually(
		async () => (await fleet.list({ node: 'ship1', method: 'ping', states: ['queued'] })).length > 6,
	);
	expect((await fleet.send(ping('more')))[0]?.state).toBe('queued');
	expect(await fleet.dead.replay([letter?.handle ?? ''])).toMatchObject([{ outcome: 'replayed' }]);
});
