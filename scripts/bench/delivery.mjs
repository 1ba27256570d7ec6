/**
 * Owns the measure of deliveries in a large fleet: what one command costs broker and centre, by nodes and shards, with so many waiting
 * for each node. Promises that the same number of real nodes drains at once whatever the size of the fleet, that everybody else's
 * commands lie in between, that what was counted is stored, and that what goes on without any command is not counted. A work ends with its process; nothing is kept.
 */

import { cpuOf } from './cpu.mjs';
import { median } from './figures.mjs';
import { ManyNodes, mixed } from './many-nodes.mjs';
import { rest, until } from './servers.mjs';
import { fleetFigure, fleetSizes, growth, shardCounts } from './works.mjs';

const withinMs = 600_000;
const settleMs = 3000;
/** What the clock of a processor cannot tell apart. */
const isNoLess = 0.8;

export async function deliveries(peer, { largestFleet, leastShards, ...sizes }, tell) {
	const figures = {};
	for (const shards of shardCounts.filter((count) => count >= leastShards)) {
		// Shards are for the life of a fleet.
		const { fleet, page } = await peer.another(shards);
		const many = new ManyNodes(fleet, { shards, ram: peer.ram });
		try {
			for (const nodes of fleetSizes.filter((count) => count <= largestFleet)) {
				const taken = await atSize({ fleet, page, many, nodes }, sizes);
				for (const [name, value] of Object.entries(taken)) figures[fleetFigure(name, nodes, shards)] = value;
				process.stderr.write(`${nodes} nodes, ${shards} shards: ${JSON.stringify(taken)}\n`);
				figures[growth(shards)] = growthOf(figures, shards);
				tell(figures);
			}
		} finally {
			await many.stop();
			await fleet.stop();
		}
	}
	return figures;
}

/** Medians of the groups of the largest fleet and of the smallest. */
function growthOf(figures, shards) {
	const [least, most] = [fleetSizes[0], fleetSizes.at(-1)].map((nodes) =>
		median(figures[fleetFigure('delivery', nodes, shards)] ?? []),
	);
	return least && most && most / least;
}

async function atSize({ fleet, page, many, nodes }, { eachWaiting, drainedAtOnce, drainGroups, idleMs }) {
	const groupCount = Math.min(drainGroups, Math.floor(nodes / drainedAtOnce / 2));
	const groups = (from) =>
		Array.from({ length: groupCount }, (_, group) =>
			Array.from({ length: drainedAtOnce }, (__, n) => `node${(from + group) * drainedAtOnce + n}`),
		);
	const [without, withCentre] = [groups(0), groups(groupCount)];
	const real = [...without, ...withCentre].flat();
	await many.grow(nodes, real);
	const idle = await idleOf(fleet, idleMs);
	const { now: centreAtFirst } = await fleet.memoryOf('centre');
	await fleet.stopCentre();

	await many.purge();
	await many.hold(real, new Date(Date.now() + 24 * 3_600_000));
	const before = await cpuOf(fleet.server.pid);
	await many.enqueue(mixed(many.names), eachWaiting);
	const enqueue = ((await cpuOf(fleet.server.pid)) - before) / (nodes * eachWaiting);
	await rest(settleMs);
	const waiting = {
		'broker memory': (await fleet.brokerMemory()).now,
		'bytes waiting': await many.bytesWaiting(),
	};

	const drained = { delivery: [], 'delivery and ledger': [], centre: [] };
	const count = drainedAtOnce * eachWaiting;
	const alone = await idleOnce(fleet, idleMs, ['broker']);
	for (const group of without) drained.delivery.push(await delivery(fleet, many, group, count, alone));

	const settledBefore = await many.settled();
	await fleet.startCentre();
	await many.settledOrMore(settledBefore + count * without.length);
	await until('the index is whole', async () => (await page())?.indexing === false, withinMs, 200);
	await rest(settleMs);
	const { now: centreWaiting } = await fleet.memoryOf('centre');
	const meanwhile = await idleOf(fleet, idleMs);
	for (const group of withCentre) {
		const { broker, centre } = await life(fleet, many, group, count, meanwhile);
		drained['delivery and ledger'].push(broker);
		drained.centre.push(centre);
	}
	return {
		...{ ...drained, enqueue, ...waiting, 'bytes settled': await many.bytesSettled() },
		...{ 'broker idle': idle.broker, 'centre idle': idle.centre },
		...{ 'broker idle, waiting': meanwhile.broker, 'centre idle, waiting': meanwhile.centre },
		...{ 'centre memory': centreAtFirst, 'centre memory, waiting': centreWaiting },
	};
}

const programs = { broker: ({ server }) => server.pid, centre: (fleet) => fleet.pidOf('centre') };

/** @returns Processor time of these programs so far, microseconds, and when that was, milliseconds. */
async function usedBy(fleet, whose) {
	const used = await Promise.all(whose.map(async (who) => [who, await cpuOf(programs[who](fleet))]));
	return { ...Object.fromEntries(used), at: performance.now() };
}

/** @returns Microseconds for one of `count` commands, without what they would have done meanwhile anyway. */
function perCommand(whose, before, after, meanwhile, count) {
	const own = (who) => after[who] - before[who] - meanwhile[who] * (after.at - before.at);
	return Object.fromEntries(whose.map((who) => [who, Math.max(0, own(who)) / count]));
}

/** @returns Milliseconds of a second of each while nothing is to be done. */
async function idleOnce(fleet, ms, whose) {
	const before = await usedBy(fleet, whose);
	await rest(ms);
	const after = await usedBy(fleet, whose);
	const share = (who) => (after[who] - before[who]) / (after.at - before.at);
	return Object.fromEntries(whose.map((who) => [who, share(who)]));
}

/** The same of broker and centre. A centre that has just met nodes has something to do: so it is measured again until it becomes no less. */
async function idleOf(fleet, ms) {
	for (let last; ; ) {
		const idle = await idleOnce(fleet, ms, ['broker', 'centre']);
		if (last && idle.broker + idle.centre > (last.broker + last.centre) * isNoLess) return idle;
		last = idle;
	}
}

/** @returns Microseconds of the broker for one command: handed over, claimed, reported, acknowledged. */
async function delivery(fleet, many, group, count, meanwhile) {
	const already = await many.reports();
	await many.letGo(group);
	const before = await usedBy(fleet, ['broker']);
	await many.reported(already + count);
	const after = await usedBy(fleet, ['broker']);
	await many.assertDrained(group);
	return perCommand(['broker'], before, after, meanwhile, count).broker;
}

/** The same with a centre there, until all is in the ledger and gone from its stream. */
async function life(fleet, many, group, count, meanwhile) {
	const whose = ['broker', 'centre'];
	const [settled, queued] = [await many.settled(), await fleet.queued()];
	await many.letGo(group);
	const before = await usedBy(fleet, whose);
	await many.settledOrMore(settled + count);
	const isGone = async () => (await fleet.queued()) <= queued - count;
	await until('what is settled leaves its stream', isGone, withinMs, 200);
	return perCommand(whose, before, await usedBy(fleet, whose), meanwhile, count);
}
