/**
 * Owns the stress test that every `Service` passes.
 * Promises that a service which survives it may be started and stopped by anybody in any order.
 * Ends with the service stopped, also when it fails.
 */

import type { Service } from '../../src/base/lifecycle.ts';

/**
 * Ten callers, fifty rounds: each caller starts or stops the service at random, all at once, and no call may fail.
 * Give `rounds` when one start and stop costs more than about 50 ms. `afterStop` may check that nothing is left.
 */
export async function stressLifecycle(
	makeService: () => Service | Promise<Service>,
	options: { callers?: number; rounds?: number; seed?: number; afterStop?: () => void | Promise<void> } = {},
): Promise<void> {
	const { callers = 10, rounds = 50, seed = 1, afterStop } = options;
	const random = repeatableRandom(seed);
	const service = await makeService();
	try {
		await service.stop();
		for (let round = 0; round < rounds; round += 1) {
			const calls = Array.from({ length: callers }, () =>
				random() < 0.5 ? service.start() : service.stop(),
			);
			await Promise.all(calls);
		}
	} finally {
		await Promise.all([service.stop(), service.stop()]);
		await afterStop?.();
	}
}

/** Mulberry32: the same seed gives the same order of calls, so that a failure can be seen again. */
function repeatableRandom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}
