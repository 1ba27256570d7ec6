import { expect, test } from 'vitest';
import { anew } from '../../src/client/retry.ts';
import { sendEnvelope } from '../../src/client/send.ts';
import { parseSchedule } from '../../src/domain/schedule.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import { tickEnvelope, tickId } from '../../src/domain/ticks.ts';
import { getLast } from '../../src/jetstream/direct-get.ts';
import { startBroker } from '../jetstream/setup.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';
import { factsOf, fleetOn } from './setup.ts';

const shell = (id: string, data: string[], more: object = {}) =>
	({ toNode: 'ship1', kind: 'command', method: 'shellCommand', id, data, ...more }) as const;

test('what has ended is sent again as a new command with the same message, policy and its lineage', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using _ship = await startNode(nats.url, 'ship1');
	const policy = {
		lane: 'urgent',
		runFor: '1m',
		attempts: 2,
		backoff: { kind: 'fixed', initial: '1ms' },
	} as const;
	await fleet.send(shell('a', effects.shell('a', `[ -e ${dir.path}/gate-go ]`), policy));
	await fleet.wait(['ship1.a']);
	await eventually(async () => (await fleet.list({ states: ['failed'] })).length === 1);
	await eventually(async () => (await raw.jsm.streams.info(streams.commands(0))).state.messages === 0);
	await effects.open('go');
	const [again] = await fleet.retry(['ship1.a']);
	expect(again).toMatchObject({
		...{ node: 'ship1', method: 'shellCommand', lane: 'urgent', duplicate: false },
		lineage: { kind: 'retry', of: 'ship1.a' },
	});
	const [view] = await fleet.wait([again?.handle ?? '']);
	expect(view).toMatchObject({ state: 'succeeded', runForMs: 60_000, lineage: { of: 'ship1.a' } });
	expect(view?.history[0]?.note).toBe('retry of ship1.a');
	expect(await effects.words()).toEqual(['a', 'a', 'a']);
	// The first stays as it ended, and what went well can be sent again as well.
	expect((await fleet.get('ship1.a'))?.state).toBe('failed');
	const [third] = await fleet.retry([again?.handle ?? '']);
	expect((await fleet.wait([third?.handle ?? '']))[0]).toMatchObject({ state: 'succeeded' });
	expect(await effects.words()).toHaveLength(4);
});

test('what never started is sent again, with a deadline of its own', async () => {
	await using nats = await startNats();
	await using central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await fleet.send(shell('late', ['echo', 'late'], { deliverWithin: '1ms' }));
	await fleet.wait(['ship1.late'], { timeoutMs: 60_000 });
	await central.stop();
	// Closed by a claim that no centre has written down.
	await fleet.send(shell('off', ['echo', 'off']));
	await fleet.cancel(['ship1.off']);
	const [late, off] = await fleet.retry(['ship1.late', 'ship1.off']);
	expect(off).toMatchObject({ state: 'queued', lineage: { of: 'ship1.off' } });
	expect(Date.parse(late?.deadline ?? '') - Date.parse(late?.queuedAt ?? '')).toBe(1);
	await using raw = await openRaw(nats.url);
	const subject = subjects.commandById(0, 'ship1', off?.id ?? '');
	const stored = await getLast(raw.connection, streams.commands(0), subject);
	expect(JSON.parse(new TextDecoder().decode(stored?.data))).toMatchObject({ data: ['echo', 'off'] });
});

test('a tick that is sent again is no tick: it says its schedule, and that somebody had it run', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const schedule = parseSchedule({
		...{ name: 'nightly', cron: '0 3 * * *', toNode: 'ship1', message: { method: 'ping' } },
	});
	const tick = Date.UTC(2026, 0, 1, 3);
	await sendEnvelope(parts, tickEnvelope(schedule, { node: 'ship1', tick, version: 7 }));
	const handle = { node: 'ship1', id: tickId('nightly', 'ship1', tick) };
	await fleet.cancel([`ship1.${handle.id}`]);
	for (const _ of [1, 2]) {
		const [again] = await fleet.retry([`ship1.${handle.id}`]);
		expect(again).toMatchObject({ duplicate: false, schedule: { name: 'nightly', tick: null, version: 7 } });
		const facts = await factsOf(parts, { node: 'ship1', id: again?.id ?? '' });
		expect(facts).toMatchObject({
			schedule: { tick: null },
			digest: expect.stringContaining(again?.id ?? ''),
		});
	}
});

test('of several handles each has its own outcome: what was sent again is told beside what could not be', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	for (const id of ['g1', 'g2', 'g3']) await fleet.send(shell(id, ['echo', id]));
	await fleet.cancel(['ship1.g1', 'ship1.g2']);
	const asked = ['ship1.none', 'ship1.g1', 'ship1.g3', 'ship1.g2'];
	const error = await fleet.retry(asked).catch((thrown: unknown) => thrown);
	expect(error).toMatchObject({
		code: 'refused',
		message: '2 of 4 could not be done: ship1.none (not-found), ship1.g3 (refused)',
		details: {
			done: [
				{ handle: 'ship1.g1', answer: { duplicate: false, lineage: { kind: 'retry', of: 'ship1.g1' } } },
				{ handle: 'ship1.g2', answer: { duplicate: false, lineage: { kind: 'retry', of: 'ship1.g2' } } },
			],
			failed: [
				{ handle: 'ship1.none', code: 'not-found' },
				{ handle: 'ship1.g3', code: 'refused' },
			],
		},
	});
	await expect(fleet.cancel(['ship1.g3', 'ship1.none'])).rejects.toMatchObject({
		code: 'not-found',
		details: { done: [{ handle: 'ship1.g3', answer: { answer: 'beforeStart' } }] },
	});
	// A handle that is none is refused before anything is done.
	await expect(fleet.retry(['ship1.g1', 'what is this'])).rejects.toMatchObject({ code: 'usage' });
	await eventually(async () => (await fleet.queue('ship1')).length === 2);
});

test('what has not ended, is not known, or was a word to the node itself is not sent again', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using dir = await tempDir();
	const effects = effectsIn(dir.path);
	await using _ship = await startNode(nats.url, 'ship1');
	await fleet.send(shell('a', effects.shell('a', 'sleep 1000')));
	await effects.reach(1);
	await expect(fleet.retry(['ship1.a'])).rejects.toMatchObject({ code: 'refused' });
	await expect(fleet.retry(['ship1.none'])).rejects.toMatchObject({ code: 'not-found' });
	await fleet.cancel(['ship1.a']);
	const asked = await eventually(async () =>
		(await fleet.list({ node: 'ship1' })).find(
			({ method, state }) => method === 'cancel' && state === 'succeeded',
		),
	);
	await expect(fleet.retry([asked.handle])).rejects.toThrow(/asked ship1 to cancel: ask anew/);
});

test('what is sent again carries nobody’s signature of before', async () => {
	await using broker = await startBroker();
	const { parts } = await fleetOn(broker.connection);
	const signed = { key: `U${'A'.repeat(55)}`, at: 1, until: 2, signature: 'A'.repeat(86) };
	const envelope = {
		v: 1,
		id: 'a',
		node: 'ship1',
		method: 'm',
		lane: 'normal',
		data: 1,
		sender: 's',
	} as const;
	const lineage = { kind: 'retry', of: 'ship1.a' } as const;
	const again = anew(parts, { ...envelope, deliverWithinMs: null, signed }, lineage, 'b');
	expect(again).toEqual({ ...envelope, id: 'b', deliverWithinMs: null, sender: '_operator', lineage });
});
