/**
 * Owns time: the wall clock, the monotonic clock, and waiting.
 * Promises that everything that depends on time takes a `Clock`, so that a test can hold it still.
 * Timers die with the process; nobody may rely on one across a crash.
 */

export type Clock = {
	/** Wall clock, milliseconds since the epoch. May jump. */
	now(): number;
	/** Monotonic milliseconds; only differences mean something. Never jumps back. */
	monotonic(): number;
	/** Calls `fn` once after `ms`; the answer cancels it. Never keeps the process alive by itself. */
	after(ms: number, fn: () => void): () => void;
	/** Resolves after `ms`, or at once when `signal` aborts (it does not reject: ask the signal). */
	sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

/** setTimeout overflows above this many milliseconds (24.8 days) and fires at once. */
const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
	now: () => Date.now(),
	monotonic: () => performance.now(),
	after(ms, fn) {
		const timer = setTimeout(fn, Math.min(Math.max(ms, 0), longestTimer));
		timer.unref();
		return () => clearTimeout(timer);
	},
	sleep(ms, signal) {
		return new Promise((resolve) => {
			if (signal?.aborted) return resolve();
			const done = () => {
				clearTimeout(timer);
				signal?.removeEventListener('abort', done);
				resolve();
			};
			const timer = setTimeout(done, Math.min(Math.max(ms, 0), longestTimer));
			signal?.addEventListener('abort', done, { once: true });
		});
	},
};

/** RFC 3339 UTC with milliseconds, the only form in which times leave the program. */
export function rfc3339(ms: number): string {
	return new Date(ms).toISOString();
}

/** Rejects with `onTimeout()` when `promise` takes longer than `ms`. The promise itself goes on. */
export async function withDeadline<T>(
	clock: Clock,
	promise: Promise<T>,
	ms: number,
	onTimeout: () => Error,
): Promise<T> {
	let cancel: () => void = () => undefined;
	const timeout = new Promise<never>((_, reject) => {
		cancel = clock.after(ms, () => reject(onTimeout()));
	});
	try {
		return await Promise.race([promise, timeout]);
	} finally {
		cancel();
	}
}
