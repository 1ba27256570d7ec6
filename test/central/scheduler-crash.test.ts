import { expect, test } from 'vitest';
import type { Overlap } from '../../src/domain/schedule.ts';
import { tickId } from '../../src/domain/ticks.ts';
import { Schedules } from '../../src/jetstream/schedules.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';
import { minuteMs, queuedAt, recordOf, start, startLeader } from './firing.ts';

/** A process that dies at its n-th word with the broker: before that is said, or with the answer on its way. */
function killer(at: number, when: 'before' | 'after') {
	let calls = 0;
	let isDead = false;
	const die = () => {
		isDead = true;
		throw new Error('killed');
	};
	return {
		get died() {
			return isDead;
		},
		between: <Port extends object>(port: Port): Port =>
			new Proxy(port, {
				get(target, name) {
					const value: unknown = Reflect.get(target, name, target);
					if (typeof value !== 'function') return value;
					if (name === 'shardOf') return value.bind(target);
					return async (...args: unknown[]) => {
						if (isDead) die();
						calls += 1;
						const isLast = calls === at;
						if (isLast && when === 'before') die();
						const answer: unknown = await value.apply(target, args);
						if (isLast || isDead) die();
						return answer;
					};
				},
			}),
	};
}

const overlaps = ['allow', 'skip', 'replace'] as const satisfies readonly Overlap[];

test.each(overlaps)(
	'a leader may die at every step of a tick, for ships that are away: overlap %s',
	async (overlap) => {
		await using nats = await startNats();
		await using _ = await startCentral(nats.url);
		await using raw = await openRaw(nats.url);
		const { connection } = raw;
		const schedules = new Schedules(connection);
		let steps = 0;
		for (let at = 1; steps === 0; at++) {
			for (const when of ['before', 'after'] as const) {
				const name = `${when}${at}`;
				const nodes = [`${name}-ship1`, `${name}-ship2`];
				const records = [recordOf({ name, cron: '* * * * *', overlap, toNodes: nodes, toNode: undefined })];
				const time = { now: start + minuteMs };
				const first = await startLeader(connection, records, { time });
				await first.scheduler.runOnce();
				await first.stop();
				// The second tick meets the death of its leader, and the next one comes half a minute later.
				const death = killer(at, when);
				time.now = start + 2 * minuteMs;
				const dying = await startLeader(connection, records, { time, between: death.between });
				await dying.scheduler.runOnce().catch(() => undefined);
				await dying.stop();
				time.now += 30_000;
				const next = await startLeader(connection, records, { time });
				await next.scheduler.runOnce();
				await next.scheduler.runOnce();
				await next.stop();
				const expected = {
					allow: { fired: 4, skipped: 0, ticks: [1, 2] },
					skip: { fired: 2, skipped: 2, ticks: [1] },
					replace: { fired: 4, skipped: 0, ticks: [2] },
				}[overlap];
				const { value } = await schedules.readProgress(name);
				expect({ name, ...value }).toMatchObject({
					name,
					fired: expected.fired,
					skipped: expected.skipped,
					missed: 0,
				});
				for (const node of nodes) {
					const wanted = expected.ticks.map((tick) => tickId(name, node, start + tick * minuteMs)).sort();
					await eventually(
						async () =>
							(await queuedAt(connection, node))
								.map(({ id }) => id)
								.sort()
								.join() === wanted.join(),
						{ message: `${wanted.length} commands wait for ${node}` },
					);
				}
				if (!death.died) steps = at - 1;
			}
		}
		// Bodies and claims of what is replaced, commands, the look-up, progress.
		expect(steps).toBeGreaterThanOrEqual({ allow: 4, skip: 1, replace: 8 }[overlap]);
	},
);

test('a tick runs once on its ship, whenever its leader dies, also where it had run and was gone before the next one came', async () => {
	await using nats = await startNats();
	await using _ = await startCentral(nats.url, { claimRetentionMs: 0, sweepEveryMs: 100 });
	await using ship = await startNode(nats.url, 'ship1');
	await using dir = await tempDir('steward-ticks-');
	await using raw = await openRaw(nats.url);
	const { connection } = raw;
	const effects = effectsIn(dir.path);
	expect(ship.part.name).toBe('node ship1');
	let names = 0;
	for (let isOver = false, at = 1; !isOver; at++) {
		for (const when of ['before', 'after'] as const) {
			const name = `${when}${at}`;
			const message = { method: 'shellCommand', data: effects.shell('{{schedule}} {{tick}}') };
			const records = [recordOf({ name, every: '1m', message })];
			const time = { now: start + minuteMs };
			const death = killer(at, when);
			const dying = await startLeader(connection, records, { time, between: death.between });
			await dying.scheduler.runOnce().catch(() => undefined);
			// What it has queued runs, ends, and leaves its stream.
			await eventually(async () => (await queuedAt(connection, 'ship1')).length === 0);
			await dying.stop();
			time.now += 10_000;
			const next = await startLeader(connection, records, { time });
			await next.scheduler.runOnce();
			names += 1;
			await effects.reach(names);
			await eventually(async () => (await queuedAt(connection, 'ship1')).length === 0);
			await next.stop();
			isOver = !death.died;
		}
	}
	const words = await effects.words();
	expect(words).toHaveLength(names);
	expect(new Set(words).size).toBe(names);
});

test('two leaders at once fire each tick once, and count each once', async () => {
	await using nats = await startNats();
	await using _ = await startCentral(nats.url);
	await using ship = await startNode(nats.url, 'ship1', { node: { lanes: { normal: 4 } } });
	await using dir = await tempDir('steward-ticks-');
	await using raw = await openRaw(nats.url);
	await using other = await openRaw(nats.url);
	expect(ship.part.name).toBe('node ship1');
	const effects = effectsIn(dir.path);
	const message = { method: 'shellCommand', data: effects.shell('{{tick}}') };
	const absent = Array.from({ length: 20 }, (_, n) => `away${n}`);
	const records = [
		recordOf({ name: 'present', every: '1m', overlap: 'allow', message }),
		recordOf({ name: 'absent', every: '1m', overlap: 'allow', toNode: undefined, toNodes: absent }),
	];
	const time = { now: start };
	const leaders = [
		await startLeader(raw.connection, records, { time }),
		await startLeader(other.connection, records, { time }),
	];
	const ticks = 30;
	for (let tick = 1; tick <= ticks; tick++) {
		time.now = start + tick * minuteMs;
		await Promise.all(leaders.map(({ scheduler }) => scheduler.runOnce()));
	}
	const words = await effects.reach(ticks);
	await eventually(async () => (await queuedAt(raw.connection, 'ship1')).length === 0);
	expect((await effects.words()).sort()).toEqual([...new Set(words)].sort());
	for (const node of absent) expect(await queuedAt(raw.connection, node)).toHaveLength(ticks);
	for (const { scheduler } of leaders) await scheduler.runOnce();
	const schedules = new Schedules(raw.connection);
	for (const [name, nodes] of [
		['present', 1],
		['absent', absent.length],
	] as const) {
		const { value } = await schedules.readProgress(name);
		expect(value).toMatchObject({ fired: ticks * nodes, missed: 0, skipped: 0 });
	}
	for (const leader of leaders) await leader.stop();
});

test('who does not lead any more lets nothing out, also of what was under way', async () => {
	await using nats = await startNats();
	await using _ = await startCentral(nats.url);
	await using raw = await openRaw(nats.url);
	const { connection } = raw;
	const nodes = Array.from({ length: 3000 }, (_, n) => `ship${n}`);
	const records = [recordOf({ name: 'all', every: '1m', toNode: undefined, toNodes: nodes })];
	let asked = 0;
	// Its lease is over between two batches of one tick: it asks before it begins, and twice for each batch.
	const old = await startLeader(connection, records, {
		time: { now: start + minuteMs },
		mayFire: () => {
			asked += 1;
			return asked <= 3;
		},
	});
	expect(await old.scheduler.runOnce()).toEqual({ fired: 0, missed: 0, skipped: 0 });
	const out = (await raw.jsm.streams.info('STEWARD_COMMANDS_0')).state.messages;
	expect(out).toBe(1000);
	expect((await new Schedules(connection).readProgress('all')).value).toBeUndefined();
	await old.stop();
	const next = await startLeader(connection, records, { time: { now: start + minuteMs + 5000 } });
	expect(await next.scheduler.runOnce()).toEqual({ fired: 3000, missed: 0, skipped: 0 });
	expect((await raw.jsm.streams.info('STEWARD_COMMANDS_0')).state.messages).toBe(3000);
	await next.stop();
});
