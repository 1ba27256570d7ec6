/**
 * Owns how far a schedule has come, as the centre and the nodes keep it.
 * Promises that what is decided is told by one moment, and what became of it by counts.
 * Pure.
 */

import { z } from 'zod';

/** How far a schedule has come: at the centre, or on one node. */
export const progressSchema = z.object({
	/** Every tick that was due until then is decided, server time, milliseconds since the epoch. */
	through: z.number(),
	/** The last tick that fired. */
	last: z.number().nullable(),
	/** Ticks that fired for a node; that came too late to fire; that were left out because the one before was not done. */
	fired: z.number().int().min(0),
	missed: z.number().int().min(0),
	skipped: z.number().int().min(0),
});
export type Progress = z.infer<typeof progressSchema>;

export function noProgress(since: number): Progress {
	return { through: since, last: null, fired: 0, missed: 0, skipped: 0 };
}
