/**
 * Owns how the model is told: the table of sizes, where it breaks first and what to do, and every fit with what is left of it.
 * Promises that what is assumed stands beside what was measured, under its name. Pure.
 */

import { derived, mostNodes, needsOf, returnOf, usesOf } from './model.mjs';
import { digits, table } from './report.mjs';

const fleets = [1000, 10_000, 100_000, 1_000_000];
/** What users of steward do, and what their machines are: nobody measures that here. */
export const assumed = {
	...{ perDay: 10, peak: 10, present: 0.8, waiting: 20, bytes: 256, ledgerDays: 30, shards: 16 },
	...{
		replicas: 3,
		cores: 8,
		memoryGb: 32,
		diskGb: 1000,
		networkMbit: 1000,
		centreCores: 1,
		centreGb: 4,
		headroom: 0.7,
	},
};

const remedies = {
	'broker, cores': 'more shards while a delivery is what costs, then another cluster',
	'broker, memory, GB':
		'more servers (consumers and connections are spread over them), fewer lanes, then another cluster',
	'disk, GB': 'a larger disk and `--budget`, another cluster',
	'network, Mbit/s': 'leaf servers on the ships or in regions, which compress',
	'centre, cores': 'another cluster: a centre folds on one core, and a standby does not share its work',
	'centre, memory, GB': 'more heap for the centre (`NODE_OPTIONS=--max-old-space-size`), another cluster',
	'claims a second': 'a faster disk (each claim of a node is a flush of its own), another cluster',
	'consumers of one stream': 'another cluster, or a higher `max_consumers` once that was measured',
};

/** @param maxConsumers As the streams say. */
function limitsOf(model, own, maxConsumers) {
	const { headroom } = own;
	return {
		'broker, cores': own.cores * headroom,
		'broker, memory, GB': own.memoryGb * headroom,
		'disk, GB': own.diskGb * headroom,
		'network, Mbit/s': own.networkMbit * headroom,
		'centre, cores': own.centreCores * headroom,
		'centre, memory, GB': own.centreGb * headroom,
		'claims a second': model.claimsPerSecond * headroom,
		'consumers of one stream': maxConsumers,
	};
}

/** The fewest clusters of which none is over a limit. */
function clustersFor(model, own, limits, nodes) {
	for (let clusters = 1; ; clusters++) {
		const each = fleetOf(own, Math.ceil(nodes / clusters));
		if (usesOf(needsOf(model, each), limits)[0].use <= 1) return clusters;
		if (clusters === nodes)
			throw new RangeError('not even one node fits: the machines are too small for what is asked');
	}
}

const fleetOf = (own, nodes) => ({ ...own, nodes });

/** @param about `{ command, measured }`: how this was made, and what is said of the machine that measured. */
export function sizingOf(model, maxConsumers, about, own = assumed) {
	const limits = limitsOf(model, own, maxConsumers);
	const rows = fleets.map((nodes) => {
		const [whole] = usesOf(needsOf(model, fleetOf(own, nodes)), limits);
		const clusters = clustersFor(model, own, limits, nodes);
		const each = Math.ceil(nodes / clusters);
		return {
			nodes,
			clusters,
			each,
			whole,
			needs: needsOf(model, fleetOf(own, each)),
			back: returnOf(model, fleetOf(own, each)),
		};
	});
	const most = Object.entries(mostNodes(model, fleetOf(own, fleets[1]), limits)).toSorted(
		([, a], [, b]) => a - b,
	);
	return `${[
		'# How large a fleet can be',
		`Made by \`${about.command}\`: a model that is fitted to measurements (works A, F, G and H of \`npm run bench\`), and what follows from it for fleets that no machine here can hold. Measured was up to 10,000 nodes and 1,000,000 entries of the ledger; what is beyond is extrapolated. Measure your own before you buy for it.`,
		`**Taken for granted**: ${own.perDay} commands a node a day with ${own.bytes} bytes of data, the busiest second ${own.peak} times the usual one; ${own.present * 100} % of the nodes connected, ${own.waiting} commands waiting for each of the others; outcomes kept for ${own.ledgerDays} days; ${own.replicas} servers in a cluster that each hold everything (${own.cores} cores, ${own.memoryGb} GB, ${own.diskGb} GB of disk, ${own.networkMbit} Mbit/s), a centre on one core with ${own.centreGb} GB; ${own.shards} shards. Nothing is filled to more than ${own.headroom * 100} %.`,
		`**Derived, not measured**: on a cluster each server does the work of a single one for every message, and writes it ${derived.writesOfReplica} times (the log of its group, the stream); the store takes ${derived.storeFactor} times the bytes of its messages. Consumers of lanes and connections are spread evenly.`,
		'## Sizes',
		sizesTable(rows),
		"Commands, cores and network are those of the busiest second; cores, memory, disk and network of the broker are of one server of one cluster; the centre's are those of the leading one.",
		"Several clusters are several fleets: each has its own centre, ledger, dashboard and address, nodes belong to one of them, and no command, schedule or list goes across. Split by region or customer, not by chance. Leaf servers (a region, or one on each ship) hold connections and save bytes on the way to the hub; consumers, claims, reports and the ledger stay at the hub, so they move none of the limits below but the network and the connections' memory.",
		'## Where one cluster breaks first',
		table(
			['limit', 'nodes at most', 'what to do'],
			most.map(([name, nodes]) => [name, Number.isFinite(nodes) ? digits(nodes) : 'none', remedies[name]]),
		),
		'Each line is that limit alone, with everything else enough.',
		'## What it rests on',
		`${about.measured} Coefficients by least squares of the relative errors; one that came out below nothing cannot be seen in the points and is 0.`,
		'After each point what was measured there, and by how much the model is off:',
		Object.entries(model.fits)
			.map(([name, one]) => fitText(name, one))
			.join('\n'),
		`Taken as they were measured: a connected node costs the broker ${digits(model.connected.broker)} µs and the centre ${digits(model.connected.centre)} µs a second, ${digits(model.connected.bytes)} bytes a second and ${digits(model.connected.memoryMb * 1000)} kB beside its consumers; a command ${digits(model.bytesOfCommand)} bytes between broker and node; single flushed publishes, as claims are, ${digits(model.claimsPerSecond)} a second.`,
	].join('\n\n')}\n`;
}

function sizesTable(rows) {
	const names = Object.keys(rows[0].needs).filter((name) => name !== 'claims a second');
	return table(
		['for', ...rows.map(({ nodes }) => `${digits(nodes)} nodes`)],
		[
			['clusters', ...rows.map(({ clusters }) => digits(clusters))],
			['nodes of each', ...rows.map(({ each }) => digits(each))],
			...names.map((name) => [name, ...rows.map(({ needs }) => digits(needs[name]))]),
			['all links back at once: run after, s', ...rows.map(({ back }) => digits(back.run))],
			['and in the ledger after, s', ...rows.map(({ back }) => digits(back.told))],
			[
				'in one cluster the scarcest is',
				...rows.map(({ whole }) => `${whole.name}: ${percent(whole.use)} of what may be used`),
			],
		],
	);
}

const percent = (part) => `${(Math.round(part * 100) || 0).toLocaleString('en')} %`;

function fitText(name, { coefficients, points }) {
	const formula = Object.entries(coefficients).map(([term, value]) =>
		term === 'always' ? digits(value) : `${digits(value)} × ${term}`,
	);
	const told = points.map(({ at, y, off }) => `${at}: ${digits(y)} (${percent(off)})`);
	return `- **${name}** = ${formula.join(' + ')}. ${told.join('; ')}.`;
}
