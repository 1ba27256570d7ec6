import { expect, test } from 'vitest';
import { buckets } from '../../src/domain/subject.ts';
import { readEntry } from '../../src/jetstream/bucket.ts';
import { leaderKey } from '../../src/jetstream/nodes.ts';
import { Schedules } from '../../src/jetstream/schedules.ts';
import { startCentralProcess } from '../support/central-process.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';
import { recordOf } from './firing.ts';

/** Processes of their own, whose clocks are an hour apart; the lease is short, and a stop lasts longer than it. */
const centre = { leaseTtlMs: 1500, presenceTtlMs: 1500 };
const stopMs = 3000;

test('a tick each second fires once, while leaders are killed, and stopped for longer than their lease', async () => {
	await using nats = await startNats();
	await using dir = await tempDir('steward-ticks-');
	const effects = effectsIn(dir.path);
	const starts = [0, 3_600_000].map(async (offsetMs) => startCentralProcess(nats.url, centre, offsetMs));
	const centres = await Promise.all(starts);
	await Promise.all(centres.map(({ whenReady }) => whenReady));
	await using ship = await startNode(nats.url, 'ship1', { node: { lanes: { normal: 8 } } });
	await using raw = await openRaw(nats.url);
	const schedules = new Schedules(raw.connection);
	expect(ship.part.name).toBe('node ship1');
	const begunAt = Date.now();
	const message = { method: 'shellCommand', data: effects.shell('{{tick}}') };
	await schedules.write(
		recordOf({ name: 'each-second', every: '1s', overlap: 'allow', message }, begunAt),
		0,
	);
	await effects.reach(2);

	const leads = async () => {
		const lease = await readEntry(raw.connection, buckets.leases, leaderKey);
		const { pid } = JSON.parse(new TextDecoder().decode(lease?.value)) as { pid: number };
		return centres.find((one) => one.pid === pid);
	};
	for (const fault of ['SIGSTOP', 'SIGKILL'] as const) {
		const leader = await leads();
		if (!leader) throw new Error('nobody leads');
		const before = (await effects.words()).length;
		process.kill(leader.pid, fault);
		if (fault === 'SIGSTOP') {
			await effects.reach(before + stopMs / 1000);
			process.kill(leader.pid, 'SIGCONT');
			await effects.reach(before + stopMs / 1000 + 2);
		} else {
			await leader.exited;
			centres.splice(centres.indexOf(leader), 1);
			await effects.reach(before + 3);
		}
	}
	const { value: stored, revision } = await schedules.read('each-second');
	if (!stored) throw new Error('no schedule');
	await schedules.write({ ...stored, version: 2, removed: true }, revision);
	const words = await eventually(
		async () => {
			const [one, { value }] = [await effects.words(), await schedules.readProgress('each-second')];
			return value?.fired === one.length && one;
		},
		{ message: 'what was fired has run' },
	);
	const ticks = words.map((word) => Date.parse(word)).sort((a, b) => a - b);
	const [first = 0, last = 0] = [ticks[0], ticks.at(-1)];
	// From the first to the last, each second once.
	expect(first - begunAt).toBeLessThanOrEqual(1000);
	expect(ticks).toEqual(Array.from({ length: (last - first) / 1000 + 1 }, (_, n) => first + n * 1000));
	await Promise.all(centres.map((one) => one[Symbol.asyncDispose]()));
});
