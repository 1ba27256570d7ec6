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
const bytes = { unit: 'B', better: 'less' };
const queues = ['steward', 'raw', 'plain', 'bullmq', 'pg-boss', 'graphile-worker'];

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
		peers: [...queues, 'protocol'],
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
		title: '/bin/true by shellCommand, 8 at once (raw: bare spawn)',
		peers: ['steward', 'raw'],
		figures: { 'a second': rate, processor },
	},
	H: {
		title: 'memory and start: an absent node at the broker, a centre with many nodes and a long ledger',
		peers: ['steward'],
		// Five starts of the centre, after one seeding that takes minutes.
		rounds: 1,
		figures: {
			...{ 'server per consumer': { unit: 'kB', better: 'less' } },
			...{ centre: megabytes, 'centre at most': megabytes },
			...{ show: millis, 'first list': millis, 'whole index': millis },
		},
		options: { shards: 16, budget: '14GiB' },
		longestMs: 5_400_000,
	},
	I: {
		title: 'lines from a node to the log file of central, fsynced',
		peers: ['steward'],
		figures: { 'one an event': rate, '100 an event': rate },
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
		...{ enqueueMs: 4000, bulkWarmUp: 5000, bulk: 50_000, drainWarmUp: 3000, drain: 20_000 },
		...{ samples: 200, sampleWarmUp: 40, shells: 2000, lines: 50_000 },
		...{ absentNodes: 500, groups: 5, ledgerNodes: 10_000, ledger: 1_000_000, starts: 5 },
		// Everything that comes again and again comes within ten minutes.
		...{ thinCommands: 30, idleMs: 600_000 },
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
		...{ thinCommands: 5, idleMs: 30_000 },
	},
};
