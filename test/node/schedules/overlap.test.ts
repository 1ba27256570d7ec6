import { expect, test } from 'vitest';
import { tickId } from '../../../src/domain/ticks.ts';
import { type FiredTick, localDelivery } from '../../../src/node/schedules/local-delivery.ts';
import { eventually } from '../../support/eventually.ts';
import { start, startShip } from './ship.ts';

const minute = 60_000;
const at = (ms: number) => new Date(start + ms).toISOString();
const idOf = (minutes: number) => tickId('s', 'ship1', start + minutes * minute);
const author = { by: 'anna', reason: 'dry dock' };

type Ship = Awaited<ReturnType<typeof startShip>>;

/** A ship whose runs go on until they are ended. */
async function slowShip(form: Record<string, unknown>): Promise<Ship> {
	const ship = await startShip();
	ship.world.isQuick = false;
	await ship.keep({ every: '1m', ...form });
	return ship;
}

/** One tick after the other is decided, and on the disk. */
async function passMinutes(ship: Ship, count: number): Promise<void> {
	for (let n = 0; n < count; n++) {
		await ship.pass(minute);
		await ship.process.store.commit(() => undefined);
	}
}

function endRun(ship: Ship, id: string): void {
	ship.world.runs.find((run) => run.id === id)?.end();
}

test('skip: while one has not ended, no other fires, and each is counted', async () => {
	await using ship = await slowShip({ overlap: 'skip' });
	await passMinutes(ship, 4);
	expect(await ship.started(1)).toEqual([at(minute)]);
	expect(ship.state()).toMatchObject({ fired: 1, skipped: 3, missed: 0, last: start + minute });
	endRun(ship, idOf(1));
	await ship.ended(1);
	await eventually(() => ship.open() === 0);
	await passMinutes(ship, 1);
	expect(await ship.started(2)).toEqual([at(minute), at(5 * minute)]);
});

test('allow: all fire, as many at once as the lane has slots, in the order of their ticks', async () => {
	await using ship = await slowShip({ overlap: 'allow' });
	ship.world.lanes = { normal: 2 };
	await passMinutes(ship, 4);
	expect(await ship.started(2)).toEqual([at(minute), at(2 * minute)]);
	expect(ship.open()).toBe(4);
	endRun(ship, idOf(2));
	expect((await ship.started(3)).at(-1)).toBe(at(3 * minute));
	endRun(ship, idOf(1));
	expect((await ship.started(4)).at(-1)).toBe(at(4 * minute));
	expect(ship.state()).toMatchObject({ fired: 4, skipped: 0 });
});

test('replace: one that waits is called off by the next, and says by which; one that runs is left to run', async () => {
	await using ship = await slowShip({ overlap: 'replace' });
	// There is room on the lane: what runs is waited for all the same.
	ship.world.lanes = { normal: 3 };
	await passMinutes(ship, 1);
	await ship.started(1);
	await passMinutes(ship, 3);
	expect(await ship.ended(2)).toEqual(['cancelled 0', 'cancelled 0']);
	expect(ship.world.reports.slice(-2).map(({ id, report }) => [id, report.closed])).toEqual([
		[idOf(2), { reason: `superseded by ship1.${idOf(3)}`, actor: 'schedule s' }],
		[idOf(3), { reason: `superseded by ship1.${idOf(4)}`, actor: 'schedule s' }],
	]);
	await eventually(() => ship.open() === 2);
	expect(ship.world.runs).toHaveLength(1);
	endRun(ship, idOf(1));
	expect(await ship.started(2)).toEqual([at(minute), at(4 * minute)]);
	expect(ship.state()).toMatchObject({ fired: 4, skipped: 0 });
});

test('replace: one whose start is a step away is called off before it, also when the ship dies in between', async () => {
	await using ship = await slowShip({ overlap: 'replace' });
	ship.world.passes = () => undefined;
	await passMinutes(ship, 2);
	await ship.crash();
	expect(await ship.ended(1)).toEqual(['cancelled 0']);
	expect(await ship.started(1)).toEqual([at(2 * minute)]);
	expect(ship.world.reports.find(({ report }) => report.event === 'cancelled')?.id).toBe(idOf(1));
});

test('replace: one whose data is being checked is called off before it starts', async () => {
	await using ship = await slowShip({ overlap: 'replace' });
	let letGo: () => void = () => undefined;
	ship.world.hold = new Promise((resolve) => {
		letGo = resolve;
	});
	await passMinutes(ship, 1);
	await eventually(() => ship.process.pipeline.isAtWork(idOf(1)));
	await passMinutes(ship, 1);
	letGo();
	expect(await ship.ended(1)).toEqual(['cancelled 0']);
	expect(await ship.started(1)).toEqual([at(2 * minute)]);
});

test('the same tick, queued by the centre, waits while the ship runs its own, and takes nothing from it', async () => {
	await using ship = await slowShip({ overlap: 'allow' });
	await passMinutes(ship, 1);
	await ship.started(1);
	const [fired] = [...ship.process.store.range<FiredTick>('ticks')].map(({ value }) => value);
	if (!fired) throw new Error('nothing has fired');
	const words: string[] = [];
	const say = (word: string) => async () => words.push(word) > 0;
	const local = localDelivery(fired, { end: say('ack'), again: (ms) => words.push(`again ${ms}`) });
	await ship.process.pipeline.handle({ ...local, seq: 7 }, true, new AbortController().signal);
	expect(words).toEqual(['again 1000']);
	endRun(ship, idOf(1));
	expect(await ship.ended(1)).toEqual(['succeeded 1']);
	await eventually(() => ship.open() === 0);
	expect(words).toEqual(['again 1000']);
});

test('a paused lane and a stopped method hold ticks back, and their end lets them go; what is too late expires', async () => {
	await using ship = await startShip();
	const { pauses } = ship.process;
	ship.world.isQuick = false;
	await ship.keep({ every: '1m', overlap: 'allow', message: { method: 'm', data: '{{tick}}' } });
	await pauses.pauseLanes(['normal'], author);
	await passMinutes(ship, 2);
	expect(ship.world.runs).toEqual([]);
	await pauses.stopMethod('m', author);
	await pauses.resumeLanes(['normal']);
	await passMinutes(ship, 1);
	expect(ship.world.runs).toEqual([]);
	// It blocks no lane: what the centre queues there has another order.
	expect(pauses.laneOf('normal')).toBeUndefined();
	ship.world.isQuick = true;
	await pauses.resumeMethods(['m']);
	expect(await ship.started(3)).toEqual([1, 2, 3].map((n) => at(n * minute)));
	await ship.ended(3);

	await pauses.pauseLanes(['normal'], author);
	const message = { method: 'm', data: 'late', deliverWithin: '90s' };
	await ship.keep({ every: '1m', overlap: 'allow', message }, 2, ship.clock.now());
	ship.world.isQuick = false;
	await passMinutes(ship, 3);
	expect((await ship.ended(4)).at(-1)).toBe('expired 0');
	expect(ship.world.runs).toHaveLength(3);
});

test('a cancel meets one that waits, though its lane is held, and one that runs', async () => {
	await using ship = await slowShip({ overlap: 'allow' });
	const { pipeline, schedules, pauses } = ship.process;
	const closed = { reason: 'not wanted', actor: 'anna' };
	await passMinutes(ship, 2);
	await ship.started(1);
	await pauses.pauseLanes(['normal'], author);
	// Handed over in the same moment, or at the next.
	expect(['noted', 'aborting']).toContain(await pipeline.callOff(idOf(2), start + 2 * minute, closed));
	schedules.wake();
	expect(await ship.ended(1)).toEqual(['cancelled 0']);
	expect(await pipeline.callOff(idOf(1), start + minute, closed)).toBe('aborting');
	await ship.ended(2);
	expect(ship.world.reports.at(-1)).toMatchObject({ id: idOf(1), report: { attempts: [{ attempt: 1 }] } });
	await eventually(() => ship.open() === 0);
});

test('a crash at each step: decided, handed over, started, ended without its ack', async () => {
	await using ship = await slowShip({ overlap: 'allow' });
	// On the disk, and never handed over.
	ship.world.passes = () => undefined;
	await passMinutes(ship, 1);
	await ship.crash();
	expect(await ship.started(1)).toEqual([at(minute)]);
	// Started: nobody knows how it ended, and its policy does not let it start again.
	await ship.crash();
	expect(await ship.ended(1)).toEqual(['interrupted 1']);
	await eventually(() => ship.open() === 0);
	// Ended, and the word that takes it out of the table is lost.
	ship.world.passes = (delivery) => ({ ...delivery, ackAck: () => new Promise(() => undefined) });
	await passMinutes(ship, 1);
	await ship.started(2);
	endRun(ship, idOf(2));
	expect((await ship.ended(2)).at(-1)).toBe('succeeded 1');
	expect(ship.open()).toBe(1);
	await ship.crash();
	await eventually(() => ship.open() === 0);
	await passMinutes(ship, 1);
	expect(await ship.started(3)).toEqual([1, 2, 3].map((n) => at(n * minute)));
	expect(ship.state()).toMatchObject({ fired: 3, missed: 0 });
});

test('with rerun it is started again by the next process, offline, as its policy says', async () => {
	await using ship = await slowShip({
		message: { method: 'm', data: '{{tick}}', onInterrupt: 'rerun', attempts: 2 },
	});
	await passMinutes(ship, 1);
	await ship.started(1);
	await ship.crash();
	await ship.started(2);
	expect(ship.world.runs.map(({ id, attempt }) => `${id} ${attempt}`)).toEqual([
		`${idOf(1)} 1`,
		`${idOf(1)} 2`,
	]);
	await ship.crash();
	expect(await ship.ended(1)).toEqual(['interrupted 2']);
});

test('one that has started waits for its lane and its slot, however late it is for a first start', async () => {
	await using ship = await slowShip({
		overlap: 'allow',
		message: { method: 'm', data: '{{tick}}', onInterrupt: 'rerun', attempts: 2, deliverWithin: '30s' },
	});
	await passMinutes(ship, 1);
	await ship.started(1);
	await ship.process.pauses.pauseLanes(['normal'], author);
	await ship.crash();
	const handed: number[] = [];
	ship.world.passes = (delivery) => {
		handed.push(delivery.storedAt);
		return delivery;
	};
	await passMinutes(ship, 2);
	ship.clock.jump(minute / 2 + 1);
	await ship.process.schedules.runOnce();
	// The two that have not started are over, and need no slot; the first waits.
	expect(await ship.ended(2)).toEqual(['expired 0', 'expired 0']);
	expect(handed).toEqual([2, 3].map((n) => start + n * minute));
	await ship.process.pauses.resumeLanes(['normal']);
	expect(await ship.started(2)).toEqual([at(minute), at(minute)]);
	expect(ship.world.runs[1]?.attempt).toBe(2);
});

test('what waits is bounded: more are missed, and told once', async () => {
	await using ship = await startShip();
	ship.world.isQuick = false;
	await ship.process.pauses.pauseLanes(['normal'], author);
	await ship.keep({ every: '1s', overlap: 'allow', missed: 'all' });
	for (let n = 0; n < 21; n++) await ship.pass(50_000);
	expect(ship.state()).toMatchObject({ fired: 1000, missed: 50 });
	await ship.process.store.commit(() => undefined);
	expect(ship.open()).toBe(1000);
});

test('a lane that this ship does not have is told once, and its ticks are missed', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '1m', message: { method: 'm', data: 'x', lane: 'bulk' } });
	await passMinutes(ship, 3);
	expect(ship.state()).toMatchObject({ fired: 0, missed: 3 });
	expect(ship.world.faults).toMatchObject([
		{ where: 'schedule s', message: expect.stringContaining('bulk') },
	]);
});

test('an unknown method is an outcome like any other', async () => {
	await using ship = await startShip();
	await ship.keep({ every: '1m', message: { method: 'nothing' } });
	await passMinutes(ship, 1);
	expect(await ship.ended(1)).toEqual(['refused 0']);
	expect(ship.world.reports[0]?.report.fault?.code).toBe('unknownMethod');
	await eventually(() => ship.open() === 0);
});
