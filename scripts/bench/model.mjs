/**
 * Owns what a fleet costs as a function of its size: coefficients from what was measured (works A, F, G and H), and what a
 * cluster needs by them. Promises that nothing measured stands in this file, that what is only derived or assumed is named so,
 * and that every fit can be held against its points. Pure.
 */

import { median } from './figures.mjs';
import { fitOf } from './fit.mjs';
import { fleetFigure, fleetSizes, shardCounts, sizes } from './works.mjs';

/** Of a node. */
const lanes = 4;
/** Those that are on a commands stream; the fourth is that of events. */
const commandLanes = 3;
/** Data of a command when it was measured. */
const measuredBytes = 256;
const secondsOfDay = 86_400;

/** What nobody has measured here: said in the report, and to be replaced by a measure. */
export const derived = {
	/** On a cluster each server writes a message to the log of its group, and then to the stream. */
	writesOfReplica: 2,
	/** Bytes of the store for one byte of messages, at most (docs/limits.md). */
	storeFactor: 2,
};

/**
 * @param valuesOf Medians of a figure's rounds: `(work, figure, peer = 'steward')`, none where it was not measured.
 * @param size As the report says: how much of each.
 */
export function modelOf(valuesOf, size = 'whole') {
	const one = (work, figure, peer) => {
		const value = median(valuesOf(work, figure, peer));
		if (value === undefined)
			throw new TypeError(`the reports have no "${figure}" of work ${work}: measure it first`);
		return value;
	};
	const { eachWaiting, ledgerNodes, ledger } = sizes[size];
	const fleets = shardCounts.flatMap((shards) => fleetSizes.map((nodes) => ({ nodes, shards })));
	const rowsOf = (figure, terms) =>
		fleets.flatMap((fleet) => {
			const y = median(valuesOf('F', fleetFigure(figure, fleet.nodes, fleet.shards)));
			const at = `${fleet.nodes.toLocaleString('en')} nodes, ${fleet.shards === 1 ? '1 shard' : `${fleet.shards} shards`}`;
			return y > 0 ? [{ at, x: terms(fleet), y }] : [];
		});
	const alone = (work, figure, x, unit = 1) => ({ at: `${work}: ${figure}`, x, y: one(work, figure) * unit });
	const byShard = ({ nodes, shards }) => [1, nodes / shards];
	const byNode = ({ nodes }) => [1, nodes];
	const perShard = ['always', 'a node of the shard'];
	const perNode = ['always', 'a node'];
	const fits = {
		'broker, a command: enqueue, µs': fitOf(
			['always'],
			rowsOf('enqueue', () => [1]),
		),
		'broker, a command: delivery, µs': fitOf(perShard, rowsOf('delivery', byShard)),
		'broker, a command: delivery and ledger, µs': fitOf(perShard, rowsOf('delivery and ledger', byShard)),
		'centre, a command, µs': fitOf(perNode, rowsOf('centre', byNode)),
		'broker, idle, ms a second': fitOf(perNode, rowsOf('broker idle', byNode)),
		'centre, idle, ms a second': fitOf(perNode, rowsOf('centre idle', byNode)),
		'broker, memory, MB': fitOf(
			['always', 'a consumer', 'a waiting command', 'a ledger entry'],
			[
				...rowsOf('broker memory', ({ nodes }) => [1, nodes * lanes, nodes * eachWaiting, 0]),
				alone('H', 'server per consumer', [0, 1, 0, 0], 1e-3),
				alone('H', 'server per ledger entry', [0, 0, 0, 1], 1e-6),
			],
		),
		'centre, memory, MB': fitOf(
			['always', 'a node', 'a waiting command', 'a ledger entry'],
			[
				...rowsOf('centre memory', ({ nodes }) => [1, nodes, 0, 0]),
				...rowsOf('centre memory, waiting', ({ nodes }) => [1, nodes, nodes * eachWaiting, 0]),
				alone('H', 'centre', [1, ledgerNodes, 0, ledger]),
			],
		),
		'on disk, a waiting command, bytes': fitOf(
			['always'],
			rowsOf('bytes waiting', () => [1]),
		),
		'on disk, a settled command, bytes': fitOf(
			['always'],
			rowsOf('bytes settled', () => [1]),
		),
	};
	const consumerMb = fits['broker, memory, MB'].coefficients['a consumer'];
	const connected = (what) => one('G', `a connected node: ${what}`);
	return {
		fits,
		connected: {
			/** Its consumers are counted apart. */
			memoryMb: Math.max(0, connected('broker memory') / 1000 - lanes * consumerMb),
			...{ broker: connected('broker'), centre: connected('centre'), bytes: connected('bytes') },
		},
		bytesOfCommand: one('G', 'bytes of a command'),
		/** Each node's claim is a flush of its own on one stream. */
		claimsPerSecond: one('A', '64 callers', 'plain'),
	};
}

/**
 * What one cluster needs of each of its servers, and of its leading centre.
 * @param fleet `{ nodes, shards, replicas, perDay, peak, present, waiting, bytes, ledgerDays }`: commands a node a day; the busiest
 *   second as so many usual ones; the part of the nodes that is connected; commands that wait for each that is not; bytes of a command's data.
 */
export function needsOf({ fits, connected, bytesOfCommand }, fleet) {
	const { nodes, shards, replicas, perDay, peak, present, waiting, bytes, ledgerDays } = fleet;
	const sum = (name, amounts) =>
		Object.entries(fits[name].coefficients).reduce(
			(all, [term, value]) => all + value * (amounts[term] ?? 0),
			0,
		);
	const [rate, linked] = [(nodes * perDay * peak) / secondsOfDay, nodes * present];
	const more = bytes - measuredBytes;
	const away = (nodes - linked) * waiting;
	const entries = nodes * perDay * ledgerDays;
	const ofFleet = { always: 1, 'a node': nodes, 'a node of the shard': nodes / shards };
	// Consumers of lanes and connections are on one server each; what is stored is on all.
	const stored = { 'a waiting command': away, 'a ledger entry': entries };
	const [spread, copies] = [
		{ 'a consumer': (nodes * lanes) / replicas },
		replicas > 1 ? derived.writesOfReplica : 1,
	];
	const command =
		sum('broker, a command: enqueue, µs', ofFleet) +
		sum('broker, a command: delivery and ledger, µs', ofFleet);
	const diskBytes =
		away * (sum('on disk, a waiting command, bytes', ofFleet) + more) +
		entries * (sum('on disk, a settled command, bytes', ofFleet) + more);
	return {
		'commands a second': rate,
		'broker, cores':
			(rate * command * copies + linked * connected.broker) / 1e6 +
			sum('broker, idle, ms a second', ofFleet) / 1e3,
		'broker, memory, GB':
			(sum('broker, memory, MB', { always: 1, ...stored, ...spread }) +
				(linked * connected.memoryMb) / replicas) /
			1e3,
		'disk, GB': (diskBytes * derived.storeFactor) / 1e9,
		'network, Mbit/s': ((rate * (bytesOfCommand + more) + linked * connected.bytes) * 8) / 1e6,
		'centre, cores':
			(rate * sum('centre, a command, µs', ofFleet) + linked * connected.centre) / 1e6 +
			sum('centre, idle, ms a second', ofFleet) / 1e3,
		'centre, memory, GB': sum('centre, memory, MB', { ...ofFleet, ...stored }) / 1e3,
		'claims a second': rate,
		'consumers of one stream': Math.max(nodes, (nodes * commandLanes) / shards),
	};
}

/**
 * All links are cut and come back at once, with so many commands waiting for each node.
 * @returns Seconds until all have run, by the scarcer of cores and flushes, and until the ledger has them, by the centre's one core.
 */
export function returnOf({ fits, claimsPerSecond }, { nodes, shards, waiting, cores, replicas }) {
	const count = nodes * waiting;
	const perShard = fits['broker, a command: delivery, µs'].coefficients;
	const delivery = perShard.always + perShard['a node of the shard'] * (nodes / shards);
	const writes = replicas > 1 ? derived.writesOfReplica : 1;
	const perNode = fits['centre, a command, µs'].coefficients;
	const run = count * Math.max((delivery * writes) / 1e6 / cores, 1 / claimsPerSecond);
	return { run, told: Math.max(run, (count * (perNode.always + perNode['a node'] * nodes)) / 1e6) };
}

/** @returns Needs as parts of what there is, the scarcest first. */
export function usesOf(needs, limits) {
	return Object.entries(limits)
		.map(([name, limit]) => ({ name, use: needs[name] / limit }))
		.toSorted((a, b) => b.use - a.use);
}

/** The largest fleet of one cluster, by each limit alone: nodes by the limit's name. */
export function mostNodes(model, fleet, limits) {
	const reaches = (name, nodes) => needsOf(model, { ...fleet, nodes })[name] > limits[name];
	return Object.fromEntries(
		Object.keys(limits).map((name) => {
			let [low, high] = [1, 1e9];
			if (!reaches(name, high)) return [name, Number.POSITIVE_INFINITY];
			while (high - low > 1) {
				const middle = Math.floor((low + high) / 2);
				if (reaches(name, middle)) high = middle;
				else low = middle;
			}
			return [name, low];
		}),
	);
}
