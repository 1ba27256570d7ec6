/**
 * Owns how long the page waits before it asks a server again that did not answer.
 * Promises that a thousand pages do not come back in the same moment. Pure.
 */

const firstMs = 500;
const longestMs = 15_000;

/** `attempt` counts from 0; `random` is in [0, 1). Between half and the whole of a wait that doubles. */
export function waitBeforeAttempt(attempt: number, random: number): number {
	const most = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 10));
	return Math.round(most / 2 + (most / 2) * random);
}
