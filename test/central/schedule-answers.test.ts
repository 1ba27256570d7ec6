import { expect, test } from 'vitest';
import { CentreIndex } from '../../src/central/index.ts';
import { ScheduleAnswers } from '../../src/central/schedule-answers.ts';
import { sendEnvelope } from '../../src/client/send.ts';
import type { NodeState } from '../../src/domain/node-state.ts';
import { noProgress } from '../../src/domain/progress.ts';
import { parseSchedule, type ScheduleForm } from '../../src/domain/schedule.ts';
import type { CommandState } from '../../src/domain/state.ts';
import { tickEnvelope, tickId } from '../../src/domain/ticks.ts';
import { viewSchemas } from '../../src/domain/view-schema.ts';
import { Nodes } from '../../src/jetstream/nodes.ts';
import { Schedules } from '../../src/jetstream/schedules.ts';
import { factsOf, fleetOn, nodeState, settle } from '../client/setup.ts';
import { startBroker } from '../jetstream/setup.ts';
import { eventually } from '../support/eventually.ts';

const form: ScheduleForm = {
	...{ name: 'nightly', cron: '0 3 * * *', toNodes: ['ship1', 'ship2', 'ship3'] },
	message: { method: 'ping', data: '{{node}}' },
};
const [day1, day2] = [Date.UTC(2026, 10, 21, 3), Date.UTC(2026, 10, 22, 3)];
const now = Date.UTC(2026, 10, 22, 10);

/** A broker, a fleet, and the answers of a centre that fires nothing: what fired is written by hand. */
async function startBook() {
	const broker = await startBroker();
	const { fleet, parts } = await fleetOn(broker.connection);
	const index = new CentreIndex(broker.connection, 1);
	await index.start();
	const answers = new ScheduleAnswers(index, () => now);
	const schedules = new Schedules(broker.connection);
	const nodes = new Nodes(broker.connection);
	return {
		...{ broker, fleet, parts, index, answers, schedules },
		view: (name = 'nightly') => answers.answer({ name }).items[0],
		list: () => answers.answer({}).items,
		async fire(written: ScheduleForm, node: string, tick: number, state?: CommandState) {
			const schedule = parseSchedule(written);
			await sendEnvelope(parts, tickEnvelope(schedule, { node, tick, version: 1 }));
			const handle = { node, id: tickId(schedule.name, node, tick) };
			if (state) await settle(parts, handle, await factsOf(parts, handle), state);
		},
		async say(node: string, schedules: NodeState['schedules'], labels = {}) {
			const known = await nodes.read(node);
			const state = { ...nodeState(node, labels), schedules };
			await nodes.write(node, { v: 1, state, lastSeenAt: 1000, conflict: null }, known?.revision ?? 0);
		},
		async [Symbol.asyncDispose]() {
			await index.stop();
			await broker[Symbol.asyncDispose]();
		},
	};
}

test('one as it stands: its form, its next tick, who changed it', async () => {
	await using book = await startBook();
	await book.fleet.schedules.add({
		...{ ...form, timeZone: 'Europe/Oslo', jitter: '5m', endAt: '2999-01-01T00:00Z', note: 'all' },
		missed: { all: { max: 3, notOlderThan: '1d' } },
	});
	await eventually(() => book.list().length === 1);
	// The book counts from now on, the answers from their own time.
	const since = book.view()?.since ?? '';
	const view = book.view();
	expect(viewSchemas.schedule.parse(view)).toEqual(view);
	expect(view).toMatchObject({
		...{ name: 'nightly', version: 1, words: 'At 03:00, Europe/Oslo', cron: '0 3 * * *', everyMs: null },
		...{ toNodes: ['ship1', 'ship2', 'ship3'], where: null, targets: 3, placement: 'centre' },
		...{ missed: { policy: 'all', max: 3, notOlderThanMs: 86_400_000 }, overlap: 'skip', jitterMs: 300_000 },
		...{ message: form.message, startAt: null, endAt: '2999-01-01T00:00:00.000Z', note: 'all' },
		...{ last: null, on: [], counts: { fired: 0, missed: 0, skipped: 0 }, changed: { by: 'tester' } },
	});
	expect(Date.parse(view?.next ?? '')).toBeGreaterThan(Date.parse(since));
	await book.fleet.schedules.pause('nightly');
	await eventually(() => book.view()?.paused === true);
	expect(book.view()?.next).toBeNull();
	await book.fleet.schedules.remove('nightly');
	await eventually(() => book.list().length === 0);
});

test('the last tick with what became of it on each node, also where an earlier one is still open', async () => {
	await using book = await startBook();
	await book.fleet.schedules.add(form);
	await book.fire(form, 'ship1', day2, 'succeeded');
	await book.fire(form, 'ship2', day1);
	await book.fire(form, 'ship3', day2);
	await book.fleet.schedules.runNow('nightly', { nodes: ['ship2'] });
	const progress = { ...noProgress(book.parts.serverNow()), last: day2, fired: 5, missed: 2, skipped: 1 };
	await book.schedules.writeProgress('nightly', progress, 0);
	await eventually(() => book.view()?.counts.fired === 5 && book.index.openCommands('ship2').length === 2);
	await eventually(() => book.view()?.last?.states.succeeded === 1);
	expect(book.view()?.last).toEqual({
		tick: new Date(day2).toISOString(),
		states: { succeeded: 1, queued: 2 },
		nodes: [
			{
				node: 'ship1',
				handle: `ship1.${tickId('nightly', 'ship1', day2)}`,
				tick: new Date(day2).toISOString(),
				state: 'succeeded',
			},
			// Left out for the day: the one before it was not done.
			expect.objectContaining({ node: 'ship2', tick: new Date(day1).toISOString(), state: 'queued' }),
			expect.objectContaining({ node: 'ship3', tick: new Date(day2).toISOString(), state: 'queued' }),
		],
	});
	expect(book.view()?.counts).toEqual({ fired: 5, missed: 2, skipped: 1 });
	// Another of this name counts for itself.
	await book.fleet.schedules.remove('nightly');
	await book.fleet.schedules.add(form);
	await eventually(() => book.view()?.version === 3);
	expect(book.view()?.counts).toEqual({ fired: 0, missed: 0, skipped: 0 });
});

test('what nodes say of those that they fire themselves: which version, how far, and what is not heard yet', async () => {
	await using book = await startBook();
	const { toNodes: _, ...rest } = form;
	const own: ScheduleForm = { ...rest, where: { role: 'tug' }, placement: 'node' };
	await book.fleet.schedules.add(own);
	await book.fleet.schedules.add({ ...own, note: 'newer' }, { replace: true });
	const said = { name: 'nightly', through: day2, fired: 3, missed: 1, skipped: 0 };
	await book.say('ship1', [{ ...said, version: 2, next: day2 + 86_400_000, last: day2 }], { role: 'tug' });
	await book.say('ship2', [{ ...said, version: 1, next: null, last: day1 }], { role: 'tug' });
	await book.say('ship3', [], { role: 'tug' });
	await book.say('ship4', [], { role: 'yacht' });
	await book.fire(own, 'ship1', day2, 'failed');
	await eventually(() => book.view()?.version === 2 && book.index.nodes.size === 4);
	await eventually(() => book.view()?.last?.states.failed === 1);
	const view = book.view();
	const time = (ms: number) => new Date(ms).toISOString();
	expect(view).toMatchObject({
		...{ where: { role: 'tug' }, toNodes: null, targets: 3, counts: { fired: 6, missed: 2, skipped: 0 } },
		last: { tick: time(day2), states: { failed: 1, unreported: 1 } },
	});
	expect(view?.on).toEqual([
		{
			...{ node: 'ship1', version: 2, inEffect: true, next: time(day2 + 86_400_000), last: time(day2) },
			...{ lastState: 'failed', missed: 1 },
		},
		{ node: 'ship2', version: 1, inEffect: false, next: null, last: time(day1), lastState: null, missed: 1 },
		{ node: 'ship3', version: null, inEffect: false, next: null, last: null, lastState: null, missed: 0 },
	]);
	// Fired by the centre from now on: who has it still says so.
	await book.fleet.schedules.add({ ...own, placement: 'centre' }, { replace: true });
	await eventually(() => book.view()?.version === 3);
	expect(book.view()?.on.map(({ node, inEffect }) => [node, inEffect])).toEqual([
		['ship1', false],
		['ship2', false],
	]);
});

test('lists name 20 nodes and count all; pages fit a message, and go on where the last one ended', async () => {
	await using book = await startBook();
	const toNodes = Array.from({ length: 25 }, (_, n) => `ship${n + 1}`);
	const many = { ...form, toNodes };
	await book.fleet.schedules.add(many);
	for (const node of toNodes) await book.fire(many, node, day2);
	await book.schedules.writeProgress('nightly', { ...noProgress(book.parts.serverNow()), last: day2 }, 0);
	await eventually(() => book.view()?.last?.nodes.length === 25);
	expect(book.list()[0]?.last).toMatchObject({ states: { queued: 25 }, nodes: { length: 20 } });
	for (let n = 0; n < 7; n++) {
		const message = { method: 'ping', data: 'x'.repeat(100_000) };
		await book.fleet.schedules.add({ ...form, name: `large${n}`, message });
	}
	await eventually(() => book.index.schedules.records.size === 8);
	const names: string[][] = [];
	let cursor: string | undefined;
	do {
		const page = book.answers.answer({ cursor });
		expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(512 * 1024);
		names.push(page.items.map(({ name }) => name));
		cursor = page.next ?? undefined;
	} while (cursor !== undefined);
	expect(names).toEqual([
		...[
			['large0', 'large1'],
			['large2', 'large3'],
			['large4', 'large5'],
			['large6', 'nightly'],
		],
	]);
});

test('one whose form the centre cannot read is listed, with why', async () => {
	await using book = await startBook();
	await book.fleet.schedules.add(form);
	const { value, revision } = await book.schedules.read('nightly');
	if (!value) throw new Error('it was not stored');
	const strange = { ...form, timeZone: 'Mars/Olympus', placement: 'node' };
	await book.schedules.write({ ...value, version: 2, form: strange }, revision);
	await eventually(() => book.view()?.version === 2);
	const view = book.view();
	expect(viewSchemas.schedule.parse(view)).toEqual(view);
	expect(view).toMatchObject({
		...{ name: 'nightly', words: expect.stringMatching(/^cannot be read: /), placement: 'node', next: null },
		...{ problem: expect.stringContaining('timeZone: expected an IANA'), changed: { by: 'tester' } },
	});
	expect(book.list()).toEqual([view]);
});
