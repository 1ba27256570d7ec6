/**
 * Owns waiting in tests: ask again until it is so, with a deadline.
 * Promises the answer, or an error that says what was waited for and what was last seen.
 * Ends with the test that calls it.
 */

/** Longer than a busy machine takes for anything: only what fails waits until then. */
export const longestWaitMs = 120_000;

export type EventuallyOptions = {
	timeoutMs?: number;
	/** Asks that often, instead of often at first and more seldom then. */
	everyMs?: number;
	/** What is waited for, for the error. */
	message?: string;
	/** Ends the waiting: rejects with the signal's reason. */
	signal?: AbortSignal;
};

/** Calls `fn` until it answers something truthy without throwing, and gives that answer. After expectations, return true. */
export async function eventually<T>(
	fn: () => T | Promise<T>,
	options: EventuallyOptions = {},
): Promise<NonNullable<Exclude<T, false>>> {
	const { timeoutMs = longestWaitMs, everyMs, message = 'it never became so' } = options;
	const beganAt = performance.now();
	const deadline = beganAt + timeoutMs;
	let last: unknown;
	for (;;) {
		options.signal?.throwIfAborted();
		try {
			const answer = await fn();
			if (isTruthy(answer)) return answer;
			last = answer;
		} catch (error) {
			last = error;
		}
		if (performance.now() > deadline) {
			const cause = last instanceof Error ? last.message : JSON.stringify(last);
			throw new Error(`${message} within ${timeoutMs} ms; last seen: ${cause}`, { cause: last });
		}
		await new Promise((resolve) => setTimeout(resolve, everyMs ?? pauseMs(performance.now() - beganAt)));
	}
}

/** A tenth of what has been waited: who asks all the time takes the processor from what is waited for. */
function pauseMs(waitedMs: number): number {
	return Math.min(Math.max(waitedMs / 10, 5), 100);
}

function isTruthy<T>(value: T): value is NonNullable<Exclude<T, false>> {
	return Boolean(value);
}
