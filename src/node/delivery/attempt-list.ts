/**
 * Owns the list of a command's attempts: how one begins, and how the last one ends.
 * Promises that an attempt which began and has no outcome is the last of its list.
 * Pure; the journal keeps the list.
 */

import type { Attempt, AttemptOutcome, FaultRecord, Result } from '../../domain/result.ts';

/** An attempt that runs, or of which nobody heard how it ended. */
export function openAttempt(attempt: number, startedAt: number): Attempt {
	return { attempt, startedAt, endedAt: null, outcome: null, exitCode: null, signal: null, fault: null };
}

/** The attempts with the last one ended. */
export function closeLast(
	attempts: readonly Attempt[],
	endedAt: number,
	outcome: AttemptOutcome,
	result: Result | null,
	fault: FaultRecord | null,
): readonly Attempt[] {
	const { exitCode = null, signal = null } = result ?? {};
	const end = { endedAt, outcome, exitCode, signal, fault };
	return attempts.map((attempt, index) => (index === attempts.length - 1 ? { ...attempt, ...end } : attempt));
}
