/**
 * Owns the shapes of the JSON contract as schemas: what `--json`, the library and the centre's answers hold.
 * Promises that the types of domain/view.ts and the files under docs/schemas/ both come from here.
 * Pure; a command that only prints never loads it.
 */

import { z } from 'zod';
import { errorCodes } from '../base/errors.ts';
import { benchView } from './bench-view.ts';
import { deadViewSchemas } from './dead-view-schema.ts';
import { documentViewSchemas } from './document-view.ts';
import { lineageSchema } from './envelope.ts';
import { keepingViewSchemas } from './keeping-view-schema.ts';
import { signatureVerdicts } from './ledger.ts';
import { kinds, lanes } from './names.ts';
import { nodeStateSchema, pauseSchema } from './node-state.ts';
import { outputStreams } from './output.ts';
import { faultSchema, resultSchema } from './result.ts';
import { scheduleViewSchemas } from './schedule-view-schema.ts';
import { standingViewShape } from './standing-view.ts';
import { commandStates } from './state.ts';
import { time } from './view-time.ts';
import { closedSchema } from './wire.ts';

const attemptView = z.object({
	attempt: z.number().int().min(1),
	startedAt: time,
	endedAt: time.nullable(),
	outcome: z.string().nullable(),
	exitCode: z.number().int().nullable(),
	signal: z.string().nullable(),
	fault: faultSchema.nullable(),
});

const transitionView = z.object({
	state: z.enum(commandStates),
	at: time,
	by: z.string().describe('a node, central, or who sent or cancelled it'),
	note: z.string(),
	late: z.boolean().describe('it came after the final state, and changed nothing'),
});

export const commandViewSchema = z.object({
	handle: z.string().describe('<node>.<id>'),
	id: z.string(),
	node: z.string(),
	kind: z.enum(kinds),
	method: z.string(),
	lane: z.enum(lanes),
	state: z.enum([...commandStates, 'waiting', 'delivered', 'accepted']),
	sender: z.string(),
	queuedAt: time.nullable().describe('null before its time, and while it is in an outbox'),
	notBefore: time.nullable().describe('its time: it is queued then; null where it had none'),
	startedAt: time.nullable(),
	endedAt: time.nullable(),
	deadline: time.nullable().describe('latest start; null is never too late, and not known before its time'),
	runForMs: z.number().nullable().describe('longest run; null while it is not known'),
	nextAttemptAt: time.nullable(),
	attempt: z.number().int().min(0).describe('0 before the first start'),
	attempts: z.array(attemptView),
	fault: faultSchema.nullable(),
	closed: closedSchema.nullable().describe('why and by whom it was called off or given up'),
	signature: z.enum(signatureVerdicts).nullable().describe('of the node; null where nobody checked'),
	late: z.array(z.object({ event: z.string(), at: time })).describe('what came after the final state'),
	lineage: lineageSchema.nullable().describe('the command that it was made from'),
	schedule: z
		.object({
			name: z.string(),
			tick: time.nullable().describe('its moment; null where somebody had the schedule run beside its ticks'),
			version: z.number().int().describe('of the schedule, when it fired'),
		})
		.nullable()
		.describe('which tick of which schedule it is'),
	history: z.array(transitionView),
	result: resultSchema.nullable(),
});

const pauseView = pauseSchema.extend({ since: time });

const presence = z.object({
	status: z.enum(['present', 'absent', 'never', 'unknown']),
	/** Absent or unknown since; null when present, never seen, or not known. */
	since: time.nullable().describe('absent or unknown since'),
});

const receipt = commandViewSchema.extend({
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
	lanes: z.array(
		z.object({
			lane: z.enum(lanes),
			capacity: z.number().int(),
			running: z.number().int(),
			status: nodeStateSchema.shape.lanes.element.shape.status,
			pause: pauseView.nullable(),
		}),
	),
	stopped: z
		.array(pauseView.extend({ method: z.string() }))
		.describe('methods that run no more until they are resumed'),
	running: z.array(
		z.object({
			handle: z.string(),
			method: z.string(),
			lane: z.enum(lanes),
			startedAt: time,
			attempt: z.number().int(),
			runForMs: z.number().int().nullable().describe('longest run'),
		}),
	),
	unreported: z
		.array(z.string())
		.describe('handles of some that ended there, and whose report is still to come'),
	trust: z
		.number()
		.int()
		.min(0)
		.nullable()
		.describe('version of the trust list in effect there, 0 before the first; null: it takes none'),
	access: z.number().int().min(0).nullable().describe('of the access list, likewise'),
	/** Commands that wait for it; null when no centre was asked. */
	queued: z.number().int().min(0).nullable(),
	outbox: z.number().int().min(0).nullable().describe('what it still owes, as it last said'),
	conflict: z
		.object({ machines: z.array(z.string()), noticedAt: time })
		.nullable()
		.describe('two machines use the name'),
	...standingViewShape,
});

const logPiece = z.object({
	handle: z.string().describe('<node>.<id>'),
	kind: z.enum(['attempt', 'chunk', 'gap', 'end']),
	attempt: z.number().int().min(0).describe('0 before the first start'),
	stream: z.enum(outputStreams).nullable(),
	data: z.string().nullable().describe('of a chunk'),
	encoding: z.enum(['utf8', 'base64']).nullable().describe('of data'),
	bytes: z
		.number()
		.int()
		.min(0)
		.nullable()
		.describe('how many a chunk has, or are missing in a gap; null where nobody knows'),
	reason: z
		.enum(['cut', 'missing', 'cutOff'])
		.nullable()
		.describe('of a gap: no room on the node, not on the stream, or the node died'),
	state: commandViewSchema.shape.state.nullable().describe('of an end'),
	complete: z.boolean().nullable().describe('of an end: nothing more will come'),
});

const cancellation = z.object({
	answer: z
		.enum(['beforeStart', 'whileRunning', 'tooLate', 'asked'])
		.describe('asked: its node has not answered yet; the wish stays'),
	command: commandViewSchema,
});

const whyCauses = [
	'ended',
	'refused',
	'cancelled',
	'expired',
	'lost',
	'interrupted',
	'timedOut',
	'running',
	'unreported',
	'cancelAsked',
	'handedBack',
	'retrying',
	'scheduled',
	'due',
	'nodeAway',
	'neverSeen',
	'unknown',
	'nameUsedTwice',
	'noSuchLane',
	'lanePaused',
	'methodStopped',
	'drained',
	'stopping',
	'noConsumer',
	'clockUnknown',
	'behind',
	'next',
] as const;

const whyView = z.object({
	handle: z.string().describe('<node>.<id>'),
	state: commandViewSchema.shape.state,
	cause: z.enum(whyCauses).describe('stable, for programs'),
	sentence: z.string().describe('the answer, for people'),
	since: time.nullable(),
	until: time.nullable().describe('when it changes by itself, where that is known'),
	notes: z.array(z.string()).describe('what is worth knowing beside it'),
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
	replicas: z.number().int().min(1).describe('servers that hold each stream'),
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
	command: commandViewSchema,
	receipt,
	node: nodeView,
	log: logPiece,
	cancellation,
	why: whyView,
	stream: streamView,
	...deadViewSchemas,
	...scheduleViewSchemas,
	...documentViewSchemas,
	setup,
	...keepingViewSchemas,
	bench: benchView,
	error,
} as const;

export type AttemptView = z.infer<typeof attemptView>;
export type TransitionView = z.infer<typeof transitionView>;
export type CommandView = z.infer<typeof commandViewSchema>;
/** Whether the node is there: `unknown` when no centre watches, `never` when nobody ever heard of it. */
export type Presence = z.infer<typeof presence>;
export type Receipt = z.infer<typeof receipt>;
export type LogPieceView = z.infer<typeof logPiece>;
/**
 * What became of the wish to cancel: `beforeStart` and `whileRunning` are certain. `tooLate`: it had ended in another way, and
 * its view has the result. `asked`: its node runs it, or has it claimed, and has not answered in time; the wish stays.
 */
export type Cancellation = z.infer<typeof cancellation>;
export type WhyView = z.infer<typeof whyView>;
export type NodeView = z.infer<typeof nodeView>;

/** The JSON Schema of one shape. Fields may be added in later versions, so unknown ones are allowed. */
export function jsonSchemaOf(name: keyof typeof viewSchemas): unknown {
	return { title: name, ...z.toJSONSchema(viewSchemas[name], { io: 'input' }) };
}
