/**
 * Owns what the node and the child process of a user's module say to each other.
 * Promises that whatever the other side sends (a user's code can send anything) is decoded here, or is dropped.
 * Pure; a message on its way when a side dies is lost, and its run is told so.
 */

import { z } from 'zod';
import { cutText } from '../../base/text.ts';
import { commandLanes, kinds } from '../../domain/names.ts';
import { outputStreams } from '../../domain/output.ts';
import { runPolicySchema } from '../../domain/policy.ts';
import { faultSchema, resultSchema } from '../../domain/result.ts';
import { isNestedTooDeep } from '../../domain/validation.ts';
import { isolations } from './method.ts';
import { longestSentText } from './outcome-bounds.ts';

/** A thrown value, as it crosses to another process. */
export type ErrorRecord = {
	readonly name: string;
	readonly message: string;
	readonly stack?: string | undefined;
	readonly code?: string | undefined;
	readonly cause?: ErrorRecord | undefined;
};

const errorSchema: z.ZodType<ErrorRecord> = z.object({
	name: z.string(),
	message: z.string(),
	stack: z.string().optional(),
	code: z.string().optional(),
	get cause() {
		return errorSchema.optional();
	},
});

const outcomeSchema = z.discriminatedUnion('outcome', [
	z.object({ outcome: z.literal('succeeded'), result: resultSchema }),
	z.object({ outcome: z.literal('failed'), result: resultSchema, fault: faultSchema.nullable() }),
	z.object({
		outcome: z.literal('retry'),
		afterMs: z.number().min(0),
		result: resultSchema,
		fault: faultSchema.nullable(),
	}),
]);

const descriptionSchema = z.object({
	name: z.string(),
	kind: z.enum(kinds),
	description: z.string().optional(),
	dataSchema: z.unknown(),
	defaults: runPolicySchema.extend({ lane: z.enum(commandLanes).optional() }),
	isolate: z.enum(isolations).optional(),
});

const call = z.number().int();

/** What a child says. `call` is the number that the node gave the check or the run. */
export const fromChildSchema = z.discriminatedUnion('say', [
	z.object({ say: z.literal('ready'), methods: z.array(descriptionSchema) }),
	z.object({ say: z.literal('unusable'), error: errorSchema }),
	z.object({ say: z.literal('crashed'), error: errorSchema }),
	z.object({ say: z.literal('checked'), call, problems: z.array(z.string()) }),
	z.object({ say: z.literal('ended'), call, outcome: outcomeSchema }),
	z.object({ say: z.literal('threw'), call, error: errorSchema }),
	/** Answered with `taken`. */
	z.object({
		say: z.literal('output'),
		call,
		piece: z.number().int(),
		stream: z.enum(outputStreams),
		data: z.string().describe('base64'),
	}),
	z.object({
		say: z.literal('log'),
		level: z.enum(['debug', 'info', 'warn', 'error']),
		fields: z.record(z.string(), z.unknown()),
		message: z.string(),
	}),
]);
export type FromChild = z.output<typeof fromChildSchema>;

/** Undefined for what is not ours. */
export function readFromChild(message: unknown): FromChild | undefined {
	// Nested deeper, it would overflow the stack of whoever walks through.
	if (isNestedTooDeep(message)) return undefined;
	const parsed = fromChildSchema.safeParse(message);
	return parsed.success ? parsed.data : undefined;
}

const inputSchema = z.object({
	sender: z.string(),
	id: z.string(),
	attempt: z.number(),
	data: z.unknown(),
});

const threadsSchema = z.object({ count: z.number(), memoryMb: z.number(), graceMs: z.number() });
/** How many threads, the heap of each in MiB, and how long a run may go on after its abort. */
export type Threads = z.output<typeof threadsSchema>;

/** What the node says. */
export const toChildSchema = z.discriminatedUnion('say', [
	z.object({
		say: z.literal('load'),
		module: z.string(),
		node: z.string(),
		dataDir: z.string(),
		/** The child is to run each run in a thread, and loads the module only there. */
		threads: threadsSchema.optional(),
	}),
	z.object({ say: z.literal('check'), call, method: z.string(), data: z.unknown() }),
	z.object({ say: z.literal('run'), call, method: z.string(), input: inputSchema }),
	z.object({ say: z.literal('abort'), call, reason: errorSchema }),
	z.object({ say: z.literal('taken'), call, piece: z.number().int() }),
	z.object({ say: z.literal('stop') }),
]);
export type ToChild = z.output<typeof toChildSchema>;

/** Causes of causes are kept to this depth. */
const deepestCause = 5;
/** Of names and codes, characters. */
const longestWord = 200;

export function errorRecord(error: unknown, depth = 0): ErrorRecord {
	if (!(error instanceof Error)) {
		return { name: 'Error', message: cutText(thrownText(error), longestSentText) };
	}
	return {
		name: cutText(String(error.name), longestWord),
		message: cutText(String(error.message), longestSentText),
		stack: error.stack === undefined ? undefined : cutText(String(error.stack), longestSentText),
		code: 'code' in error && typeof error.code === 'string' ? cutText(error.code, longestWord) : undefined,
		cause:
			error.cause === undefined || depth >= deepestCause ? undefined : errorRecord(error.cause, depth + 1),
	};
}

/** The error as it was over there: same name, message, stack, code and causes; its class is lost. */
export function errorFrom(record: ErrorRecord): Error {
	const error = new Error(
		record.message,
		record.cause === undefined ? undefined : { cause: errorFrom(record.cause) },
	);
	error.name = record.name;
	if (record.stack !== undefined) error.stack = record.stack;
	return record.code === undefined ? error : Object.assign(error, { code: record.code });
}

function thrownText(thrown: unknown): string {
	if (typeof thrown === 'string') return thrown;
	try {
		return JSON.stringify(thrown) ?? String(thrown);
	} catch {
		return String(thrown);
	}
}
