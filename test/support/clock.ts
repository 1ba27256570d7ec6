/**
 * Owns time in tests: a `Clock` that stands still until it is told to move.
 * Promises that `advance` fires what is due in the order of its due times, and lets promises settle after each.
 * Holds nothing outside itself.
 */

import type { Clock } from '../../src/base/clock.ts';

export type ManualClock = Clock & {
	/** Moves both clocks on by `ms`, firing timers on the way. */
	advance(ms: number): Promise<void>;
	/** Makes the wall clock jump by `ms` (also back); monotonic time and timers do not notice. */
	jump(ms: number): void;
	/** How many timers wait: zero at the end of a test means that nothing leaked. */
	readonly pending: number;
};

type Timer = { dueMs: number; fn: () => void };

export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
	let elapsedMs = 0;
	let wallOffsetMs = startMs;
	const timers = new Set<Timer>();
	const after = (ms: number, fn: () => void) => {
		const timer = { dueMs: elapsedMs + Math.max(ms, 0), fn };
		timers.add(timer);
		return () => {
			timers.delete(timer);
		};
	};
	return {
		now: () => wallOffsetMs + elapsedMs,
		monotonic: () => elapsedMs,
		after,
		sleep: (ms, signal) =>
			new Promise((resolve) => {
				if (signal?.aborted) return resolve();
				const done = () => {
					cancel();
					signal?.removeEventListener('abort', done);
					resolve();
				};
				const cancel = after(ms, done);
				signal?.addEventListener('abort', done, { once: true });
			}),
		jump(ms) {
			wallOffsetMs += ms;
		},
		get pending() {
			return timers.size;
		},
		async advance(ms) {
			const endMs = elapsedMs + ms;
			await settle();
			for (let timer = nextDue(timers, endMs); timer !== undefined; timer = nextDue(timers, endMs)) {
				timers.delete(timer);
				elapsedMs = Math.max(elapsedMs, timer.dueMs);
				timer.fn();
				await settle();
			}
			elapsedMs = endMs;
		},
	};
}

/** The earliest timer that is due by `endMs`; of equals, the one that was set first. */
function nextDue(timers: ReadonlySet<Timer>, endMs: number): Timer | undefined {
	let next: Timer | undefined;
	for (const timer of timers) {
		if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
	}
	return next;
}

/** All microtasks run before the next macrotask: one turn of the event loop settles what needs no I/O. */
function settle(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}
