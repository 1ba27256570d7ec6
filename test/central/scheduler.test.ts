import { describe, expect, test } from 'vitest';
import type { ScheduleForm } from '../../src/domain/schedule.ts';
import { tickId } from '../../src/domain/ticks.ts';
import { Schedules } from '../../src/jetstream/schedules.ts';
import { manualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { startCentral } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { minuteMs, queuedAt, recordOf, start, startLeader } from './firing.ts';

const hourMs = 60 * minuteMs;
const everyMinute = { name: 'minutely', cron: '* * * * *' } as const;

async function world() {
	const nats = await startNats();
	const central = await startCentral(nats.url);
	const raw = await openRaw(nats.url);
	return {
		connection: raw.connection,
		[Symbol.asyncDispose]: async () => {
			await raw[Symbol.asyncDispose]();
			await central.stop();
			await nats[Symbol.asyncDispose]();
		},
	};
}

describe('an outage of the centre', () => {
	// A tick each minute; the last one before the outage at 00:00, and the centre is back at 01:00:30.
	const table: readonly (readonly [
		Partial<ScheduleForm>,
		{ fired: number; missed: number; skipped: number; last?: number },
	])[] = [
		[
			{ missed: 'skip', overlap: 'allow' },
			{ fired: 1, missed: 59, skipped: 0 },
		],
		[
			{ missed: 'once', overlap: 'allow' },
			{ fired: 1, missed: 59, skipped: 0 },
		],
		[
			{ missed: 'all', overlap: 'allow' },
			{ fired: 60, missed: 0, skipped: 0 },
		],
		[
			{ missed: { all: { max: 10 } }, overlap: 'allow' },
			{ fired: 11, missed: 49, skipped: 0 },
		],
		[
			{ missed: { all: { notOlderThan: '20m' } }, overlap: 'allow' },
			{ fired: 20, missed: 40, skipped: 0 },
		],
		[
			{ missed: 'all', overlap: 'skip' },
			// The first of them is the one that the others find open.
			{ fired: 1, missed: 0, skipped: 59, last: start + minuteMs },
		],
		[
			{ missed: 'all', overlap: 'replace' },
			{ fired: 1, missed: 0, skipped: 59 },
		],
	];

	test('fires what the policy says, each tick once', async () => {
		await using broker = await world();
		const { connection } = broker;
		const records = table.map(([form], row) =>
			recordOf({ ...everyMinute, ...form, name: `row${row}`, toNode: `ship${row}` }),
		);
		const time = { now: start };
		const leader = await startLeader(connection, records, { time });
		expect(await leader.scheduler.runOnce()).toEqual({ fired: 0, missed: 0, skipped: 0 });
		time.now = start + hourMs + 30_000;
		await leader.scheduler.runOnce();
		const schedules = new Schedules(connection);
		for (const [row, [form, counts]] of table.entries()) {
			const { value } = await schedules.readProgress(`row${row}`);
			expect({ form, ...value }).toMatchObject({
				...{ form, last: start + hourMs, through: time.now },
				...counts,
			});
			const ids = (await queuedAt(connection, `ship${row}`)).map(({ id }) => id);
			expect(ids).toHaveLength(counts.fired);
			expect(ids).toContain(tickId(`row${row}`, `ship${row}`, counts.last ?? start + hourMs));
		}
		expect(await leader.scheduler.runOnce()).toEqual({ fired: 0, missed: 0, skipped: 0 });
		await leader.stop();
	});

	test('makes up for an hour with the last missed tick, where none is in time', async () => {
		await using broker = await world();
		const { connection } = broker;
		const time = { now: start };
		const hourly = recordOf({ name: 'hourly', cron: '0 * * * *', missed: 'once' });
		const skipping = recordOf({ name: 'skipping', cron: '0 * * * *', missed: 'skip' });
		const leader = await startLeader(connection, [hourly, skipping], { time });
		await leader.scheduler.runOnce();
		time.now = start + 3.5 * hourMs;
		expect(await leader.scheduler.runOnce()).toEqual({ fired: 1, missed: 2 + 3, skipped: 0 });
		expect((await queuedAt(connection, 'ship1')).map(({ id }) => id)).toEqual([
			tickId('hourly', 'ship1', start + 3 * hourMs),
		]);
		await leader.stop();
	});
});

describe('a ship that is away', () => {
	test.each(['skip', 'replace'] as const)(
		'has one command of a minutely schedule waiting, with overlap %s',
		async (overlap) => {
			await using broker = await world();
			const { connection } = broker;
			const time = { now: start };
			const leader = await startLeader(connection, [recordOf({ ...everyMinute, overlap })], { time });
			// What is replaced costs a claim and a removal each. A week of both is `npm run week`.
			const minutes = Number(process.env.STEWARD_AWAY_MINUTES ?? (overlap === 'skip' ? 1440 : 120));
			for (let minute = 1; minute <= minutes; minute++) {
				time.now = start + minute * minuteMs;
				const { fired, skipped } = await leader.scheduler.runOnce();
				expect(fired + skipped).toBe(1);
			}
			const { value } = await new Schedules(connection).readProgress('minutely');
			const fired = overlap === 'skip' ? 1 : minutes;
			expect(value).toMatchObject({
				fired,
				skipped: minutes - fired,
				missed: 0,
				last: start + (overlap === 'skip' ? 1 : minutes) * minuteMs,
			});
			// What was replaced is settled by the centre beside.
			const left = await eventually(
				async () => {
					const waiting = await queuedAt(connection, 'ship1');
					return waiting.length === 1 && waiting;
				},
				{ message: 'one command waits' },
			);
			expect(left[0]?.id).toBe(tickId('minutely', 'ship1', value?.last ?? 0));
			await leader.stop();
		},
	);
});

describe('what goes wrong', () => {
	test('progress that could not be written is written again, and nothing is fired twice', async () => {
		await using broker = await world();
		const { connection } = broker;
		const time = { now: start };
		let isBroken = false;
		const between = <Port extends object>(port: Port): Port =>
			new Proxy(port, {
				get(target, name) {
					const value: unknown = Reflect.get(target, name, target);
					if (typeof value !== 'function') return value;
					if (isBroken && name === 'writeProgress') return () => Promise.reject(new Error('no answer'));
					return value.bind(target);
				},
			});
		const leader = await startLeader(connection, [recordOf({ ...everyMinute, overlap: 'allow' })], {
			time,
			between,
		});
		const schedules = new Schedules(connection);
		isBroken = true;
		time.now = start + minuteMs;
		expect(await leader.scheduler.runOnce()).toMatchObject({ fired: 1 });
		expect((await schedules.readProgress('minutely')).value).toBeUndefined();
		isBroken = false;
		time.now += 2000;
		await leader.scheduler.runOnce();
		expect((await schedules.readProgress('minutely')).value).toMatchObject({
			fired: 1,
			last: start + minuteMs,
		});
		time.now = start + 2 * minuteMs;
		expect(await leader.scheduler.runOnce()).toMatchObject({ fired: 1 });
		expect(await queuedAt(connection, 'ship1')).toHaveLength(2);
		await leader.stop();
	});

	test('a clock of the broker that was ahead silences nothing once it is right again', async () => {
		await using broker = await world();
		const { connection } = broker;
		const time = { now: start };
		const leader = await startLeader(connection, [recordOf({ ...everyMinute, overlap: 'allow' })], { time });
		time.now = start + 24 * hourMs;
		await leader.scheduler.runOnce();
		time.now = start + minuteMs;
		await leader.scheduler.runOnce();
		for (let minute = 2; minute <= 4; minute++) {
			time.now = start + minute * minuteMs;
			expect(await leader.scheduler.runOnce()).toMatchObject({ fired: 1 });
		}
		const ids = (await queuedAt(connection, 'ship1')).map(({ id }) => id);
		for (const minute of [2, 3, 4])
			expect(ids).toContain(tickId('minutely', 'ship1', start + minute * minuteMs));
		await leader.stop();
	});

	test('a schedule that cannot be decided keeps no other from firing', async () => {
		await using broker = await world();
		const { connection } = broker;
		const time = { now: start };
		const records = [recordOf({ ...everyMinute, name: 'bad' }), recordOf({ ...everyMinute, name: 'good' })];
		const leader = await startLeader(connection, records, { time });
		await leader.scheduler.runOnce();
		const { openCommands } = leader.index.schedules;
		leader.index.schedules.openCommands = (name, node) => {
			if (name === 'bad') throw new RangeError('broken');
			return openCommands.call(leader.index.schedules, name, node);
		};
		time.now = start + minuteMs;
		expect(await leader.scheduler.runOnce()).toMatchObject({ fired: 1 });
		leader.index.schedules.openCommands = openCommands;
		time.now += 5000;
		expect(await leader.scheduler.runOnce()).toMatchObject({ fired: 1 });
		await leader.stop();
	});

	test('nobody counts as absent before he could say that he is there', async () => {
		await using broker = await world();
		const { connection } = broker;
		const time = { now: start };
		const clock = manualClock();
		const message = { method: 'ping', whenAbsent: 'skip' as const };
		const leader = await startLeader(connection, [recordOf({ ...everyMinute, message })], { time, clock });
		time.now = start + minuteMs;
		expect(await leader.scheduler.runOnce()).toEqual({ fired: 0, missed: 0, skipped: 0 });
		await clock.advance(1000);
		time.now += 1000;
		expect(await leader.scheduler.runOnce()).toEqual({ fired: 0, missed: 0, skipped: 1 });
		await leader.stop();
	});
});
