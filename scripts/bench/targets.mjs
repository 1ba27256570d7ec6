/**
 * Owns what steward is to reach, in the strict tier: at least or at most so much, or so many times what a peer reaches.
 * Promises one list for reports and for people. Pure.
 */

import { growth } from './works.mjs';

const queues = ['bullmq', 'pg-boss', 'graphile-worker'];
const everyPeer = (target) => queues.map((of) => ({ ...target, of }));

export const targets = [
	{ work: 'A', figure: '64 callers', least: 2.9, of: 'plain' },
	{ work: 'A', figure: '64 callers', least: 1, of: 'bullmq' },
	{ work: 'A', figure: '256 callers', least: 1.5, of: 'bullmq' },
	{ work: 'B', figure: 'a second', least: 0.8, of: 'raw' },
	...everyPeer({ work: 'B', figure: 'a second', least: 1 }),
	{ work: 'C', figure: 'a second', least: 1.2, of: 'bullmq' },
	{ work: 'C', figure: 'a second', least: 1, of: 'pg-boss' },
	{ work: 'C', figure: 'node idle', most: 100, unit: 'MB' },
	{ work: 'C', figure: 'node after', most: 130, unit: 'MB' },
	{ work: 'D', figure: 'start p50', most: 2, of: 'raw' },
	{ work: 'D', figure: 'result p50', most: 2, of: 'raw' },
	{ work: 'D', figure: 'start p99', most: 20, unit: 'ms' },
	{ work: 'D', figure: 'result p99', most: 20, unit: 'ms' },
	{ work: 'E', figure: 'a second', least: 0.8, of: 'raw' },
	{ work: 'F', figure: growth(16), most: 2, unit: 'times' },
	{ work: 'G', figure: 'return as held', most: 1.5, unit: 'times' },
	{ work: 'G', figure: 'first start, longest as median', most: 3, unit: 'times' },
	{ work: 'G', figure: 'last end, longest as median', most: 3, unit: 'times' },
	{ work: 'H', figure: 'server per consumer', most: 60, unit: 'kB' },
	{ work: 'H', figure: 'centre', most: 600, unit: 'MB' },
	{ work: 'H', figure: 'show', most: 1000, unit: 'ms' },
	{ work: 'H', figure: 'first list', most: 5000, unit: 'ms' },
	{ work: 'H', figure: 'whole index', most: 60_000, unit: 'ms' },
	{ work: 'I', figure: 'one an event', least: 20_000, unit: '/s' },
];
