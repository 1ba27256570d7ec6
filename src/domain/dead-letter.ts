/**
 * Owns the dead letter: a message taken out of its lane, with its evidence, and the summary of it that lists are made from.
 * Promises that a message which was cut says so, and that a summary fits a header and leaves out nothing but texts.
 * Pure.
 */

import { z } from 'zod';
import { rfc3339 } from '../base/clock.ts';
import type { DeadLetterView } from './dead-view-schema.ts';
import { lineageSchema } from './envelope.ts';
import { formatHandle, type Kind, kinds } from './names.ts';
import { faultSchema } from './result.ts';

export type { DeadLetterView, DeadOutcome } from './dead-view-schema.ts';

/** `envelope`: a stored command; `form`: as it came in from elsewhere; `data`: of an event; `statement`: of a node, unreadable. */
const contents = ['envelope', 'form', 'data', 'statement'] as const;

const replayedSchema = z.object({
	/** Handle of the message that it was sent again as. */
	as: z.string(),
	at: z.number(),
	by: z.string(),
});
export type Replayed = z.infer<typeof replayedSchema>;

export const letterSummarySchema = z.object({
	v: z.literal(1),
	node: z.string(),
	kind: z.enum(kinds),
	method: z.string(),
	id: z.string(),
	sender: z.string(),
	/** Server time, milliseconds since the epoch, as all times here. */
	at: z.number(),
	attempts: z.number().int().min(0),
	/** The last one. */
	fault: faultSchema,
	lineage: lineageSchema.nullable(),
	/** Which message of this node, kind, method and id it is, where a sender may use an id twice. */
	origin: z.string(),
	holds: z.enum(contents),
	/** How much of the message is kept. */
	kept: z.enum(['whole', 'beginning', 'none']),
	/** Of the whole message; null where none of it is kept. */
	characters: z.number().int().min(0).nullable(),
	replayed: replayedSchema.nullable(),
});
export type LetterSummary = z.infer<typeof letterSummarySchema>;

export const deadLetterSchema = letterSummarySchema.extend({
	/** The message as it was, as text. */
	message: z.string().nullable(),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;

/** What a header holds of a fault's sentence, characters. */
const summaryCharacters = 200;

export function summaryOf({ message: _, ...summary }: DeadLetter): LetterSummary {
	const { code, message } = summary.fault;
	return { ...summary, fault: { code, message: beginningOf(message) } };
}

function beginningOf(text: string): string {
	return text.length <= summaryCharacters ? text : `${text.slice(0, summaryCharacters - 1)}…`;
}

/** Which letters are meant; what is left out does not matter. */
export type LetterFilter = {
	readonly node?: string | undefined;
	readonly kind?: Kind | undefined;
	readonly method?: string | undefined;
	/** Of the fault. */
	readonly code?: string | undefined;
	/** Written at or after, server time, milliseconds since the epoch. */
	readonly since?: number | undefined;
	/** Whether it was sent again; both where it is left out. */
	readonly replayed?: boolean | undefined;
};

export function matchesLetter(filter: LetterFilter, letter: LetterSummary): boolean {
	const { since, replayed } = filter;
	for (const name of ['node', 'kind', 'method'] as const) {
		if (filter[name] !== undefined && filter[name] !== letter[name]) return false;
	}
	if (filter.code !== undefined && filter.code !== letter.fault.code) return false;
	if (since !== undefined && letter.at < since) return false;
	return replayed === undefined || replayed === (letter.replayed !== null);
}

/** `message` is left out in lists. */
export function deadLetterView(
	letter: LetterSummary & { readonly message?: string | null },
	seq: number,
): DeadLetterView {
	const { node, kind, method, id, sender, at, attempts, fault, lineage, kept, characters, replayed } = letter;
	return {
		handle: formatHandle(letter),
		id,
		node,
		kind,
		method,
		seq,
		sender,
		at: rfc3339(at),
		attempts,
		fault,
		lineage,
		message: letter.message ?? null,
		kept,
		characters,
		replayed: replayed && { ...replayed, at: rfc3339(replayed.at) },
	};
}
