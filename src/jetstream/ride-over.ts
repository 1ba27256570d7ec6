/**
 * Owns asking again where the answer is only "not now": a stream that is between two leaders, another write in flight.
 * Promises an end within the given time, and then the last error as it came.
 * Only for what certainly did not happen, or does no harm twice. Keeps nothing.
 */

import { systemClock } from '../base/clock.ts';

/** An election takes 4 to 9 s where a leader was killed, and none where it stepped down. */
export const electionMs = 10_000;

const pauseMs = { first: 20, most: 500 };

/** Asks until there is an answer, an error that does not pass, or the time is over. */
export async function rideOver<T>(
	ask: () => Promise<T>,
	isPassing: (error: unknown) => boolean,
	withinMs: number,
): Promise<T> {
	const deadline = systemClock.monotonic() + withinMs;
	for (let attempt = 0; ; attempt++) {
		try {
			return await ask();
		} catch (error) {
			const wait = Math.min(pauseMs.first * 2 ** attempt, pauseMs.most);
			if (!isPassing(error) || systemClock.monotonic() + wait > deadline) throw error;
			await systemClock.sleep(wait);
		}
	}
}
