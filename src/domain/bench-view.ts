/**
 * Owns the shape of what `steward bench` has measured.
 * Promises that what was not measured is null, and that what the measuring leaves behind is counted.
 * Pure.
 */

import { z } from 'zod';
import { lanes } from './names.ts';
import { time } from './view-time.ts';

const spread = z.object({ p50: z.number().min(0), p99: z.number().min(0) }).nullable();

const rate = {
	count: z.number().int().min(0).describe('pings that it is reckoned from'),
	perSecond: z.number().min(0),
};

export const benchView = z.object({
	node: z.string(),
	lane: z.enum(lanes),
	capacity: z.number().int().min(1).describe('how many the lane runs at once'),
	at: time.describe('when it began'),
	samples: z.number().int().min(0).describe('pings that the times are reckoned from'),
	brokerMs: spread.describe('the answer of the server to the least that can be asked'),
	acknowledgedMs: spread.describe(
		'from sending until the broker has it on disk; null where it was not measured',
	),
	resultMs: spread.describe('from sending until the result can be read'),
	through: z
		.object({
			...rate,
			mostAtOnce: z.number().int().min(1).describe('under way at the same time, at the most'),
		})
		.nullable()
		.describe('through the node, from the first sending to the last result'),
	enqueue: z
		.object({ ...rate, callers: z.number().int().min(1), to: z.string().describe('a name that no node has') })
		.nullable()
		.describe('taken for a node that is away, each caller one by one'),
	sent: z.number().int().min(0).describe('pings in all; each stays in the ledger for 30 days'),
	cancelled: z.number().int().min(0).describe('of them, before they started'),
	left: z.number().int().min(0).describe('of them, those that may still wait; they expire'),
	complete: z.boolean().describe('false where it was interrupted, or failed'),
});
export type BenchView = z.infer<typeof benchView>;
