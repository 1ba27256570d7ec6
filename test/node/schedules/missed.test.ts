import { expect, test } from 'vitest';
import { tickId } from '../../../src/domain/ticks.ts';
import { stressLifecycle } from '../../support/lifecycle.ts';
import { start, startShip, wish } from './ship.ts';

const minute = 60_000;
const hour = 3_600_000;
/** The moment of a tick as its data tell it. */
const at = (ms: number) => new Date(start + ms).toISOString();

test('ticks fire at their moments without any link, under ids that only schedule, node and moment decide', async () => {
	await using ship = await startShip();
	expect(await ship.keep({ every: '1m' })).toEqual({ name: 's', version: 1, inEffect: 1 });
	expect(ship.state()).toMatchObject({ version: 1, next: start + minute, last: null, fired: 0 });
	await ship.pass(minute - 1);
	expect(ship.world.runs).toEqual([]);
	await ship.pass(1);
	expect(await ship.started(1)).toEqual([at(minute)]);
	await ship.pass(minute);
	expect(await ship.started(2)).toEqual([at(minute), at(2 * minute)]);
	expect(ship.world.runs.map(({ id }) => id)).toEqual(
		[1, 2].map((n) => tickId('s', 'ship1', start + n * minute)),
	);
	expect(await ship.ended(2)).toEqual(['succeeded 1', 'succeeded 1']);
	expect(ship.open()).toBe(0);
	expect(ship.state()).toMatchObject({ last: start + 2 * minute, fired: 2, missed: 0, skipped: 0 });
	// The centre hears of the start, with the version that fired and the longest run, as a claim would say it.
	expect(ship.world.reports.map(({ report }) => report.event).slice(0, 2)).toEqual(['started', 'succeeded']);
	expect(ship.world.reports[0]?.report.facts).toMatchObject({
		...{ seq: 0, queuedAt: start + minute, sender: 'central', runForMs: 600_000 },
		schedule: { name: 's', tick: start + minute, version: 1 },
	});
});

test.each([
	{ missed: 'skip', ran: [], counted: 5 },
	{ missed: 'once', ran: [5], counted: 4 },
	{ missed: 'all', ran: [1, 2, 3, 4, 5], counted: 0 },
	{ missed: { all: { max: 2 } }, ran: [4, 5], counted: 3 },
	{ missed: { all: { max: 9, notOlderThan: '3h' } }, ran: [3, 4, 5], counted: 2 },
])('of ticks that the ship slept through, $missed makes up for $ran', async ({ missed, ran, counted }) => {
	await using ship = await startShip();
	await ship.keep({ every: '1h', missed, overlap: 'allow' });
	await ship.process.store.stop();
	ship.clock.jump(5 * hour + 30 * minute);
	await ship.crash();
	await ship.process.schedules.runOnce();
	expect(await ship.started(ran.length)).toEqual(ran.map((n) => at(n * hour)));
	expect(ship.state()).toMatchObject({ fired: ran.length, missed: counted, next: start + 6 * hour });
	await ship.pass(30 * minute);
	expect((await ship.started(ran.length + 1)).at(-1)).toBe(at(6 * hour));
});

test('a clock that jumps an hour ahead and back again silences nothing, and no tick runs twice', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '10m', missed: 'all', overlap: 'allow' });
	await ship.pass(10 * minute);
	ship.clock.jump(hour);
	await ship.process.schedules.runOnce();
	expect(await ship.started(7)).toHaveLength(7);
	ship.clock.jump(-hour);
	await ship.process.schedules.runOnce();
	expect(ship.state()?.next).toBe(start + 20 * minute);
	// Those that ran in the hour that was none are not run again; the first after it is.
	for (let n = 0; n < 6; n++) await ship.pass(10 * minute);
	await ship.pass(10 * minute);
	expect(await ship.started(8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => at(n * 10 * minute)));
	// Through another process as well.
	ship.clock.jump(hour);
	await ship.process.schedules.runOnce();
	await ship.started(14);
	await ship.crash();
	ship.clock.jump(-hour);
	await ship.process.schedules.runOnce();
	for (let n = 0; n < 7; n++) await ship.pass(10 * minute);
	expect(new Set(ship.world.runs.map(({ id }) => id)).size).toBe(15);
	expect(ship.world.runs).toHaveLength(15);
	expect(ship.state()).toMatchObject({ fired: 15 });
});

test('a clock that boots at 1970 decides nothing, and the counts are right when it is', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '1h', missed: 'once' });
	await ship.pass(hour);
	await ship.started(1);
	for (let boot = 0; boot < 2; boot++) {
		const lostMs = ship.clock.now();
		ship.clock.jump(-lostMs);
		await ship.crash();
		await ship.pass(10 * minute);
		// A change that comes before the time is right forgets nothing either.
		await ship.keep({ every: '1h', missed: 'once', note: `boot ${boot}` }, 2 + boot);
		expect(ship.state()).toMatchObject({ through: start + hour, fired: 1, missed: 0 });
		await ship.process.store.stop();
		ship.clock.jump(lostMs);
	}
	ship.clock.jump(3 * hour);
	await ship.crash();
	await ship.process.schedules.runOnce();
	expect(await ship.started(2)).toEqual([at(hour), at(4 * hour)]);
	expect(ship.state()).toMatchObject({ fired: 2, missed: 2, next: start + 5 * hour });
});

test('a clock that was years ahead silences nothing once the server says the time', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '1h', missed: 'skip' });
	ship.clock.jump(1000 * 24 * hour);
	await ship.process.schedules.runOnce();
	expect(ship.state()?.through).toBe(start + 1000 * 24 * hour);
	ship.clock.jump(-1000 * 24 * hour);
	await ship.pass(2 * hour);
	expect(ship.state()?.through).toBe(start + 1000 * 24 * hour);
	ship.world.isTimeSure = true;
	await ship.pass(hour);
	await ship.pass(hour);
	expect((await ship.started(2)).at(-1)).toBe(at(4 * hour));
});

test('a ship keeps as many schedules as its state can tell of', async () => {
	await using ship = await startShip();
	await Promise.all(
		Array.from({ length: 500 }, (_, n) => ship.keep({ name: `s${n}`, every: '1h', paused: true })),
	);
	await expect(ship.keep({ name: 'more', every: '1h' })).rejects.toMatchObject({
		...{ code: 'invalid', message: expect.stringContaining('500') },
	});
	expect(await ship.keep({ name: 's7', every: '2h' }, 2)).toMatchObject({ inEffect: 2 });
	await ship.process.schedules.remove({ name: 's8', version: 1 });
	expect(await ship.keep({ name: 'more', every: '1h' })).toMatchObject({ inEffect: 1 });
});

test('with `skip` an hour that was none costs no tick of the real hour', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '10m', missed: 'skip' });
	ship.clock.jump(hour);
	await ship.process.schedules.runOnce();
	ship.clock.jump(-hour);
	for (let n = 0; n < 5; n++) await ship.pass(10 * minute);
	expect(await ship.started(5)).toContain(at(10 * minute));
});

test('a new version that comes while nothing may begin goes on where the one before was, and an older one changes nothing', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '1h', missed: 'all', overlap: 'allow' }, 3);
	ship.world.isHeldUp = true;
	await ship.pass(5 * hour + minute);
	expect(await ship.keep({ every: '2h' }, 3)).toEqual({ name: 's', version: 3, inEffect: 3 });
	expect(await ship.keep({ every: '2h' }, 2)).toEqual({ name: 's', version: 2, inEffect: 3 });
	expect(await ship.keep({ every: '2h', missed: 'all', overlap: 'allow' }, 4, start + 2 * hour)).toEqual({
		...{ name: 's', version: 4, inEffect: 4 },
	});
	ship.world.isHeldUp = false;
	await ship.pass(hour);
	// What was due until `since` was the earlier version's, and is nobody's now.
	expect(await ship.started(2)).toEqual([at(4 * hour), at(6 * hour)]);
	expect(ship.state()).toMatchObject({ version: 4, fired: 2, missed: 0, next: start + 8 * hour });
	// Ticks until `since` do not count, whenever it arrived.
	await ship.keep({ every: '2h' }, 5, start + 9 * hour);
	await ship.pass(2 * hour);
	expect(ship.world.runs).toHaveLength(2);
	await ship.pass(2 * hour);
	expect(await ship.started(3)).toEqual([at(4 * hour), at(6 * hour), at(10 * hour)]);
	expect(ship.world.reports.at(-1)?.report.facts.schedule?.version).toBe(5);
});

test('what a ship slept through is decided by the version that is there when it wakes, also where that comes first', async () => {
	await using ship = await startShip();
	await ship.keep({ cron: '0 3 * * *' });
	await ship.process.store.stop();
	ship.clock.jump(8 * hour);
	// The link is up first, and the control lane has the word.
	ship.world.isHeldUp = true;
	await ship.crash();
	await ship.keep({ cron: '0 3 * * *', note: 'edited at 07:00' }, 2);
	await ship.keep({ cron: '0 3 * * *', note: 'and again' }, 3);
	await ship.process.schedules.runOnce();
	expect(ship.state()).toMatchObject({ version: 3, fired: 0, missed: 0 });
	ship.world.isHeldUp = false;
	await ship.process.schedules.runOnce();
	expect(await ship.started(1)).toEqual([at(3 * hour)]);
	await ship.pass(hour);
	expect(ship.world.runs).toHaveLength(1);
	expect(ship.state()).toMatchObject({ fired: 1, missed: 0, next: start + 27 * hour });
	expect(ship.world.reports.at(-1)?.report.facts.schedule?.version).toBe(3);
});

test('what was due in a pause is not missed by whoever resumes it while nothing may begin', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '1h', paused: true });
	ship.world.isHeldUp = true;
	await ship.pass(5 * hour);
	await ship.keep({ every: '1h', missed: 'all' }, 2);
	ship.world.isHeldUp = false;
	await ship.pass(hour);
	expect(await ship.started(1)).toEqual([at(6 * hour)]);
	expect(ship.state()).toMatchObject({ fired: 1, missed: 0 });
});

test('what was due before a change fires as it was, also where nobody had looked yet', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '1h' });
	ship.clock.jump(hour);
	await ship.keep({ every: '1h', message: { method: 'm', data: 'new' } }, 2, start + hour);
	await ship.pass(hour);
	expect(await ship.started(2)).toEqual([at(hour), 'new']);
});

test('paused in its form, it neither fires nor misses; a removal is kept over a restart, unless it is of an older version', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '1h', paused: true });
	expect(ship.state()?.next).toBeNull();
	await ship.pass(5 * hour);
	await ship.keep({ every: '1h', missed: 'all' }, 2);
	await ship.pass(hour);
	expect(await ship.started(1)).toEqual([at(6 * hour)]);
	expect(ship.state()).toMatchObject({ fired: 1, missed: 0 });
	const { schedules } = ship.process;
	expect(await schedules.remove({ name: 's', version: 1 })).toEqual({ name: 's', version: 1, inEffect: 2 });
	expect(await schedules.remove({ name: 's', version: 3 })).toEqual({
		name: 's',
		version: 3,
		inEffect: null,
	});
	await ship.crash();
	await ship.pass(hour);
	expect(ship.process.schedules.states()).toEqual([]);
	expect(ship.world.runs).toHaveLength(1);
});

test('a form that does not fit changes nothing and says all that is wrong', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '1h' });
	await expect(ship.keep({ every: '1h', cron: '* * *', overlap: 'no' }, 2)).rejects.toMatchObject({
		code: 'invalid',
	});
	await expect(ship.keep({ every: '1h', placement: 'centre' }, 2)).rejects.toThrow(/placement/);
	await expect(ship.process.schedules.put({ ...wish({ every: '1h' }, 2), name: 'x' })).rejects.toThrow(
		/name/,
	);
	expect(ship.state()).toMatchObject({ version: 1 });
});

test('a form on the disk that this program cannot read is told once, and fires no more', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '1h' });
	const [kept] = [...ship.process.store.range<object>('schedules')];
	await ship.process.store.commit((writes) =>
		writes.put('schedules', 's', { ...kept?.value, form: { every: 'sometimes' } }),
	);
	await ship.crash();
	await ship.pass(2 * hour);
	expect(ship.state()).toMatchObject({ version: 1, next: null, fired: 0 });
	expect(ship.world.faults).toMatchObject([{ kind: 'refused', where: 'schedule s' }]);
});

test('jitter shifts all ticks by what the names of schedule and ship say, and misses none', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '10s', jitter: '1m', overlap: 'allow' });
	for (let n = 0; n < 90; n++) await ship.pass(1000);
	const ran = await ship.started(2);
	// What is due within the longest shift before now has run, each once.
	for (const n of [1, 2, 3]) expect(ran).toContain(at(n * 10_000));
	expect(new Set(ran).size).toBe(ran.length);
	// Those until it arrived are nobody's, however late they would fire.
	expect(ran.filter((moment) => String(moment) <= at(0))).toEqual([]);
	expect(ship.state()).toMatchObject({ missed: 0, fired: ran.length });
});

test('it starts and stops in any order', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '1s' });
	await stressLifecycle(() => ship.process.schedules);
	await ship.process.schedules.start();
	await ship.pass(1000);
	expect(await ship.started(1)).toHaveLength(1);
});
