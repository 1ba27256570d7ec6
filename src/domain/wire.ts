/**
 * Owns what nodes and the centre write about commands: claims and reports, and their decoders.
 * Promises that a decoder gives a typed value or undefined, never half of one; unknown fields are dropped.
 * Pure. Every statement can arrive twice and out of order; `key` tells repeats apart.
 */

import { z } from 'zod';
import { strictUtf8 } from '../base/text.ts';
import { acceptedSchema } from './delay.ts';
import { lineageSchema } from './envelope.ts';
import { lanes, methodNamePattern } from './names.ts';
import { attemptSchema, faultSchema, resultSchema } from './result.ts';
import { isSameTick, type ScheduleRef, scheduleRefSchema } from './schedule-ref.ts';
import { commandEvents } from './state.ts';
import { deepestNesting, isNestedTooDeep } from './validation.ts';

/** Names that machines give each other; none of ours is longer. */
const token = z.string().max(200);

/** What is known of a command from its stored message: enough to tell its story without it. */
const commandFactsSchema = z.object({
	method: z.string().regex(methodNamePattern),
	lane: z.enum(lanes),
	sender: token,
	digest: token,
	/** Sequence on its commands stream; 0 where it was on none ({@link isLocal}). */
	seq: z.number(),
	/** Server time of its storing, or of its firing as far as its node knew; milliseconds since the epoch. */
	queuedAt: z.number(),
	deliverWithinMs: z.number().nullable(),
	runForMs: z.number().optional(),
	patienceMs: z.number().optional(),
	lineage: lineageSchema.optional(),
	schedule: scheduleRefSchema.optional(),
	/** Its time, where it had to wait for one, server time. */
	notBefore: z.number().optional(),
	/** The message as which it was accepted before its time. */
	accepted: acceptedSchema.optional(),
});
export type CommandFacts = z.infer<typeof commandFactsSchema>;

/** Its node made it itself, as a tick of a schedule that it keeps: it was on no stream, and nobody claims it. */
export function isLocal({ seq }: Pick<CommandFacts, 'seq'>): boolean {
	return seq === 0;
}

/** The ledger keeps a command this long after its end, milliseconds. */
export const ledgerAgeMs = 30 * 86_400_000;

/**
 * Once the ledger has forgotten a command, its id may be given to another one, of the same content as well. A tick is one command,
 * whoever fired it, and with which version of its schedule.
 */
export function isSameCommand(
	one: Pick<CommandFacts, 'digest' | 'schedule'> & Lasting,
	other: Pick<CommandFacts, 'digest'> & Lasting & { readonly schedule?: ScheduleRef | null | undefined },
): boolean {
	if (isSameTick(one.schedule, other.schedule ?? undefined)) return true;
	return one.digest === other.digest && isOfOneTime(one, other);
}

/** One that had to wait for its time is there from its acceptance on, until it was queued. */
type Lasting = Pick<CommandFacts, 'queuedAt'> & { readonly accepted?: CommandFacts['accepted'] | null };

/** As {@link isSameTime}, of commands that may have waited for their time for longer than the ledger remembers. */
export function isOfOneTime(one: Lasting, other: Lasting): boolean {
	const [begun, otherBegun] = [one.accepted?.at ?? one.queuedAt, other.accepted?.at ?? other.queuedAt];
	return Math.max(begun - other.queuedAt, otherBegun - one.queuedAt) < ledgerAgeMs;
}

/** Close enough in time that one id means one command. */
export function isSameTime(queuedAt: number, otherQueuedAt: number): boolean {
	return Math.abs(queuedAt - otherQueuedAt) < ledgerAgeMs;
}

/** Why and by whom a command was called off or given up. */
export const closedSchema = z.object({ reason: z.string(), actor: z.string() });
export type Closed = z.infer<typeof closedSchema>;

/** "I, this journal on this machine, am starting it", or "I refuse it". */
const nodeClaimSchema = z.object({
	v: z.literal(1),
	by: z.literal('node'),
	/** Identity of the journal: another epoch has never run what this one claimed. */
	epoch: token,
	boot: token,
	machine: token,
	event: z.enum(['started', 'refused', 'expired']),
	at: z.number(),
	facts: commandFactsSchema,
	fault: faultSchema.optional(),
});
export type NodeClaim = z.infer<typeof nodeClaimSchema>;

/** "It will not start any more", with the envelope, so that a crash before the ledger can be resumed. */
const centreClaimSchema = z.object({
	v: z.literal(1),
	by: z.literal('centre'),
	event: z.enum(['cancelled', 'expired', 'refused']),
	reason: z.string(),
	actor: z.string(),
	at: z.number(),
	facts: commandFactsSchema,
	envelope: z.unknown(),
});
export type CentreClaim = z.infer<typeof centreClaimSchema>;

export const claimSchema = z.discriminatedUnion('by', [nodeClaimSchema, centreClaimSchema]);
export type Claim = z.infer<typeof claimSchema>;

/** Where a statement stands in its node's outbox: the receiver drops what it has seen. */
const outboxKeySchema = z.object({ epoch: token, n: z.number().int().min(1) });
export type OutboxKey = z.infer<typeof outboxKeySchema>;

/** What a node states about a command, with all of its attempts so far: each report stands alone. */
export const reportSchema = z.object({
	v: z.literal(1),
	key: outboxKeySchema,
	event: z.enum(commandEvents),
	at: z.number(),
	attempts: z.array(attemptSchema),
	nextAttemptAt: z.number().optional(),
	facts: commandFactsSchema,
	fault: faultSchema.optional(),
	/** Who called it off, and why, where somebody did. */
	closed: closedSchema.optional(),
	result: resultSchema.optional(),
});
export type Report = z.infer<typeof reportSchema>;

/** "This event could not be handled": the centre keeps it as a dead letter. */
export const deadEventSchema = z.object({
	v: z.literal(1),
	key: outboxKeySchema,
	event: z.literal('deadEvent'),
	at: z.number(),
	sender: z.string(),
	method: z.string(),
	data: z.unknown(),
	attempts: z.number().int(),
	fault: faultSchema,
});
export type DeadEvent = z.infer<typeof deadEventSchema>;

/** What travels holds what people sent, and adds levels of its own. */
const deepestStatement = 2 * deepestNesting;

/** Parses JSON and checks it; undefined for anything that does not fit, or is nested without end. */
export function decode<T>(schema: z.ZodType<T>, bytes: Uint8Array | string): T | undefined {
	try {
		const text = typeof bytes === 'string' ? bytes : strictUtf8.decode(bytes);
		const value: unknown = JSON.parse(text);
		if (isNestedTooDeep(value, deepestStatement)) return undefined;
		const parsed = schema.safeParse(value);
		return parsed.success ? parsed.data : undefined;
	} catch (error) {
		if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
		throw error;
	}
}
