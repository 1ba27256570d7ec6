/**
 * Owns the questions over many commands, nodes or schedules that a centre answers, as they travel.
 * Promises pages: an answer fits a message, and says where the next one begins.
 * Pure.
 */

import { z } from 'zod';
import { errorCodes } from '../base/errors.ts';
import { commandStates } from './state.ts';

/** Characters of a piece that is looked for. */
export const longestSearch = 200;

const commandsQuestion = z.object({
	node: z.string().optional(),
	method: z.string().optional(),
	states: z.array(z.enum(commandStates)).optional(),
	/** Queued at or after, server time, milliseconds since the epoch. */
	since: z.number().optional(),
	/** Ticks and runs of this schedule. */
	schedule: z.string().optional(),
	/** A piece of the handle or of the method. */
	search: z.string().optional(),
	limit: z.number().int().min(1).max(100_000),
	cursor: z.string().optional(),
});
const queueQuestion = z.object({ node: z.string(), cursor: z.string().optional() });
const nodesQuestion = z.object({
	node: z.string().optional(),
	/** All of these labels. */
	where: z.record(z.string(), z.string()).optional(),
	presence: z.array(z.string()).optional(),
	limit: z.number().int().min(1).optional(),
	cursor: z.string().optional(),
});
const schedulesQuestion = z.object({ name: z.string().optional(), cursor: z.string().optional() });

export const questions = {
	commands: commandsQuestion,
	queue: queueQuestion,
	nodes: nodesQuestion,
	schedules: schedulesQuestion,
	rows: z.object({ cursor: z.string().optional() }),
	totals: z.object({}),
} as const;
export type QuestionName = keyof typeof questions;
export type Question<Name extends QuestionName> = z.infer<(typeof questions)[Name]>;

/** `items` are the views of domain/view.ts, and of domain/schedule-view.ts; `next` is the cursor of the next page. */
export const answerSchema = z.discriminatedUnion('ok', [
	z.object({
		ok: z.literal(true),
		items: z.array(z.unknown()),
		next: z.string().nullable(),
		/** The index is still being built: the answer may lack something. */
		indexing: z.boolean(),
	}),
	z.object({ ok: z.literal(false), code: z.enum(errorCodes), message: z.string() }),
]);
export type Answer = z.infer<typeof answerSchema>;
