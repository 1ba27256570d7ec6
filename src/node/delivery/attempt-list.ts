/**
 * Owns the list of a command's attempts: how one begins, how the last one ends, and how long the list becomes.
 * Promises that an attempt which began and has no outcome is the last of its list, and that the list is bounded: the
 * numbers of the attempts tell what was left out.
 * Pure; the journal keeps the list.
 */

import type { Attempt, AttemptOutcome, FaultRecord, Result } from '../../domain/result.ts';

/** An attempt that runs, or of which nobody heard how it ended. */
export function openAttempt(attempt: number, startedAt: number): Attempt {
	return { attempt, startedAt, endedAt: null, outcome: null, exitCode: null, signal: null, fault: null };
}

/** How many attempts are kept of the first ones, and of the last. */
const [keptFirst, keptLast] = [4, 28];
/** The most that is kept of the fault of an attempt that is not the last, characters. */
const longestOldFault = 200;

/** The number of the last attempt, 0 before the first. */
export function lastAttempt(attempts: readonly Attempt[]): number {
	return attempts.at(-1)?.attempt ?? 0;
}

/** The attempts before this one, and this one as begun. */
export function withAttempt(
	attempts: readonly Attempt[],
	attempt: number,
	startedAt: number,
): readonly Attempt[] {
	const earlier = attempts.filter((other) => other.attempt < attempt).map(withShortFault);
	const all = [...earlier, openAttempt(attempt, startedAt)];
	return all.length <= keptFirst + keptLast ? all : [...all.slice(0, keptFirst), ...all.slice(-keptLast)];
}

function withShortFault(attempt: Attempt): Attempt {
	const { fault } = attempt;
	if (!fault || fault.message.length <= longestOldFault) return attempt;
	return { ...attempt, fault: { ...fault, message: `${fault.message.slice(0, longestOldFault)}…` } };
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
