/**
 * Owns the shapes of outcomes: what a method's run left behind, attempt by attempt.
 * Promises that nothing is cut silently: head and tail say how much there was, and its digest.
 * Pure.
 */

import { z } from 'zod';

/** How much of the beginning and of the end of an output a result holds, bytes each. */
export const outputEdgeBytes = 16 * 1024;

/** One output stream of a run. `cut` is what is missing between head and tail, bytes. */
const outputSummarySchema = z.object({
	head: z.string(),
	tail: z.string(),
	bytes: z.number().int().min(0),
	sha256: z.string(),
	encoding: z.enum(['utf8', 'base64']),
	cut: z.number().int().min(0),
});
export type OutputSummary = z.infer<typeof outputSummarySchema>;

export const faultSchema = z.object({ code: z.string(), message: z.string() });
/** Why a command was refused or a method broke: a stable code and a sentence for people. */
export type FaultRecord = z.infer<typeof faultSchema>;

export const resultSchema = z.object({
	exitCode: z.number().int().nullable(),
	signal: z.string().nullable(),
	stdout: outputSummarySchema.nullable(),
	stderr: outputSummarySchema.nullable(),
	/** What a method returned that is no child process's output: any JSON. */
	value: z.unknown().optional(),
});
export type Result = z.infer<typeof resultSchema>;

const attemptOutcomes = ['succeeded', 'failed', 'timedOut', 'interrupted', 'cancelled', 'rejected'] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

export const attemptSchema = z.object({
	attempt: z.number().int().min(1),
	/** Server time, milliseconds since the epoch. */
	startedAt: z.number(),
	endedAt: z.number().nullable(),
	outcome: z.enum(attemptOutcomes).nullable(),
	exitCode: z.number().int().nullable(),
	signal: z.string().nullable(),
	fault: faultSchema.nullable(),
});
/** One start of the method. `outcome` null: it runs, or nobody heard how it ended. */
export type Attempt = z.infer<typeof attemptSchema>;

export const emptyResult: Result = { exitCode: null, signal: null, stdout: null, stderr: null };
