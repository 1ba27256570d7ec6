/**
 * Owns the shapes of the JSON contract about dead letters: one letter, and what became of one that was to be replayed or discarded.
 * Promises that lists and single letters are of one shape; what a list leaves out is null there.
 * Pure.
 */

import { z } from 'zod';
import { lineageSchema } from './envelope.ts';
import { kinds } from './names.ts';
import { faultSchema } from './result.ts';
import { time } from './view-time.ts';

const deadLetter = z.object({
	handle: z.string().describe('<node>.<id>; letters of different kinds or methods may share one'),
	id: z.string(),
	node: z.string(),
	kind: z.enum(kinds),
	method: z.string(),
	seq: z.number().int().min(1).describe('sequence on its stream: names exactly this letter'),
	sender: z.string(),
	at: time.describe('when it was taken out of its lane'),
	attempts: z.number().int().min(0).describe('starts of its method; 0 where it never started'),
	fault: faultSchema.describe('why; of a long message lists have the beginning'),
	lineage: lineageSchema.nullable().describe('the command that it was made from'),
	message: z.string().nullable().describe('as it was, as text; null in lists and where it is gone'),
	kept: z.enum(['whole', 'beginning', 'none']).describe('how much of the message the letter holds'),
	characters: z.number().int().min(0).nullable().describe('of the whole message; null where it is gone'),
	replayed: z
		.object({ as: z.string(), at: time, by: z.string() })
		.nullable()
		.describe('the message that it was sent again as, when and by whom'),
});

const deadOutcome = z.object({
	handle: z.string(),
	kind: z.enum(kinds).nullable(),
	method: z.string().nullable(),
	outcome: z
		.enum(['replayed', 'duplicate', 'discarded', 'possible', 'refused', 'notFound'])
		.describe('duplicate: it was sent again before; possible: what a dry run says instead of doing it'),
	as: z.string().nullable().describe('handle of the new message'),
	why: z.string().nullable().describe('why nothing was done'),
});

export const deadViewSchemas = { deadLetter, deadOutcome } as const;

export type DeadLetterView = z.infer<typeof deadLetter>;
/** What became of one letter that was to be replayed or discarded. */
export type DeadOutcome = z.infer<typeof deadOutcome>;
