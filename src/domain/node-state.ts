/**
 * Owns what a node says of itself, and how labels select nodes.
 * Promises that the centre reads nothing from a node that did not pass the schema here.
 * Pure; a state is said again on every connect, so a lost one costs nothing.
 */

import { z } from 'zod';
import { type CommandLane, commandLanes, kinds, lanes, scheduleNamePattern } from './names.ts';
import { progressSchema } from './progress.ts';

/** Of one node: a state has to fit a message. */
const mostSchedules = 1000;

const methodStateSchema = z.object({
	name: z.string(),
	kind: z.enum(kinds),
	/** JSON Schema of the method's data. */
	data: z.unknown(),
	description: z.string().optional(),
	/** Of commands whose sender names none. */
	lane: z.enum(commandLanes).optional().describe('of commands whose sender names none'),
});

/** Why something is not taken for now. `drain` and what the node itself stopped end with its next start. */
export const pauseSchema = z.object({
	kind: z.enum(['pause', 'drain', 'stop']),
	by: z.string(),
	reason: z.string(),
	/** Server time, milliseconds since the epoch. */
	since: z.number(),
});
export type Pause = z.infer<typeof pauseSchema>;

const laneStateSchema = z.object({
	lane: z.enum(lanes),
	capacity: z.number().int().min(1),
	running: z.number().int().min(0),
	/** `waiting`: its consumer is not there, and the centre is asked to make it. */
	status: z.enum(['ready', 'waiting', 'stopped', 'paused']),
	pause: pauseSchema.nullable().default(null),
});

export const nodeStateSchema = z.object({
	v: z.literal(1),
	node: z.string(),
	version: z.string(),
	/** Identity of the machine and of the process: two at once with one name are two machines. */
	machine: z.string(),
	boot: z.string(),
	epoch: z.string(),
	/** Who it is, as its credentials say: the key that its statements are signed with, and who vouches for that. No secret. */
	jwt: z.string().max(8192).optional(),
	platform: z.object({ os: z.string(), arch: z.string(), runtime: z.string(), hostname: z.string() }),
	labels: z.record(z.string(), z.string()),
	/** Milliseconds since the epoch, in the node's own clock. */
	startedAt: z.number(),
	saidAt: z.number(),
	/** Server time less the node's time, milliseconds; null before the first reading. */
	clockOffsetMs: z.number().nullable(),
	methods: z.array(methodStateSchema),
	lanes: z.array(laneStateSchema),
	running: z.array(
		z.object({
			id: z.string(),
			method: z.string(),
			lane: z.enum(lanes),
			startedAt: z.number(),
			attempt: z.number(),
			/** Longest run, milliseconds. */
			runForMs: z.number().nullable().default(null),
		}),
	),
	/** Methods that run no more until they are resumed. */
	stopped: z.array(pauseSchema.extend({ method: z.string() })).default([]),
	/** Schedules that the node fires by itself: what it has, and how far each has come. */
	schedules: z
		.array(
			progressSchema.extend({
				name: z.string().regex(scheduleNamePattern),
				version: z.number().int().min(1),
				/** Server time of the next tick; null where there is none any more, or it is paused. */
				next: z.number().nullable(),
			}),
		)
		.max(mostSchedules)
		.default([]),
	/** Signed documents that are in effect; version 0 before the first. Null on a node where no root is pinned: it takes none. */
	trust: z
		.object({ version: z.number().int().min(0) })
		.nullable()
		.default(null),
	access: z
		.object({ version: z.number().int().min(0) })
		.nullable()
		.default(null),
	/** Commands that ended here and whose report is still in the outbox: some of them. */
	unreported: z.array(z.string()).default([]),
	outbox: z.number().int().min(0),
	stopping: z.boolean(),
});
export type NodeState = z.infer<typeof nodeStateSchema>;
export type LaneState = z.infer<typeof laneStateSchema>;

/** A sign of life, on core NATS. */
export const beatSchema = z.object({
	machine: z.string().max(200),
	boot: z.string().max(200),
	leaving: z.boolean(),
});
export type Beat = z.infer<typeof beatSchema>;

/** What the nodes bucket holds: the last words of a node and what the centre knows beside them. */
export const nodeRecordSchema = z.object({
	v: z.literal(1),
	state: nodeStateSchema,
	/** Server time of the state's storing. */
	lastSeenAt: z.number(),
	/** Another machine that used the name at the same time, and when that was noticed. */
	conflict: z.object({ machines: z.array(z.string()), noticedAt: z.number() }).nullable(),
});
export type NodeRecord = z.infer<typeof nodeRecordSchema>;

/** The lane that a node's method asks for, where that node has it. */
export function laneOfMethod(
	{ methods, lanes }: Pick<NodeState, 'methods' | 'lanes'>,
	method: string,
): CommandLane | undefined {
	const wanted = methods.find(({ name, kind }) => name === method && kind === 'command')?.lane;
	return lanes.some(({ lane }) => lane === wanted) ? wanted : undefined;
}

/** True where every label of `where` is on the node with the same value. */
export function matchesLabels(
	where: Readonly<Record<string, string>>,
	labels: Readonly<Record<string, string>>,
): boolean {
	return Object.entries(where).every(([key, value]) => labels[key] === value);
}
