/**
 * Owns the shapes of the JSON contract as schemas: what `--json`, the library and the centre's answers hold.
 * Promises that the types of domain/view.ts and the files under docs/schemas/ both come from here.
 * Pure; a command that only prints never loads it.
 */

import { z } from 'zod';
import { errorCodes } from '../base/errors.ts';
import { kinds, lanes } from './names.ts';
import { nodeStateSchema } from './node-state.ts';
import { faultSchema, resultSchema } from './result.ts';
import { commandStates } from './state.ts';

/** RFC 3339, UTC, milliseconds. */
const time = z.iso.datetime({ precision: 3 }).describe('RFC 3339, UTC, milliseconds');

const attemptView = z.object({
	attempt: z.number().int().min(1),
	startedAt: time,
	endedAt: time.nullable(),
	outcome: z.string().nullable(),
	exitCode: z.number().int().nullable(),
	signal: z.string().nullable(),
	fault: faultSchema.nullable(),
});

const commandView = z.object({
	handle: z.string().describe('<node>.<id>'),
	id: z.string(),
	node: z.string(),
	kind: z.enum(kinds),
	method: z.string(),
	lane: z.enum(lanes),
	state: z.enum([...commandStates, 'waiting', 'delivered', 'accepted']),
	sender: z.string(),
	queuedAt: time.nullable(),
	startedAt: time.nullable(),
	endedAt: time.nullable(),
	deadline: time.nullable().describe('latest start'),
	nextAttemptAt: time.nullable(),
	attempt: z.number().int().min(0).describe('0 before the first start'),
	attempts: z.array(attemptView),
	fault: faultSchema.nullable(),
	closed: z
		.object({ reason: z.string(), actor: z.string() })
		.nullable()
		.describe('why and by whom the centre closed it'),
	late: z.array(z.object({ event: z.string(), at: time })).describe('what came after the final state'),
	result: resultSchema.nullable(),
});

const presence = z.object({
	status: z.enum(['present', 'absent', 'never', 'unknown']),
	/** Absent or unknown since; null when present, never seen, or not known. */
	since: time.nullable().describe('absent or unknown since'),
});

const receipt = commandView.extend({
	/** The same command was there before: nothing was added. */
	duplicate: z.boolean().describe('the same command was there before: nothing was added'),
	presence,
	/** 1 is the next to run on its lane; null when not known. */
	position: z.number().int().min(1).nullable().describe('1 is the next to run on its lane'),
	/** Sequence on its stream; null when it is not there yet. */
	seq: z.number().int().min(1).nullable().describe('sequence on its stream; null while in an outbox'),
	/** `outbox`: kept by the local node, delivered when a broker answers. */
	via: z.enum(['broker', 'outbox']).describe('outbox: on the disk of the local node, until a broker answers'),
});

const nodeView = z.object({
	node: z.string(),
	presence: presence.shape.status,
	since: time.nullable(),
	lastSeenAt: time.nullable(),
	version: z.string().nullable(),
	labels: z.record(z.string(), z.string()),
	platform: nodeStateSchema.shape.platform.nullable(),
	startedAt: time.nullable(),
	clockOffsetMs: z.number().nullable().describe("server time less the node's time"),
	methods: nodeStateSchema.shape.methods,
	lanes: nodeStateSchema.shape.lanes,
	running: z.array(
		z.object({
			handle: z.string(),
			method: z.string(),
			lane: z.enum(lanes),
			startedAt: time,
			attempt: z.number().int(),
		}),
	),
	/** Commands that wait for it; null when no centre was asked. */
	queued: z.number().int().min(0).nullable(),
	outbox: z.number().int().min(0).nullable().describe('what it still owes, as it last said'),
	conflict: z
		.object({ machines: z.array(z.string()), noticedAt: time })
		.nullable()
		.describe('two machines use the name'),
});

const streamView = z.object({
	name: z.string(),
	messages: z.number().int().min(0),
	bytes: z.number().int().min(0),
	maxBytes: z.number().int(),
	consumers: z.number().int().min(0),
	description: z.string(),
});

const setup = z.object({
	shards: z.number().int().min(1),
	changes: z.array(z.object({ name: z.string(), change: z.enum(['created', 'updated', 'unchanged']) })),
});

const error = z.object({
	error: z.object({
		code: z.enum([...errorCodes, 'defect']),
		message: z.string(),
		details: z.record(z.string(), z.unknown()),
	}),
});

/** Every shape of the contract, by the name of its file under docs/schemas/. */
export const viewSchemas = {
	command: commandView,
	receipt,
	node: nodeView,
	stream: streamView,
	setup,
	error,
} as const;

export type AttemptView = z.infer<typeof attemptView>;
export type CommandView = z.infer<typeof commandView>;
/** Whether the node is there: `unknown` when no centre watches, `never` when nobody ever heard of it. */
export type Presence = z.infer<typeof presence>;
export type Receipt = z.infer<typeof receipt>;
export type NodeView = z.infer<typeof nodeView>;

/** The JSON Schema of one shape. Fields may be added in later versions, so unknown ones are allowed. */
export function jsonSchemaOf(name: keyof typeof viewSchemas): unknown {
	return { title: name, ...z.toJSONSchema(viewSchemas[name], { io: 'input' }) };
}
