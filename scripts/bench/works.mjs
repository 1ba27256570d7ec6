/**
 * Owns what is measured, as data: each work by its letter, its figures, the peers that can do it, and how much of it.
 * Promises one list for the harness, the reports and the command line. Pure.
 */

/**
 * @typedef Work `options` are the peer's; `rounds` and `longestMs` in place of the usual.
 * @typedef Figure One number of a work: its unit, and which way is better.
 */

const rate = { unit: '/s', better: 'more' };
const millis = { unit: 'ms', better: 'less' };
const megabytes = { unit: 'MB', better: 'less' };
/** Of all processes together, servers and the one that measures included. */
const processor = { unit: 'µs', better: 'less' };
const seconds = { unit: 's', better: 'less' };
const times = { unit: 'times', better: 'less' };
const queues = ['steward', 'raw', 'plain', 'protocol', 'bullmq', 'pg-boss', 'graphile-worker'];

/** Nodes of a fleet, and shards of its commands. */
export const fleetSizes = [100, 1000, 5000, 10_000];
export const shardCounts = [16, 1];
export const fleetFigure = (name, nodes, shards) => `${name}, ${nodes} nodes, ${shards} shards`;
/** How many times what a delivery costs in the smallest fleet. */
export const growth = (shards) => `largest as smallest fleet, ${shards} shards`;

const bytes = { unit: 'bytes', better: 'less' };
const idle = { unit: 'ms a second', better: 'less' };
const idleOfNode = { unit: 'µs a second', better: 'less' };
const ofFleets = {
	...{ delivery: processor, 'delivery and ledger': processor, centre: processor, enqueue: processor },
	...{ 'broker idle': idle, 'centre idle': idle, 'broker idle, waiting': idle, 'centre idle, waiting': idle },
	...{ 'broker memory': megabytes, 'centre memory': megabytes, 'centre memory, waiting': megabytes },
	...{ 'bytes waiting': bytes, 'bytes settled': bytes },
};

export const works = {
	A: {
		title: 'enqueue one by one',
		peers: queues,
		figures: {
			...{ '64 callers': rate, '64 callers, processor': processor },
			...{ '256 callers': rate, '256 callers, processor': processor },
		},
	},
	B: {
		title: 'one command to many nodes, as many jobs in bulk',
		peers: queues.filter((peer) => peer !== 'plain'),
		figures: { 'a second': rate, processor },
		options: { shards: 16 },
	},
	C: {
		title: 'ping on one node to durable results, 64 at once',
		peers: queues,
		figures: { 'a second': rate, processor, 'node idle': megabytes, 'node after': megabytes },
	},
	D: {
		title: 'idle: from sending to the start, and to a readable result',
		peers: queues.filter((peer) => peer !== 'plain'),
		figures: {
			...{ 'start p50': millis, 'start p99': millis },
			...{ 'result p50': millis, 'result p99': millis, processor },
		},
	},
	E: {
		title: '/bin/true by shellCommand, 8 at once (raw: bare spawn; protocol: the messages and bare spawn)',
		peers: ['steward', 'raw', 'protocol'],
		figures: { 'a second': rate, processor },
	},
	F: {
		title: 'processor of the broker for one command, by nodes and shards, 20 waiting for each',
		peers: ['steward'],
		rounds: 1,
		figures: {
			...Object.fromEntries(shardCounts.map((shards) => [growth(shards), times])),
			...Object.fromEntries(
				Object.entries(ofFleets).flatMap(([name, figure]) =>
					shardCounts.flatMap((shards) =>
						fleetSizes.map((nodes) => [fleetFigure(name, nodes, shards), figure]),
					),
				),
			),
		},
		longestMs: 5_400_000,
	},
	G: {
		title: 'links of many nodes come back at once, 20 commands waiting for each',
		peers: ['steward'],
		rounds: 1,
		figures: {
			...{ 'drained, links held': seconds, 'drained after the return': seconds, 'return as held': times },
			...{ 'broker, links held': processor, 'broker after the return': processor },
			...{ 'first start, median': millis, 'first start, longest': millis },
			'first start, longest as median': times,
			...{ 'last end, median': millis, 'last end, longest': millis, 'last end, longest as median': times },
			'bytes of a command': bytes,
			'a connected node: broker memory': { unit: 'kB', better: 'less' },
			'a connected node: broker': idleOfNode,
			'a connected node: centre': idleOfNode,
			'a connected node: bytes': { unit: 'bytes a second', better: 'less' },
		},
		options: { shards: 16 },
		longestMs: 3_600_000,
	},
	H: {
		title: 'memory and start: an absent node at the broker, a centre with many nodes and a long ledger',
		peers: ['steward'],
		// Five starts of the centre, after one seeding that takes minutes.
		rounds: 1,
		figures: {
			...{ 'server per consumer': { unit: 'kB', better: 'less' }, 'server per ledger entry': bytes },
			...{ centre: megabytes, 'centre at most': megabytes },
			...{ show: millis, 'first list': millis, 'whole index': millis },
		},
		options: { shards: 16, budget: '14GiB' },
		longestMs: 5_400_000,
	},
	I: {
		title: 'lines from a node to the log file of central, fsynced',
		peers: ['steward', 'protocol'],
		// Processor: of one line.
		figures: {
			...{ 'one an event': rate, 'one an event, processor': processor },
			...{ '100 an event': rate, '100 an event, processor': processor },
		},
	},
	J: {
		title:
			'bytes between a node and its broker: /usr/bin/printf of 100 bytes by shellCommand, and an hour without commands',
		peers: ['steward'],
		// Bytes are the same each time; an hour is told from ten minutes.
		rounds: 1,
		longestMs: 1_800_000,
		figures: Object.fromEntries(
			['one command', 'one of 20', 'idle hour'].flatMap((what) => [
				[`${what}, from the node`, bytes],
				[`${what}, to the node`, bytes],
			]),
		),
	},
};

/** How much of each; the short form proves that it works, the guard's is for the processor time of what it compares. */
export const sizes = {
	whole: {
		...{ enqueueMs: 4000, bulkWarmUp: 50_000, bulk: 50_000, drainWarmUp: 3000, drain: 20_000 },
		...{ samples: 200, sampleWarmUp: 40, shells: 2000, lines: 50_000 },
		...{ absentNodes: 500, groups: 5, ledgerNodes: 10_000, ledger: 1_000_000, starts: 5 },
		// Everything that comes again and again comes within ten minutes.
		...{ thinCommands: 30, thinIdleMs: 600_000 },
		...{ largestFleet: 10_000, leastShards: 1, eachWaiting: 20, drainedAtOnce: 50, drainGroups: 2 },
		...{ idleMs: 30_000, returningNodes: 1000, returnPairs: 5 },
	},
	guard: {
		...{ callers: [64], enqueueMs: 1500, bulkWarmUp: 2000, bulk: 12_000, drainWarmUp: 1000, drain: 5000 },
		...{ samples: 60, sampleWarmUp: 20 },
	},
	// What it is compared with costs so little that it takes more of it to be told exactly.
	guardOther: {
		...{ callers: [64], enqueueMs: 2000, bulkWarmUp: 5000, bulk: 50_000, drainWarmUp: 5000, drain: 20_000 },
		...{ samples: 200, sampleWarmUp: 40 },
	},
	quick: {
		...{ enqueueMs: 1000, bulkWarmUp: 1000, bulk: 5000, drainWarmUp: 500, drain: 2000 },
		...{ samples: 40, sampleWarmUp: 10, shells: 200, lines: 2000 },
		...{ absentNodes: 50, groups: 2, ledgerNodes: 1000, ledger: 10_000, starts: 2 },
		...{ thinCommands: 5, thinIdleMs: 30_000 },
		...{ largestFleet: 100, leastShards: 16, eachWaiting: 5, drainedAtOnce: 20, drainGroups: 1 },
		...{ idleMs: 1000, returningNodes: 50, returnPairs: 1 },
	},
};
