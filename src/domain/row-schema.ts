/**
 * Owns the rows of live tables: a node and a command in one line each, and the counts over all of them.
 * Promises that ten thousand of them fit a page's first view: what a row lacks stands in the views of view-schema.ts.
 * Pure.
 */

import { z } from 'zod';
import { commandStates } from './state.ts';
import { commandViewSchema } from './view-schema.ts';
import { time } from './view-time.ts';

const count = z.number().int().min(0);

export const nodeRowSchema = z.object({
	node: z.string(),
	presence: z.enum(['present', 'absent', 'never', 'unknown']),
	since: time.nullable().describe('absent or unknown since'),
	version: z.string().nullable(),
	labels: z.record(z.string(), z.string()),
	queued: count.describe('commands that wait for it'),
	oldestQueuedAt: time.nullable(),
	running: count,
	failing: count.describe(
		'commands that ended badly in the last 24 hours: failed, timedOut, interrupted, lost, rejected',
	),
	clockOffsetMs: z.number().nullable(),
	outbox: count.nullable(),
	paused: z.boolean().describe('a lane is paused or drained, or a method stopped'),
	conflict: z.boolean().describe('two machines use the name'),
	decommissioned: z.boolean(),
});
export type NodeRow = z.infer<typeof nodeRowSchema>;

const commandRowSchema = commandViewSchema.pick({
	handle: true,
	id: true,
	node: true,
	kind: true,
	method: true,
	lane: true,
	state: true,
	sender: true,
	queuedAt: true,
	notBefore: true,
	startedAt: true,
	endedAt: true,
	deadline: true,
	nextAttemptAt: true,
	attempt: true,
	fault: true,
	schedule: true,
});
export type CommandRow = z.infer<typeof commandRowSchema>;

export const totalsSchema = z.object({
	nodes: z.object({ known: count, present: count, absent: count, never: count, unknown: count }),
	commands: z
		.record(z.enum(commandStates), count)
		.describe('by state; ended ones as long as the ledger keeps them'),
	oldestQueuedAt: time.nullable(),
});
export type Totals = z.infer<typeof totalsSchema>;

/** What the live stream says at once: everything that changed since the position before. */
export const changesSchema = z.object({
	at: time.describe('server time'),
	commands: z.array(commandRowSchema),
	nodes: z.array(nodeRowSchema),
	schedules: z.array(z.string()).describe('names of those that changed'),
	gone: z
		.object({
			commands: z
				.array(z.string())
				.describe('handles of those that have left the ledger (30 days after their end)'),
			nodes: z
				.array(z.string())
				.describe(
					'where `where` was asked for: names of those whose labels do not fit any more; their commands go with them',
				),
			unnamed: z
				.boolean()
				.describe(
					'while another server was asked, commands may have left whose names nobody knows here: load lists of them again',
				),
		})
		.nullable()
		.describe('what is to leave your lists; among them may be what was never in them'),
	dead: z
		.object({ letters: count.describe('how many there are') })
		.nullable()
		.describe(
			'the set of dead letters has changed: one was written, sent again or thrown away, or became too old',
		),
	totals: totalsSchema,
});
export type Changes = z.infer<typeof changesSchema>;
