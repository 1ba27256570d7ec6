/**
 * Owns where a node stands with the centre: whether it was taken out of service, whether its queue has room, whether it says too much.
 * Promises one answer to whoever wants to send it something, and the next step with each refusal.
 * Pure; it is kept beside the node's record, and outlives the node.
 */

import { z } from 'zod';
import { StewardError } from '../base/errors.ts';
import { counted } from '../base/text.ts';

export const standingSchema = z.object({
	v: z.literal(1),
	/** Out of service: it is sent nothing more. */
	decommissioned: z
		.object({
			by: z.string(),
			reason: z.string(),
			/** Server time. */
			at: z.number(),
			/** When all that waited or ran there had been given its end; null before. */
			settledAt: z.number().nullable(),
			/** Called off before they started, and given up while they ran. */
			cancelled: z.number().int(),
			lost: z.number().int(),
		})
		.nullable()
		.default(null),
	/** As many commands wait for it as may; `since` is server time. */
	full: z.object({ limit: z.number().int(), since: z.number() }).nullable().default(null),
	/** It said more than it should in one span of time. */
	loud: z.object({ perSecond: z.number(), at: z.number() }).nullable().default(null),
});
export type Standing = z.infer<typeof standingSchema>;

export const goodStanding: Standing = { v: 1, decommissioned: null, full: null, loud: null };

/** What is to be sent. The control lane is how a node is made to go on, so that it is never too long. */
type Sent = { readonly kind: 'command' | 'event'; readonly lane?: string };

/** Why this node is not sent that now; undefined where it is. */
export function refusalOf(
	node: string,
	{ decommissioned, full }: Standing,
	sent: Sent,
): StewardError | undefined {
	if (decommissioned) {
		return new StewardError(
			'refused',
			`${node} was decommissioned by ${decommissioned.by}${decommissioned.reason && ` (${decommissioned.reason})`}, ` +
				`and is sent nothing more: steward nodes recommission ${node} takes it back`,
			{ details: { node, reason: 'decommissioned' } },
		);
	}
	if (!full || sent.kind === 'event' || sent.lane === 'control') return undefined;
	return new StewardError(
		'refused',
		`the queue of ${node} is full: ${counted(full.limit, 'command waits', 'commands wait')} for it already; cancel some (steward queue ${node}), ` +
			'wait until it has been there, or allow more (centre.maxQueued)',
		{ details: { node, reason: 'queueFull', limit: full.limit, temporary: true } },
	);
}
