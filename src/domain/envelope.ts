/**
 * Owns the envelope: one command for one node, as it is stored on the downlink, and what makes two of them the same.
 * Promises that it is made from checked messages only.
 * Pure.
 */

import { z } from 'zod';
import { canonicalJson, textDigest } from '../base/ids.ts';
import type { Message } from './message.ts';
import { type CommandLane, commandLanes } from './names.ts';
import { runPolicySchema } from './policy.ts';
import { scheduleRefSchema } from './schedule-ref.ts';

/** Where neither sender nor method names one. */
const usualLane = 'normal';

/** Which command this one was made from: `of` is a handle. */
export const lineageSchema = z.object({ kind: z.enum(['retry', 'replay']), of: z.string() });
export type Lineage = z.infer<typeof lineageSchema>;

/** Who vouches for a command, and until when it may be started. What is signed says security/signature.ts. */
const signedSchema = z.object({
	/** Public key of the issuer. */
	key: z.string().regex(/^[A-Z2-7]{56}$/),
	/** When it was signed, and until when it may be started, server time. */
	at: z.number().int().min(0),
	until: z.number().int().min(0),
	/** 64 bytes as base64url. */
	signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
});
export type Signed = z.infer<typeof signedSchema>;

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
	signed: signedSchema.optional(),
});
export type Envelope = z.infer<typeof envelopeSchema>;

/** The envelope of a checked command for one node; `methodLane` is the method's default there, as far as it is known. */
export function envelopeFor(
	message: Omit<Message, 'target'>,
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
 * What makes two commands with one id the same command: everything but who sent and signed it, a lane that nobody named, and the version of
 * a schedule that it comes from. What a schedule has somebody send is itself, whatever it says: a tick by its moment, a run beside
 * the ticks by the id, since its words are filled in anew each time.
 */
export function envelopeDigest(envelope: Envelope): string {
	const { schedule: from } = envelope;
	// Nobody else can say that it is one. What tells a node of a schedule names it as well, and is its content.
	if (from && from.tick !== null) return `tick ${from.name} ${from.tick}`;
	if (from && envelope.lane !== 'control') return `run ${from.name} ${envelope.id}`;
	let text = '';
	for (const { field, label } of contentFields) {
		const value = field === 'lane' && envelope.laneFrom ? usualLane : envelope[field];
		if (value !== undefined) text += `${text === '' ? '{' : ','}${label}${canonicalJson(value)}`;
	}
	return textDigest(`${text}}`);
}

/** As {@link canonicalJson} would write them: to sort the fields of each envelope anew takes as long as its digest. */
const contentFields = envelopeSchema
	.keyof()
	.options.filter((field) => !['sender', 'signed', 'laneFrom', 'schedule'].includes(field))
	.sort()
	.map((field) => ({ field, label: `${JSON.stringify(field)}:` }));
