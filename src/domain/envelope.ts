/**
 * Owns the envelope: one command for one node, as it is stored on the downlink, and what makes two of them the same.
 * Promises that it is made from checked messages only.
 * Pure.
 */

import { z } from 'zod';
import { contentDigest } from '../base/ids.ts';
import type { Message } from './message.ts';
import { type CommandLane, commandLanes } from './names.ts';
import { runPolicySchema } from './policy.ts';
import { scheduleRefSchema } from './schedule-ref.ts';

/** Where neither sender nor method names one. */
const usualLane = 'normal';

/** Which command this one was made from: `of` is a handle. */
export const lineageSchema = z.object({ kind: z.enum(['retry', 'replay']), of: z.string() });
export type Lineage = z.infer<typeof lineageSchema>;

/** One command for one node, as it is stored on the downlink. */
export const envelopeSchema = z.object({
	v: z.literal(1),
	id: z.string(),
	node: z.string(),
	method: z.string(),
	lane: z.enum(['control', ...commandLanes]),
	/** Its sender named no lane: the method's default is no part of what makes it the same command. */
	laneFrom: z.literal('method').optional(),
	data: z.unknown(),
	sender: z.string(),
	/** Its time: it is not queued before, server time, milliseconds since the epoch. */
	notBefore: z.number().optional(),
	/** Counted from when it is queued. */
	deliverWithinMs: z.number().min(0).nullable(),
	...runPolicySchema.shape,
	lineage: lineageSchema.optional(),
	/** Which tick of which schedule it is. */
	schedule: scheduleRefSchema.optional(),
});
export type Envelope = z.infer<typeof envelopeSchema>;

/** The envelope of a checked command for one node; `methodLane` is the method's default there, as far as it is known. */
export function envelopeFor(
	message: Message,
	node: string,
	id: string,
	sender: string,
	methodLane?: CommandLane,
): Envelope {
	const { lane, ...policy } = message.policy;
	return {
		v: 1,
		id,
		node,
		method: message.method,
		lane: lane ?? methodLane ?? usualLane,
		...(lane === undefined && methodLane !== undefined && { laneFrom: 'method' as const }),
		data: message.data,
		sender,
		...(message.notBefore !== undefined && { notBefore: message.notBefore }),
		...policy,
	};
}

/**
 * What makes two commands with one id the same command: everything but who sent it, a lane that nobody named, and the version of
 * a schedule that it comes from. A tick is itself, whatever its schedule has it say.
 */
export function envelopeDigest(envelope: Envelope): string {
	const tick = envelope.schedule?.tick ?? null;
	// Its id was made from just these, and nobody else can say that it is one.
	if (tick !== null) return `tick ${envelope.schedule?.name} ${tick}`;
	const { sender: _, laneFrom, schedule: __, ...content } = envelope;
	return contentDigest(laneFrom ? { ...content, lane: usualLane } : content);
}
