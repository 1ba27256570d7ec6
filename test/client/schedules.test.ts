import { expect, test } from 'vitest';
import { Fleet } from '../../src/client/fleet.ts';
import type { ScheduleForm } from '../../src/domain/schedule.ts';
import type { Connection } from '../../src/jetstream/connection.ts';
import { Schedules } from '../../src/jetstream/schedules.ts';
import { parseEnvelope } from '../../src/jetstream/stored-command.ts';
import { startBroker } from '../jetstream/setup.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { fleetOn } from './setup.ts';

const form: ScheduleForm = {
	name: 'nightly',
	cron: '0 3 * * *',
	timeZone: 'Europe/Oslo',
	toNode: 'ship1',
	message: { method: 'shellCommand', data: ['backup', '{{node}}'] },
};
const hour = 3_600_000;

/** Whose time is the clock's alone, also where it is read anew. */
async function timedFleet(connection: Connection, clock: ManualClock) {
	const { parts } = await fleetOn(connection, clock);
	return { fleet: new Fleet({ ...parts, readServerNow: async () => parts.serverNow() }), parts };
}

test('what is added is stored as it was written, counts from then on, and is told in words', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const before = parts.serverNow();
	const outcome = await fleet.schedules.add(form);
	expect(outcome).toMatchObject({
		...{ name: 'nightly', outcome: 'added', version: 1, words: 'At 03:00, Europe/Oslo' },
		...{ form, paused: false, fields: [] },
	});
	const [next] = await fleet.schedules.next('nightly', 1);
	expect(outcome.next).toEqual([next]);
	expect(next?.local).toMatch(/T03:00:00\+0[12]:00$/);
	expect(await fleet.schedules.next('nightly')).toHaveLength(10);
	expect(await fleet.schedules.form('nightly')).toEqual(form);
	const { value } = await new Schedules(broker.connection).read('nightly');
	expect(value?.since).toBeGreaterThanOrEqual(before);
	await expect(fleet.schedules.next('nightly', 0)).rejects.toMatchObject({ code: 'usage' });
	await expect(fleet.schedules.list()).rejects.toMatchObject({ code: 'no-centre' });
});

test('a name that is there is refused, unless it means the same or is to be replaced', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	await fleet.schedules.add({ ...form, every: '1h', cron: undefined, jitter: '0ms' });
	// Written otherwise, it is the same.
	const same = await fleet.schedules.add({
		...{ ...form, every: '60m', cron: undefined, toNode: undefined, toNodes: ['ship1'], overlap: 'skip' },
	});
	expect(same).toMatchObject({ outcome: 'unchanged', version: 1, form: { every: '1h' } });
	await expect(fleet.schedules.add(form)).rejects.toMatchObject({
		...{ code: 'refused', details: { fields: ['cron', 'every'], version: 1 } },
		message: expect.stringContaining('--replace'),
	});
	const changed = await fleet.schedules.add(form, { replace: true });
	expect(changed).toMatchObject({ outcome: 'changed', version: 2, fields: ['cron', 'every'], form });
	const invalid = fleet.schedules.add({ ...form, cron: '61 * * * *', toNodes: ['ship2'] });
	await expect(invalid).rejects.toMatchObject({ code: 'invalid', details: { problems: { length: 2 } } });
	expect(
		(await fleet.schedules.history('nightly')).map(({ change, version, by }) => [change, version, by]),
	).toEqual([
		['changed', 2, 'tester'],
		['added', 1, 'tester'],
	]);
});

test('ticks count anew after a change of when and where, and after a pause; not after one of what is sent', async () => {
	await using broker = await startBroker();
	const clock = manualClock();
	const { fleet, parts } = await timedFleet(broker.connection, clock);
	const schedules = new Schedules(broker.connection);
	const since = async () => (await schedules.read('nightly')).value?.since ?? 0;
	const endAt = '2999-01-01';
	await fleet.schedules.add({ ...form, endAt });
	const added = await since();
	const kept: readonly Partial<ScheduleForm>[] = [
		...[{ note: 'x' }, { overlap: 'replace' as const }, { missed: 'all' as const }, { jitter: '5m' }],
		...[{ message: { method: 'ping' } }, { endAt: '2999-01-02' }],
	];
	let written: ScheduleForm = { ...form, endAt };
	for (const change of kept) {
		await clock.advance(hour);
		written = { ...written, ...change };
		expect(await fleet.schedules.add(written, { replace: true })).toMatchObject({ outcome: 'changed' });
		expect(await since()).toBe(added);
	}
	const anew: readonly Partial<ScheduleForm>[] = [
		...[{ cron: '5 3 * * *' }, { timeZone: 'UTC' }, { toNode: 'ship2' }, { startAt: '2026-01-01' }],
		{ placement: 'node' as const },
	];
	for (const change of anew) {
		await clock.advance(hour);
		written = { ...written, ...change };
		expect(await fleet.schedules.add(written, { replace: true })).toMatchObject({ outcome: 'changed' });
		expect(await since()).toBe(parts.serverNow());
	}
	const moved = await since();
	await clock.advance(hour);
	await fleet.schedules.pause('nightly');
	expect(await since()).toBe(moved);
	await clock.advance(hour);
	await fleet.schedules.resume('nightly');
	expect(await since()).toBe(parts.serverNow());
	// Over for long, and now it goes on: nothing of the time between was missed.
	await fleet.schedules.add({ ...written, endAt: '2026-02-01' }, { replace: true });
	await clock.advance(hour);
	await fleet.schedules.add({ ...written, endAt: '2999-01-01' }, { replace: true });
	expect(await since()).toBe(parts.serverNow());
});

test('pause and resume are done once, say why, and outlast a replacement that does not speak of them', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	await fleet.schedules.add(form);
	expect(await fleet.schedules.pause('nightly', { reason: 'dry dock' })).toMatchObject({
		...{ outcome: 'paused', version: 2, paused: true, next: [] },
	});
	expect(await fleet.schedules.pause('nightly')).toMatchObject({ outcome: 'unchanged', version: 2 });
	// Paused or not, its ticks can be asked for.
	expect(await fleet.schedules.next('nightly', 2)).toHaveLength(2);
	const replaced = await fleet.schedules.add({ ...form, note: 'new' }, { replace: true });
	expect(replaced).toMatchObject({ outcome: 'changed', paused: true, fields: ['note'] });
	const said = await fleet.schedules.add({ ...form, note: 'new', paused: false }, { replace: true });
	expect(said).toMatchObject({ outcome: 'changed', paused: false, fields: ['paused'] });
	await fleet.schedules.pause('nightly');
	expect(await fleet.schedules.resume('nightly')).toMatchObject({ outcome: 'resumed', version: 6 });
	expect(await fleet.schedules.resume('nightly')).toMatchObject({ outcome: 'unchanged', version: 6 });
	const history = await fleet.schedules.history('nightly');
	expect(history.map(({ change }) => change)).toEqual([
		...['resumed', 'paused', 'changed', 'changed', 'paused', 'added'],
	]);
	expect(history[4]).toMatchObject({ reason: 'dry dock', fields: ['paused'], by: 'tester' });
	const tooLong = fleet.schedules.pause('nightly', { reason: 'x'.repeat(1001) });
	await expect(tooLong).rejects.toMatchObject({ code: 'invalid' });
});

test('two who write at once both succeed, one after the other, and none is lost', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	const { fleet: other } = await fleetOn(broker.connection);
	// One of two is the first, the other means something else.
	const added = await Promise.allSettled([
		fleet.schedules.add(form),
		other.schedules.add({ ...form, note: 'other' }),
	]);
	expect(added.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
	const writers = Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? fleet : other));
	await Promise.all(
		writers.map((one, index) => one.schedules.add({ ...form, note: `by ${index}` }, { replace: true })),
	);
	const history = await fleet.schedules.history('nightly');
	expect(history.map(({ version }) => version)).toEqual([7, 6, 5, 4, 3, 2, 1]);
});

test('a write that turns out to be there already is its own: its answer was lost', async () => {
	await using broker = await startBroker();
	// The same words by the same person at the same moment: what a repeat finds.
	const { fleet } = await timedFleet(broker.connection, manualClock());
	const both = await Promise.all([fleet.schedules.add(form), fleet.schedules.add(form)]);
	expect(both.map(({ outcome, version }) => [outcome, version])).toEqual([
		['added', 1],
		['added', 1],
	]);
	expect(await fleet.schedules.history('nightly')).toHaveLength(1);
});

test('what was removed leaves its history, and comes back with a version of its own', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	await fleet.schedules.add(form);
	expect(await fleet.schedules.remove('nightly')).toMatchObject({
		...{ outcome: 'removed', version: 2, form, next: [] },
	});
	const gone = { code: 'not-found', message: expect.stringContaining('history nightly') };
	await expect(fleet.schedules.remove('nightly')).rejects.toMatchObject(gone);
	await expect(fleet.schedules.runNow('nightly')).rejects.toMatchObject(gone);
	await expect(fleet.schedules.pause('nightly')).rejects.toMatchObject(gone);
	expect(await fleet.schedules.add(form)).toMatchObject({ outcome: 'added', version: 3 });
	expect((await fleet.schedules.history('nightly')).map(({ change }) => change)).toEqual([
		...['added', 'removed', 'added'],
	]);
	await expect(fleet.schedules.form('nighly')).rejects.toMatchObject({
		...{ code: 'not-found', details: { name: 'nighly', meant: 'nightly' } },
		message: expect.stringContaining('did you mean "nightly"?'),
	});
	await expect(fleet.schedules.form('no.name')).rejects.toMatchObject({ code: 'not-found' });
});

test('of the changes the newest 50 are kept', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	for (let n = 0; n <= 52; n++) await fleet.schedules.add({ ...form, note: `${n}` }, { replace: true });
	const history = await fleet.schedules.history('nightly');
	expect(history.map(({ version }) => version)).toEqual(Array.from({ length: 50 }, (_, n) => 53 - n));
});

test('a form that its nodes could not be told of is refused, with its size', async () => {
	await using broker = await startBroker();
	const { fleet } = await fleetOn(broker.connection);
	const large = { ...form, message: { method: 'ping', data: 'x'.repeat(600_000) } };
	const adding = fleet.schedules.add(large);
	await expect(adding).rejects.toMatchObject({
		code: 'refused',
		message: expect.stringMatching(/\d{6} bytes/),
	});
	await expect(fleet.schedules.form('nightly')).rejects.toMatchObject({ code: 'not-found' });
});

test('run now sends what a tick sends, to all or to some, also while it is paused, and is written down', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const { toNode: _, ...rest } = form;
	const data = ['backup', '{{node}}', '{{schedule}} at {{tick}}', '{{other}}'];
	const message = { method: 'shellCommand', data, lane: 'urgent', attempts: 3 };
	await fleet.schedules.add({ ...rest, toNodes: ['ship1', 'ship2'], message, paused: true });
	const receipts = await fleet.schedules.runNow('nightly');
	expect(receipts.map(({ node, state, lane }) => [node, state, lane])).toEqual([
		['ship1', 'queued', 'urgent'],
		['ship2', 'queued', 'urgent'],
	]);
	const { handle = '', id = '' } = receipts[1] ?? {};
	const view = await fleet.get(handle);
	expect(view).toMatchObject({
		...{ sender: '_operator', schedule: { name: 'nightly', tick: null, version: 1 } },
	});
	const stored = await parts.commands.find('ship2', id);
	const body = stored && (await parts.commands.body({ ...stored, seq: stored.facts.seq }));
	expect(parseEnvelope(body ?? null)).toMatchObject({
		attempts: 3,
		data: ['backup', 'ship2', expect.stringMatching(/^nightly at 20\d\d-.*Z$/), '{{other}}'],
	});
	const some = await fleet.schedules.runNow('nightly', { nodes: ['ship2'], id: 'mine' });
	expect(some.map((one) => one.handle)).toEqual(['ship2.mine']);
	await expect(fleet.schedules.runNow('nightly', { nodes: ['ship3'] })).rejects.toMatchObject({
		code: 'usage',
	});
	await expect(fleet.schedules.runNow('nightly', { nodes: ['a.b'] })).rejects.toMatchObject({
		code: 'invalid',
	});
	expect((await fleet.schedules.history('nightly')).map(({ change, version }) => [change, version])).toEqual([
		['ran', 1],
		['ran', 1],
		['added', 1],
	]);
	// It changed nothing: what is added again is there already.
	await expect(fleet.schedules.runNow('nightly', { nodes: [] })).rejects.toMatchObject({ code: 'usage' });
	expect((await fleet.schedules.pause('nightly')).outcome).toBe('unchanged');
});

test('run now again with its id is there once, also where its data says the time; a part that was sent is written down', async () => {
	await using broker = await startBroker();
	const clock = manualClock();
	const { fleet } = await fleetOn(broker.connection, clock);
	const { toNode: _, ...rest } = form;
	const message = { method: 'shellCommand', data: ['backup', '{{tick}}'] };
	await fleet.schedules.add({ ...rest, toNodes: ['ship1', 'ship2'], message });
	expect((await fleet.schedules.runNow('nightly', { id: 'mine' })).map((one) => one.duplicate)).toEqual([
		...[false, false],
	]);
	await clock.advance(hour);
	expect((await fleet.schedules.runNow('nightly', { id: 'mine' })).map((one) => one.duplicate)).toEqual([
		...[true, true],
	]);
	// What somebody sent by themselves is another command.
	const own = { method: 'shellCommand', id: 'taken', kind: 'command' } as const;
	await fleet.send({ ...own, toNode: 'ship2' });
	const before = (await fleet.schedules.history('nightly')).length;
	await expect(fleet.schedules.runNow('nightly', { id: 'taken' })).rejects.toMatchObject({
		...{ code: 'id-conflict', details: { sent: ['ship1.taken'], failed: ['ship2.taken'] } },
	});
	expect((await fleet.schedules.history('nightly')).length).toBe(before + 1);
	const none = fleet.schedules.runNow('nightly', { nodes: ['ship2'], id: 'taken' });
	await expect(none).rejects.toMatchObject({ code: 'id-conflict' });
	expect((await fleet.schedules.history('nightly')).length).toBe(before + 1);
});

test('a change has the time of the broker, also by a program that was suspended for long', async () => {
	await using broker = await startBroker();
	const clock = manualClock();
	const { fleet, parts } = await fleetOn(broker.connection, clock);
	const schedules = new Schedules(broker.connection);
	// The reading of the start goes wrong by an hour.
	const wrong = async () => {
		await clock.advance(hour);
		const read = parts.serverNow();
		return { isAnew: (at = 0) => at > read - 2 * hour && at < read - hour / 2 };
	};
	for (const change of ['add', 'resume'] as const) {
		const { isAnew } = await wrong();
		if (change === 'add') await fleet.schedules.add({ ...form, paused: true });
		else await fleet.schedules.resume('nightly');
		const { value } = await schedules.read('nightly');
		expect([isAnew(value?.since), isAnew(value?.changes.at(-1)?.at)]).toEqual([true, true]);
	}
});

test('what this program cannot read is told with why, paused, replaced and removed all the same', async () => {
	await using broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const schedules = new Schedules(broker.connection);
	const since = Date.UTC(2026, 0, 1);
	const strange = { ...form, timeZone: 'Mars/Olympus', note: 'later' };
	const change = { version: 4, at: since, by: 'anna', change: 'added' as const, fields: [] };
	const numbers = { v: 1, version: 4, since } as const;
	const record = { ...numbers, name: 'nightly', form: strange, changes: [change], removed: false };
	await schedules.write(record, 0);
	const problem = expect.stringContaining('timeZone: expected an IANA time zone');
	await expect(fleet.schedules.next('nightly')).rejects.toMatchObject({ code: 'invalid' });
	await expect(fleet.schedules.add(form)).rejects.toMatchObject({
		...{ code: 'refused', message: expect.stringMatching(/cannot read it \(.*timeZone.*--replace/) },
	});
	const paused = await fleet.schedules.pause('nightly');
	expect(paused).toMatchObject({ outcome: 'paused', version: 5, paused: true, problem, next: [] });
	expect(paused.words).toMatch(/^cannot be read: .*timeZone/);
	expect(await fleet.schedules.pause('nightly')).toMatchObject({ outcome: 'unchanged', problem });
	expect(await fleet.schedules.resume('nightly')).toMatchObject({ outcome: 'resumed', paused: false });
	const before = parts.serverNow();
	const removed = await fleet.schedules.remove('nightly');
	expect(removed).toMatchObject({ outcome: 'removed', version: 7, form: strange, problem, next: [] });
	expect(await fleet.schedules.add(form)).toMatchObject({ outcome: 'added', version: 8, problem: null });

	const { revision } = await schedules.read('nightly');
	await schedules.write(record, revision);
	const replaced = await fleet.schedules.add(form, { replace: true });
	expect(replaced).toMatchObject({ outcome: 'changed', version: 5, problem: null, form });
	expect(replaced.fields).toEqual(expect.arrayContaining(['cron', 'every', 'timeZone', 'message', 'note']));
	expect((await schedules.read('nightly')).value?.since).toBeGreaterThanOrEqual(before);
});
