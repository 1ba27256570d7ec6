import { expect, test } from 'vitest';
import type { Lane } from '../../src/domain/names.ts';
import { consumerName, streams } from '../../src/domain/subject.ts';
import { eventually } from '../support/eventually.ts';
import { clusterFaults } from './faults/cluster.ts';
import type { Fault } from './faults/fault.ts';
import { faultText, runChaos } from './run.ts';
import { type ClusterSite, clusterSite } from './site-cluster.ts';
import { forbidden, tableText } from './verdict.ts';
import { buildWorld, type World } from './world.ts';

/** A leader is killed, and then each server restarts in turn. */
const inTurn: Fault = {
	weight: 1,
	place: 'broker',
	async run(world, random, sleep) {
		const killed = await clusterFaults.streamLeaderKill.run(world, random, sleep);
		return `${killed}; ${await clusterFaults.rollingRestart.run(world)}`;
	},
};

const least = { commands: 50, faults: 1 };

test.concurrent('while leaders are killed and each server restarts in turn, nothing is lost and nothing runs twice', async () => {
	const { verdict, faults, problems, recoveryMs, unacknowledged } = await runChaos({
		...{ site: clusterSite, faults: { inTurn }, seed: 1, forMs: 8000, faultEveryMs: 1500, least },
		...{ pace: 'short' as const, ships: 3, rate: 10 },
	});
	const table = tableText(verdict, { unacknowledged, recoveryMs });
	const offences = verdict.offences.map(({ column, handle, why }) => `${column}: ${handle}: ${why}`);
	expect(offences, `${table}\nfaults:\n${faults.map(faultText).join('\n')}`).toEqual([]);
	expect(problems).toEqual([]);
	expect(forbidden.map((column) => verdict.counts[column])).toEqual(forbidden.map(() => 0));
	expect(verdict.counts.commands).toBeGreaterThanOrEqual(least.commands);
	expect(faults.map(faultText).join()).toContain('each in turn');
}, 600_000);

const lanes: readonly Lane[] = ['control', 'urgent', 'normal', 'events'];
const streamOf = (lane: Lane) => (lane === 'events' ? streams.events : streams.commands(0));

/** Where the consumers of all lanes live. */
async function homes({ cluster }: ClusterSite, { ships }: World): Promise<Map<string, string>> {
	const all = ships.flatMap(({ name }) => lanes.map((lane) => [name, lane] as const));
	const found = new Map<string, string>();
	for (const [name, lane] of all) {
		const [home] = await cluster.homesOf(streamOf(lane), consumerName(name, lane));
		if (home) found.set(`${name} ${lane}`, home.name);
	}
	return found;
}

test.concurrent('a server that is gone for good: its consumers are made again elsewhere, nothing is lost, nothing runs twice', async () => {
	const site = await clusterSite();
	// As long as three restarts of the test above take would be right; so long nobody waits here.
	const centre = { ...site.centre, consumerLostAfterMs: 2000 };
	await using world = await buildWorld({ ...site, centre }, { ships: 3, pace: 'short' });
	const { fleet, ships } = world;
	const every = ships.length * lanes.length;
	const before = await eventually(
		async () => {
			const found = await homes(site, world);
			return found.size === every && found;
		},
		{ timeoutMs: 180_000, everyMs: 100, message: 'every lane has its consumer' },
	);
	await site.cluster.whenCurrent();
	const ship = ships[0];
	const gone = site.cluster.members.find(({ name }) => name === before.get(`${ship?.name} normal`));
	if (!ship || !gone) throw new Error('no consumer of the first ship');
	const send = async (id: string, more: { script?: string; toNode?: string; lane?: 'urgent' } = {}) => {
		const { script = 'true', toNode = ship.name, lane } = more;
		const { effects } = ships.find(({ name }) => name === toNode) ?? ship;
		const data = effects.shell(id, script);
		await fleet.send({ toNode, kind: 'command', method: 'shellCommand', id, data, ...(lane && { lane }) });
		return `${toNode}.${id}`;
	};
	const handles = [await send('done')];
	await fleet.wait(handles, { timeoutMs: 60_000 });
	// It runs while its consumer is lost, and is handed over again by the new one.
	handles.push(await send('running', { script: ship.effects.gate('open') }));
	await ship.effects.reach(2);
	await gone.kill();
	// At once, instead of after the silence of a pull that nobody answers.
	for (const { link } of ships) link.cut();
	for (const { link } of ships) link.heal();
	for (const { name } of ships) {
		handles.push(
			await send('after', { toNode: name }),
			await send('hurry', { toNode: name, lane: 'urgent' }),
		);
	}
	const left = site.cluster.members.filter((member) => member !== gone);
	await eventually(
		async () => {
			const found = await homes(site, world);
			return found.size === every && ![...found.values()].includes(gone.name);
		},
		{ timeoutMs: 180_000, everyMs: 200, message: 'every lane has its consumer on the servers that are left' },
	);
	await ship.effects.open('open');
	const views = await fleet.wait(handles, { timeoutMs: 180_000 });
	expect(views.map(({ state }) => state)).toEqual(handles.map(() => 'succeeded'));
	const ran = await Promise.all(ships.map(({ effects }) => effects.words()));
	expect(ran.map((words) => words.toSorted())).toEqual([
		['after', 'done', 'hurry', 'running'],
		['after', 'hurry'],
		['after', 'hurry'],
	]);
	await site.cluster.whenCurrent({ among: left });
}, 600_000);
