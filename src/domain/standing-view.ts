/**
 * Owns how it is told where a node stands with the centre.
 * Promises times in their one form.
 * Pure.
 */

import { z } from 'zod';
import { rfc3339 } from '../base/clock.ts';
import type { Standing } from './standing.ts';
import { time } from './view-time.ts';

export const standingViewShape = {
	decommissioned: z
		.object({
			by: z.string(),
			reason: z.string(),
			at: time,
			settledAt: time.nullable().describe('when all that waited or ran there had been given its end'),
			cancelled: z.number().int().min(0).describe('commands that were called off before they started'),
			lost: z.number().int().min(0).describe('commands that were given up while they ran'),
		})
		.nullable()
		.describe('out of service: it is sent nothing more'),
	queueFull: z
		.object({ limit: z.number().int(), since: time })
		.nullable()
		.describe('as many commands wait for it as may: more are refused'),
	loud: z
		.object({ perSecond: z.number(), at: time })
		.nullable()
		.describe('it said more than it should, and how much when that was noticed last'),
};

export function standingView({ decommissioned, full, loud }: Standing) {
	const settledAt = decommissioned?.settledAt ?? null;
	return {
		decommissioned: decommissioned && {
			...decommissioned,
			at: rfc3339(decommissioned.at),
			settledAt: settledAt === null ? null : rfc3339(settledAt),
		},
		queueFull: full && { limit: full.limit, since: rfc3339(full.since) },
		loud: loud && { perSecond: loud.perSecond, at: rfc3339(loud.at) },
	};
}
