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

/** setTimeout overflows above this many milliseconds (24.8 days) and fires at once: longer waits are made of several. */
const longestTimerMs = 2 ** 31 - 1;

/** The times that RFC 3339 has words for: years of four digits. */
const [firstTimeMs, lastTimeMs] = [
	Date.parse('0000-01-01T00:00:00.000Z'),
	Date.parse('9999-12-31T23:59:59.999Z'),
];

export const systemClock: Clock = {
	now: () => Date.now(),
	monotonic: () => performance.now(),
	after(ms, fn) {
		return startTimer(ms, fn, (timer) => timer.unref());
	},
	sleep(ms, signal) {
		return new Promise((resolve) => {
			if (signal?.aborted) return resolve();
			const done = () => {
				cancel();
				signal?.removeEventListener('abort', done);
				resolve();
			};
			const cancel = startTimer(ms, done);
			signal?.addEventListener('abort', done, { once: true });
		});
	},
};

function startTimer(ms: number, fn: () => void, prepare?: (timer: NodeJS.Timeout) => void): () => void {
	const dueAt = performance.now() + ms;
	let timer: NodeJS.Timeout;
	const arm = (restMs: number) => {
		timer =
			restMs > longestTimerMs
				? setTimeout(() => arm(dueAt - performance.now()), longestTimerMs)
				: setTimeout(fn, Math.max(restMs, 0));
		prepare?.(timer);
	};
	arm(ms);
	return () => clearTimeout(timer);
}

/**
 * RFC 3339 UTC with milliseconds, the only form in which times leave the program. A time beyond the year 9999 (somebody's
 * deadline) is said as its last millisecond, so that one absurd number never breaks a list.
 */
export function rfc3339(ms: number): string {
	if (ms === last.ms) return last.text;
	if (ms === before.ms) return before.text;
	const text = new Date(Math.min(Math.max(ms, firstTimeMs), lastTimeMs)).toISOString();
	before = last;
	last = { ms, text };
	return text;
}

/** The two that were said last: of thousands of receipts nearly all say the same two, and a text takes as long to make as all the rest of one. */
let [last, before] = [
	{ ms: Number.NaN, text: '' },
	{ ms: Number.NaN, text: '' },
];

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
