/**
 * Owns the wait before the next attempt.
 * Promises a wait within [0, cap], spread by jitter so that a fleet does not come back in step.
 * Pure; the attempt's number and its due time are kept by whoever asks.
 */

export type Backoff = {
	readonly kind: 'fixed' | 'exponential';
	/** First wait, milliseconds. */
	readonly initialMs: number;
	/** Longest wait, milliseconds. */
	readonly capMs: number;
	/** Share of the wait that is random, 0 to 1. */
	readonly jitter: number;
};

/** `backoff` of a command that names none: exponential, 1 s to 5 min, half of it random. */
export const defaultBackoff: Backoff = { kind: 'exponential', initialMs: 1000, capMs: 300_000, jitter: 0.5 };

/** Milliseconds to wait after `attempt` (1 is the first). `random` gives [0, 1). */
export function backoffMs(backoff: Backoff, attempt: number, random: () => number): number {
	const factor = backoff.kind === 'fixed' ? 1 : 2 ** Math.min(attempt - 1, 30);
	const full = Math.min(backoff.initialMs * factor, backoff.capMs);
	return Math.round(full * (1 - backoff.jitter * random()));
}
