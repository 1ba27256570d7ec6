import { expect, test } from 'vitest';
import { cancelCommand } from '../../src/client/cancel.ts';
import { enqueue } from '../../src/client/enqueue.ts';
import { isLater } from '../../src/domain/delay.ts';
import { envelopeFor } from '../../src/domain/envelope.ts';
import { parseMessage } from '../../src/domain/message.ts';
import { Commands } from '../../src/jetstream/commands.ts';
import { LaterCommands } from '../../src/jetstream/later-commands.ts';
import { answerIsLost, messagesOf, startBroker } from '../jetstream/setup.ts';
import { command, factsOf, fleetOn, settle, started } from './setup.ts';

const stream = 'STEWARD_COMMANDS_0';
const id = 'id1';
const handle = { node: 'ship1', id };
const notBefore = new Date(Date.now() + 3_600_000).toISOString();

test('a command with a time is scheduled: on its stream, on no lane, and told so everywhere', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const [receipt] = await fleet.send(command({ id, notBefore, lane: 'urgent', deliverWithin: '1m' }));
	const told = { state: 'scheduled', notBefore, queuedAt: null, deadline: null, lane: 'urgent' };
	expect(receipt).toMatchObject({ ...told, duplicate: false, seq: 1, position: null });
	expect(receipt?.history).toMatchObject([{ state: 'scheduled', by: '_operator' }]);
	expect(await fleet.get('ship1.id1')).toMatchObject(told);
	expect(await parts.commands.positionOf('ship1', 'urgent', 1)).toBe(0);
	const position = async (more: object) =>
		(await fleet.send(command({ lane: 'urgent', ...more })))[0]?.position;
	expect([await position({}), await position({ notBefore }), await position({})]).toEqual([1, null, 2]);
	expect(await fleet.why('ship1.id1')).toMatchObject({ cause: 'scheduled', until: notBefore });
	await expect(fleet.wait(['ship1.id1'], { timeoutMs: 100 })).rejects.toMatchObject({
		code: 'waited-too-long',
	});
	await expect(fleet.retry(['ship1.id1'])).rejects.toMatchObject({ code: 'refused' });
});

test('sent again with its time it is a duplicate; with another, or none, it is another', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	await fleet.send(command({ id, notBefore }));
	expect((await fleet.send(command({ id, notBefore })))[0]).toMatchObject({
		...{ duplicate: true, state: 'scheduled', seq: 1 },
	});
	for (const other of [command({ id }), command({ id, notBefore: '2099-01-01' })]) {
		await expect(fleet.send(other)).rejects.toMatchObject({ code: 'id-conflict' });
	}
	expect(await messagesOf(broker.connection, stream)).toBe(1);
});

test('without an answer it may be there or not, and the advice names its time, since a wait would count anew', async () => {
	await using broker = await startBroker();
	const proxy = await broker.proxy();
	const connection = await broker.connect(proxy);
	const { parts } = await fleetOn(connection);
	const timed = envelopeFor(parseMessage(command({ id, notBefore })), 'ship1', id, '_operator');
	proxy.dropServerToClient();
	const enqueued = enqueue(parts, timed, false);
	await Promise.allSettled([enqueued, answerIsLost(proxy).then(() => connection.nc.close())]);
	await expect(enqueued).rejects.toMatchObject({
		...{
			code: 'ambiguous',
			message: expect.stringContaining(`again with --id id1 --at ${notBefore} is safe`),
		},
	});
});

test('a time that has passed is queued at once', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	const past = '2026-01-01T00:00:00.000Z';
	const [receipt] = await fleet.send(command({ notBefore: past, deliverWithin: '1h' }));
	expect(receipt).toMatchObject({ state: 'queued', notBefore: past, position: 1 });
	expect(receipt?.history).toMatchObject([{ state: 'queued', by: '_operator' }]);
	const view = await fleet.get(receipt?.handle ?? '');
	expect(Date.parse(view?.deadline ?? '') - Date.parse(view?.queuedAt ?? '')).toBe(3_600_000);
});

test('whether its time has come is the broker’s to say, whatever this machine’s clock says', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const behind = { ...parts, serverNow: () => Date.parse(notBefore) + 1 };
	const message = parseMessage(command({ id, notBefore }));
	expect(await enqueue(behind, envelopeFor(message, 'ship1', id, '_operator'), false)).toMatchObject({
		scheduled: false,
	});
	expect((await fleet.get('ship1.id1'))?.state).toBe('queued');
});

test('is called off for certain before its time, and sent again at once', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	await fleet.send(command({ id, notBefore }));
	const [cancelled] = await fleet.cancel(['ship1.id1'], { reason: 'not now' });
	expect(cancelled).toMatchObject({
		answer: 'beforeStart',
		command: { state: 'cancelled', queuedAt: null, notBefore, history: [{ state: 'scheduled' }, {}] },
	});
	expect((await fleet.why('ship1.id1')).sentence).toMatch(/certainly never ran: not now/);
	// From its stream, and from the claim when it is gone from there.
	for (const source of ['stream', 'claim']) {
		const [again] = await fleet.retry(['ship1.id1']);
		expect(again, source).toMatchObject({ state: 'queued', notBefore: null, lineage: { of: 'ship1.id1' } });
		await parts.commands.purge('ship1', id, 1);
	}
});

test('one whose time comes while it is called off is called off all the same, with its message kept', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	await fleet.send(command({ id, notBefore, data: ['kept'] }));
	const later = new LaterCommands(broker.connection);
	/** Its time comes between the look and the reading of its message. */
	class Moving extends Commands {
		override async body(...args: Parameters<Commands['body']>) {
			const before = await release(parts.commands, later);
			if (before?.facts.seq === 1) await later.drop(before);
			return super.body(...args);
		}
	}
	const moving = { ...parts, commands: new Moving(broker.connection, 1) };
	expect(await cancelCommand(moving, handle)).toMatchObject({
		answer: 'beforeStart',
		command: { state: 'cancelled', history: [{ state: 'scheduled' }, { state: 'queued' }, {}] },
	});
	const claim = await parts.claims.read(handle);
	expect(claim).toMatchObject({ facts: { seq: 2 }, envelope: expect.stringContaining('kept') });
	await parts.commands.purge('ship1', id, 2);
	expect((await fleet.retry(['ship1.id1']))[0]).toMatchObject({ state: 'queued' });
});

test('while both messages are there the newer counts, and both are removed when it is settled', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	await fleet.send(command({ id, notBefore }));
	await release(parts.commands, new LaterCommands(broker.connection));
	expect(await messagesOf(broker.connection, stream)).toBe(2);
	expect(await fleet.get('ship1.id1')).toMatchObject({ state: 'queued', notBefore });
	expect((await fleet.send(command({ id, notBefore })))[0]).toMatchObject({
		duplicate: true,
		state: 'queued',
	});
	const facts = await factsOf(parts, handle);
	await parts.claims.write(handle, started(facts));
	expect(await fleet.get('ship1.id1')).toMatchObject({
		state: 'running',
		history: [{}, {}, { state: 'running' }],
	});
	await settle(parts, handle, facts);
	expect(await messagesOf(broker.connection, stream)).toBe(0);
	expect((await fleet.send(command({ id, notBefore })))[0]).toMatchObject({
		duplicate: true,
		state: 'succeeded',
	});
});

test('one that is queued and started before its sender has looked again is its sender’s, and stays', async () => {
	await using broker = await startBroker();
	const { parts } = await fleetOn(broker.connection);
	const later = new LaterCommands(broker.connection);
	class Quick extends Commands {
		override async enqueue(...args: Parameters<Commands['enqueue']>) {
			const ack = await super.enqueue(...args);
			const before = await release(this, later);
			if (before) await later.drop(before);
			await parts.claims.write(handle, started(await factsOf(parts, handle)));
			return ack;
		}
	}
	const quick = { ...parts, commands: new Quick(broker.connection, 1) };
	const envelope = envelopeFor(parseMessage(command({ id, notBefore })), 'ship1', id, '_operator');
	expect(await enqueue(quick, envelope, true)).toEqual({ duplicate: false, seq: 1, scheduled: true });
	expect((await parts.commands.find('ship1', id))?.facts).toMatchObject({ seq: 2, accepted: { seq: 1 } });
});

/** As a leader does when its time has come; answers what it was before. */
async function release(commands: Commands, later: LaterCommands) {
	const before = await commands.find('ship1', id);
	const stored = before && isLater(before.facts) && (await later.read(before));
	if (before && stored) await later.queue(before, stored);
	return before;
}
