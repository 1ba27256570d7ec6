/**
 * Owns the shapes of what is told over many at once: how deep queues are, which methods there are, which faults dead letters have.
 * Promises one line a node, a schema, or a fault.
 * Pure.
 */

import { z } from 'zod';
import { commandLanes, kinds } from './names.ts';
import { time } from './view-time.ts';

const count = z.number().int().min(0);

export const queueViewSchema = z.object({
	node: z.string(),
	queued: count.describe('commands that wait for their start'),
	oldestQueuedAt: time.nullable(),
	running: count.describe('commands that were started and have not ended'),
});
export type QueueView = z.infer<typeof queueViewSchema>;

export const methodViewSchema = z.object({
	name: z.string(),
	kind: z.enum(kinds),
	data: z.unknown().describe('JSON Schema of its data'),
	description: z.string().optional(),
	lane: z.enum(commandLanes).optional().describe('of commands whose sender names none'),
	nodes: count.describe('how many offer exactly this'),
});
export type MethodView = z.infer<typeof methodViewSchema>;

export const deadGroupSchema = z.object({
	code: z.string().describe('of the fault'),
	method: z.string(),
	kind: z.enum(kinds),
	message: z.string().describe('of the latest'),
	count,
	nodes: count.describe('how many nodes they are of'),
	latestAt: time,
	replayable: count.describe('how many were not sent again, and are kept whole'),
});
export type DeadGroup = z.infer<typeof deadGroupSchema>;
