import { expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { CentreIndex } from '../../src/central/index.ts';
import { ScheduleSync } from '../../src/central/schedule-sync.ts';
import type { ScheduleForm, ScheduleRecord } from '../../src/domain/schedule.ts';
import { Schedules } from '../../src/jetstream/schedules.ts';
import { fleetOn, nodeState } from '../client/setup.ts';
import { manualClock } from '../support/clock.ts';
import { effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { startProxy } from '../support/proxy.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';
import { queuedAt, recordOf, start } from './firing.ts';

const form = (effect: string[], over: Partial<ScheduleForm> = {}): ScheduleForm => ({
	...{ name: 'own', every: '1s', toNode: 'ship1', placement: 'node', overlap: 'allow' },
	message: { method: 'shellCommand', data: effect },
	...over,
});

test.concurrent('a ship whose link is cut runs its own schedule all the while, and the centre shows every run once it is back', async () => {
	await using nats = await startNats();
	await using _ = await startCentral(nats.url);
	await using proxy = await startProxy(nats.port);
	await using dir = await tempDir('steward-own-');
	const effects = effectsIn(dir.path);
	await using fleet = await openFleet(nats.url);
	await fleet.schedules.add(form(effects.shell('{{tick}}')));
	await using ship = await startNode(proxy.url, 'ship1', { node: { lanes: { normal: 4 } } });
	expect(ship.part.name).toBe('node ship1');
	await effects.reach(2);
	proxy.cut();
	const before = (await effects.words()).length;
	await effects.reach(before + 5);
	// Changed and known to the ship only later: until then the first version fires.
	await fleet.schedules.add(form(effects.shell('second {{tick}}')), { replace: true });
	await effects.reach(before + 7);
	proxy.heal();
	await eventually(async () => (await effects.words()).some((word) => word.startsWith('second')), {
		message: 'the change has come',
	});
	await fleet.schedules.pause('own');
	const shown = async () => (await fleet.schedules.get('own'))?.on;
	await eventually(async () => (await shown())?.every(({ inEffect, next }) => inEffect && next === null), {
		message: 'the pause is in effect',
	});
	const words = await effects.words();
	const views = await eventually(
		async () => {
			const ended = await fleet.list({ node: 'ship1', method: 'shellCommand', states: ['succeeded'] });
			return ended.length === words.length && ended;
		},
		{ message: 'every run is in the ledger' },
	);
	// Each run is one tick, and says which version fired it.
	const told = views.map(({ schedule }) => `${schedule?.version === 2 ? 'second ' : ''}${schedule?.tick}`);
	expect(told.sort()).toEqual([...new Set(words)].sort());
	expect(new Set(views.map(({ schedule }) => schedule?.version))).toEqual(new Set([1, 2]));
});

test.concurrent('what was removed or aimed elsewhere while a ship was away goes when it is back, and a lost store gets it anew', async () => {
	await using nats = await startNats();
	await using _ = await startCentral(nats.url);
	await using dir = await tempDir('steward-own-');
	await using fleet = await openFleet(nats.url);
	const has = async (node: string) => {
		const [view] = (await fleet.nodes()).filter((one) => one.node === node);
		return view !== undefined;
	};
	const on = async (name: string) =>
		((await fleet.schedules.get(name))?.on ?? []).map(({ node, version, inEffect }) => [
			node,
			version,
			inEffect,
		]);
	const yearly = (name: string, over: Partial<ScheduleForm> = {}) =>
		form(['true'], { name, every: undefined, cron: '0 0 1 1 *', ...over });
	await fleet.schedules.add(yearly('stays'));
	await fleet.schedules.add(yearly('goes'));
	await fleet.schedules.add(yearly('moves'));
	const first = await startNode(nats.url, 'ship1', { dataDir: dir.path });
	await eventually(async () => (await has('ship1')) && (await on('moves')).join() === 'ship1,1,true', {
		message: 'the ship has its schedules',
	});
	await first.stop();
	await fleet.schedules.remove('goes');
	await fleet.schedules.add(yearly('moves', { toNode: 'ship2' }), { replace: true });
	await using other = await tempDir('steward-own-');
	// Back with another disk: what it has to have comes anew, what it is not to have does not.
	await using back = await startNode(nats.url, 'ship1', { dataDir: other.path, nameQuietMs: 200 });
	expect(back.part.name).toBe('node ship1');
	await eventually(async () => (await on('stays')).join() === 'ship1,1,true', {
		message: 'the new store has what stays',
	});
	await back.stop();
	await using again = await startNode(nats.url, 'ship1', { dataDir: dir.path, nameQuietMs: 200 });
	expect(again.part.name).toBe('node ship1');
	await eventually(
		async () => {
			const taken = await fleet.list({ node: 'ship1', method: 'unschedule' });
			const areDone = taken.length >= 2 && taken.every(({ state }) => state === 'succeeded');
			return areDone && (await on('stays')).join() === 'ship1,1,true';
		},
		{ message: 'what is not meant for it is taken away' },
	);
	await eventually(async () => (await on('moves')).join() === 'ship2,,false', {
		message: 'the ship says that it has it no more',
	});
});

test.concurrent('a wish that came to nothing is asked of the next process; what cannot be read is left alone; a version from elsewhere goes first', async () => {
	await using nats = await startNats();
	await (await startCentral(nats.url)).stop();
	await using raw = await openRaw(nats.url);
	const { connection } = raw;
	const { parts } = await fleetOn(connection);
	const index = new CentreIndex(connection, 1);
	await index.start();
	await eventually(() => index.isComplete);
	const take = (record: ScheduleRecord) =>
		index.schedules.take({ kind: 'record', name: record.name, revision: 1, gone: false, value: record });
	const yearly = { cron: '0 0 1 1 *', placement: 'node', toNode: undefined, where: { role: 'tug' } } as const;
	take(recordOf({ ...yearly, name: 'labelled' }));
	take(recordOf({ ...yearly, name: 'newer', ...{ moonPhase: 'full' } }));
	index.schedules.take({ kind: 'record', name: 'strange', revision: 1, gone: false, value: undefined });
	take(recordOf({ ...yearly, name: 'restored' }));
	const sync = new ScheduleSync({
		...{ index, schedules: new Schedules(connection), mayFire: () => true, serverNow: () => start },
		...{ clock: manualClock(), log: silentLog },
		parts: { ...parts },
	});
	sync.begin();
	const progress = { through: start, last: null, fired: 0, missed: 0, skipped: 0, next: null };
	const say = (boot: string, role: string, schedules: readonly (readonly [string, number])[]) => {
		const has = schedules.map(([name, version]) => ({ name, version, ...progress }));
		const state = { ...nodeState('ship1'), boot, labels: { role }, schedules: has };
		index.nodes.set('ship1', { v: 1, state, lastSeenAt: start, conflict: null });
		sync.begin();
	};
	const asked = async () => {
		await sync.runOnce();
		const queued = await queuedAt(connection, 'ship1');
		const told = await Promise.all(
			queued.map(async ({ node, id }) => {
				const { facts } = (await parts.commands.find(node, id)) ?? {};
				await parts.commands.purge(node, id, facts?.seq ?? 0);
				return `${facts?.method} ${facts?.schedule?.name} ${facts?.schedule?.version}`;
			}),
		);
		index.waiting.clear();
		return told.sort();
	};
	const others = [
		['newer', 3],
		['strange', 3],
		['unheard', 2],
	] as const;
	say('one', 'tug', [...others, ['restored', 7]]);
	expect(await asked()).toEqual(['schedule labelled 1', 'unschedule restored 7']);
	say('two', 'ferry', [...others, ['labelled', 1]]);
	expect(await asked()).toEqual(['unschedule labelled 1']);
	say('three', 'tug', others);
	expect(await asked()).toEqual(['schedule labelled 1', 'schedule restored 1']);
	// Its node died over it.
	say('four', 'tug', others);
	expect(await asked()).toEqual(['schedule labelled 1', 'schedule restored 1']);
	await index.stop();
});
