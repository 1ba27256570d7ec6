import { expect, test } from 'vitest';
import { Fleet } from '../../src/client/fleet.ts';
import { streams } from '../../src/domain/subject.ts';
import { DeadLetters } from '../../src/jetstream/dead-letters.ts';
import { getAt } from '../../src/jetstream/direct-get.ts';
import { readEvent } from '../../src/jetstream/events.ts';
import { type Broker, messagesOf, startBroker } from '../jetstream/setup.ts';
import { manualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { commandLetter, eventLetter, letter } from './dead-letters.ts';
import { fleetOn } from './setup.ts';

const hour = 3_600_000;

async function waiting(broker: Broker): Promise<number> {
	return messagesOf(broker.connection, streams.commands(0));
}

test('lists the newest first, by node, kind, method, code, time and whether it was replayed', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const start = Date.UTC(2026, 0, 1);
	await parts.dead.write(letter({ id: 'a', at: start }));
	await parts.dead.write(letter({ id: 'b', at: start + hour, node: 'ship2' }));
	await parts.dead.write(letter({ id: 'c', at: start + 2 * hour, kind: 'event' }));
	await parts.dead.write(letter({ id: 'd', at: start + 3 * hour, method: 'shellCommand' }));
	const badData = { code: 'badData', message: 'x\r\n'.repeat(400) };
	await parts.dead.write({ ...commandLetter('e'), at: start + 4 * hour, fault: badData, attempts: 2 });
	const [outcome] = await fleet.dead.replay(['ship1.e']);
	const ids = async (...args: Parameters<typeof fleet.dead.list>) =>
		(await fleet.dead.list(...args)).map(({ id }) => id).join('');
	expect(await ids()).toBe('edcba');
	expect(await ids({ node: 'ship2' })).toBe('b');
	expect(await ids({ kind: 'event' })).toBe('c');
	expect(await ids({ method: 'shellCommand' })).toBe('d');
	expect(await ids({ code: 'badData' })).toBe('e');
	expect(await ids({ since: new Date(start + 2 * hour) })).toBe('edc');
	expect(await ids({ replayed: true })).toBe('e');
	expect(await ids({ replayed: false, node: 'ship1' })).toBe('dca');
	expect(await ids({ limit: 2 })).toBe('ed');
	expect(await fleet.dead.count({ node: 'ship1' })).toBe(4);
	await expect(fleet.dead.list({ limit: 0 })).rejects.toMatchObject({ code: 'usage' });
	const [listed] = await fleet.dead.list({ limit: 1 });
	expect(listed).toMatchObject({
		...{ handle: 'ship1.e', attempts: 2, sender: '_operator', kept: 'whole', message: null },
		...{ fault: { code: 'badData' }, replayed: { as: outcome?.as, by: 'tester' } },
	});
	expect(listed?.fault.message).toHaveLength(200);
	const [whole] = await fleet.dead.get('ship1.e');
	expect(whole?.fault).toEqual(badData);
	expect(JSON.parse(whole?.message ?? '')).toMatchObject({ id: 'e', data: 'hi' });
});

test('a replayed command is a new one: same policy, lineage, its deadline counted anew; the letter says so', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	await parts.dead.write(commandLetter('a', { lane: 'urgent' }));
	const [outcome] = await fleet.dead.replay(['ship1.a']);
	expect(outcome).toMatchObject({ handle: 'ship1.a', kind: 'command', method: 'ping', outcome: 'replayed' });
	const as = outcome?.as ?? '';
	const view = await fleet.get(as);
	expect(view).toMatchObject({
		...{ node: 'ship1', method: 'ping', lane: 'urgent', state: 'queued', sender: '_operator' },
		lineage: { kind: 'replay', of: 'ship1.a' },
	});
	expect(Date.parse(view?.deadline ?? '') - Date.parse(view?.queuedAt ?? '')).toBe(60_000);
	const stored = await parts.commands.find('ship1', view?.id ?? '');
	const body = JSON.parse(
		(stored && (await parts.commands.body({ ...stored, seq: stored.facts.seq }))) ?? '',
	);
	expect(body).toMatchObject({ id: view?.id, data: 'hi', attempts: 3, runForMs: 5000 });
	const [marked] = await fleet.dead.get('ship1.a');
	expect(marked?.replayed).toMatchObject({ as, by: 'tester' });
	expect(await messagesOf(broker.connection, streams.dead)).toBe(1);
});

test('asking twice, also at once, sends once', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	await parts.dead.write(commandLetter('a'));
	const [one, two] = await Promise.all([fleet.dead.replay(['ship1.a']), fleet.dead.replay(['ship1.a'])]);
	const [three] = await fleet.dead.replay(['ship1.a']);
	expect(new Set([one?.[0]?.as, two?.[0]?.as, three?.as])).toEqual(new Set([one?.[0]?.as]));
	expect(three).toMatchObject({ outcome: 'duplicate', why: expect.stringContaining('by tester') });
	expect(await waiting(broker)).toBe(1);
	expect(await fleet.dead.replay({ node: 'ship1' })).toEqual([]);
});

/** As a crash between the sending and the mark. */
class DiesBeforeMark extends DeadLetters {
	override markReplayed(): Promise<boolean> {
		return Promise.reject(new Error('died'));
	}
}

test('a replay that died before its mark is completed by the next, and repeats nothing', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet, parts } = await fleetOn(connection);
	await parts.dead.write(commandLetter('a'));
	await parts.dead.write(eventLetter('e', ['line']));
	const dying = new Fleet({ ...parts, dead: new DiesBeforeMark(connection) });
	for (const handle of ['ship1.a', 'ship1.e']) {
		await expect(dying.dead.replay([handle])).rejects.toThrow('died');
	}
	const [command, event] = await fleet.dead.replay(['ship1.a', 'ship1.e']);
	expect([command?.outcome, event?.outcome]).toEqual(['replayed', 'replayed']);
	expect(await waiting(broker)).toBe(1);
	expect(await fleet.get(command?.as ?? '')).toMatchObject({ state: 'queued' });
	const keys = await Promise.all(
		[1, 2].map(async (seq) => {
			const stored = await getAt(connection, streams.events, seq);
			return stored && { ...readEvent(stored) };
		}),
	);
	// The receiver drops the second: its key is that of the first.
	expect(keys[0]).toMatchObject({ sender: '_operator', data: ['line'], id: event?.as?.split('.')[1] });
	expect(keys[1]).toEqual(keys[0]);
	expect((await fleet.dead.list({ replayed: false })).length).toBe(0);
});

test('what cannot be sent again says why, and stays', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const form = (id: string, text: string) => letter({ id, holds: 'form', message: text });
	const huge = `{"data":"${'"'.repeat(700_000)}`;
	await parts.dead.write(form('cut', huge));
	await parts.dead.write(letter({ id: 'gone', message: null }));
	await parts.dead.write(commandLetter('control', { lane: 'control' }));
	await parts.dead.write({ ...commandLetter('other', { node: 'ship2' }) });
	await parts.dead.write(form('noJson', 'this is no JSON'));
	await parts.dead.write(form('field', '{"dta":1}'));
	await parts.dead.write(form('elsewhere', '{"toNode":"ship2"}'));
	await parts.dead.write(letter({ id: 'stated', kind: 'event', holds: 'statement', message: '{}' }));
	await parts.dead.write({ ...form('nobody', '{}'), node: 'no node' });
	const outcomes = await fleet.dead.replay({ node: 'ship1' });
	const whys = Object.fromEntries(outcomes.map(({ handle, outcome, why }) => [handle, `${outcome}: ${why}`]));
	expect(whys).toEqual({
		'ship1.cut': expect.stringMatching(/^refused: .* 700009 characters, and only its beginning is kept/),
		'ship1.gone': expect.stringContaining('not kept'),
		'ship1.control': expect.stringContaining('it asked ship1 to ping: ask anew'),
		'ship1.other': expect.stringContaining('says that it is ping for ship2'),
		'ship1.noJson': expect.stringContaining('no JSON'),
		'ship1.field': expect.stringContaining('dta: unknown field; did you mean "data"?'),
		'ship1.elsewhere': expect.stringContaining('the subject says ship1'),
		'ship1.stated': expect.stringContaining('what a node stated'),
	});
	const [nobody] = await fleet.dead.replay(['unknown.nobody']);
	expect(nobody).toMatchObject({ outcome: 'refused', why: expect.stringContaining('not known which node') });
	expect(await waiting(broker)).toBe(0);
	expect(await fleet.dead.count({ replayed: false })).toBe(9);
	const [cut] = await fleet.dead.get('ship1.cut');
	expect(cut).toMatchObject({ kept: 'beginning', characters: 700_009 });
	expect(huge.startsWith(cut?.message ?? 'nothing')).toBe(true);
});

test('a form that became valid, and one that a node sent, are sent again', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const policy = { deliverWithinMs: null, attempts: 2, lane: 'urgent' };
	const sent = {
		...{ v: 1, target: { nodes: ['ship1'] }, kind: 'command', method: 'ping', data: 1 },
		...{ whenAbsent: 'queue', policy },
	};
	const form = { id: 'taken', data: ['x'], deliverWithin: '1h' };
	await parts.dead.write(letter({ id: 'raw', holds: 'form', message: JSON.stringify(form) }));
	await parts.dead.write(letter({ id: 'node', holds: 'form', message: JSON.stringify(sent) }));
	const event = { id: 'event', kind: 'event', method: 'textLogging', holds: 'form' } as const;
	await parts.dead.write(letter({ ...event, message: '{"data":["line"]}' }));
	const outcomes = await fleet.dead.replay(['ship1.raw', 'ship1.node', 'ship1.event']);
	expect(outcomes.map(({ outcome }) => outcome)).toEqual(['replayed', 'replayed', 'replayed']);
	const views = await Promise.all(outcomes.slice(0, 2).map(({ as }) => fleet.get(as ?? '')));
	expect(views.map((view) => [view?.lane, view?.deadline === null, view?.lineage?.of])).toEqual([
		['normal', false, 'ship1.raw'],
		['urgent', true, 'ship1.node'],
	]);
	const stored = await getAt(broker.connection, streams.events, 1);
	expect(stored && readEvent(stored)).toMatchObject({ method: 'textLogging', data: ['line'] });
});

test('a handle that several letters share has to be narrowed; one that is not there is told', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	await parts.dead.write(commandLetter('a'));
	await parts.dead.write(eventLetter('a', null));
	expect((await fleet.dead.get('ship1.a')).map(({ kind }) => kind)).toEqual(['command', 'event']);
	const [both, none] = await fleet.dead.discard(['ship1.a', 'ship1.nothing']);
	expect(both).toMatchObject({
		outcome: 'refused',
		why: expect.stringContaining('command ping, event textLogging'),
	});
	expect(none).toMatchObject({ outcome: 'notFound' });
	const [one] = await fleet.dead.discard({ handles: ['ship1.a'], kind: 'event' });
	expect(one).toMatchObject({ outcome: 'discarded', kind: 'event' });
	expect((await fleet.dead.get('ship1.a')).map(({ kind }) => kind)).toEqual(['command']);
});

test('discards what matches and nothing else; a dry run does nothing', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	for (const id of ['a', 'b']) await parts.dead.write(commandLetter(id));
	await parts.dead.write(letter({ id: 'c', node: 'ship2' }));
	const said: string[] = [];
	const dry = await fleet.dead.discard({ node: 'ship1' }, { dryRun: true });
	const dryReplay = await fleet.dead.replay({ handles: ['ship1.a', 'ship2.c'] }, { dryRun: true });
	expect([...dry, ...dryReplay].map(({ outcome }) => outcome)).toEqual([
		...['possible', 'possible', 'possible', 'refused'],
	]);
	expect(await fleet.dead.count()).toBe(3);
	expect(await waiting(broker)).toBe(0);
	await fleet.dead.discard({ node: 'ship1' }, { onOutcome: ({ handle }) => said.push(handle) });
	expect(said.sort()).toEqual(['ship1.a', 'ship1.b']);
	expect((await fleet.dead.list()).map(({ handle }) => handle)).toEqual(['ship2.c']);
});

test('replays no more a second than was asked for', async () => {
	await using broker = await startBroker();
	const clock = manualClock();
	const { fleet, parts } = await fleetOn(broker.connection, clock);
	for (let n = 0; n < 5; n++) await parts.dead.write(commandLetter(`c${n}`));
	let sent = 0;
	const replaying = fleet.dead.replay({ kind: 'command' }, { ratePerSecond: 2, onOutcome: () => sent++ });
	for (let n = 1; n <= 5; n++) {
		await eventually(() => sent === n);
		// It waits for its time before the next: nothing goes until the clock moves.
		if (n < 5) await eventually(() => clock.pending === 1);
		expect(await waiting(broker)).toBe(n);
		await clock.advance(499);
		expect(sent).toBe(n);
		await clock.advance(1);
	}
	expect(await replaying).toHaveLength(5);
	expect(clock.pending).toBe(0);
	await expect(fleet.dead.replay([], { ratePerSecond: 0 })).rejects.toMatchObject({ code: 'usage' });
});

test('ten thousand letters are listed and counted without reading what they hold', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet, parts } = await fleetOn(connection);
	const many = 10_000;
	const data = 'x'.repeat(4000);
	const letters = Array.from({ length: many }, (_, n) => ({ ...commandLetter(`c${n}`, { data }), at: n }));
	await Promise.all(letters.map((one) => parts.dead.write(one)));
	const { bytes } = (await connection.jsm.streams.info(streams.dead)).state;
	const before = connection.nc.stats().inBytes;
	const newest = await fleet.dead.list({ limit: 3, code: 'unknownMethod' });
	expect(newest.map(({ id }) => id)).toEqual(['c9999', 'c9998', 'c9997']);
	expect(await fleet.dead.count({ method: 'ping' })).toBe(many);
	const read = connection.nc.stats().inBytes - before;
	expect(read).toBeLessThan(bytes / 2);
});
