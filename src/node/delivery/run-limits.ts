/**
 * Owns the abort of runs by clock and by the node's stop, where nothing else ends one of them alone.
 * Promises a signal that aborts `runForMs` after its run began, or when the node's grace is over; runs that begin in one turn of
 * the event loop share it: a signal for each is a sixth of what a node does for a short event.
 * Dies with the process.
 */

import { setMaxListeners } from 'node:events';
import type { Clock } from '../../base/clock.ts';

type Shared = { readonly signal: AbortSignal; runs: number; readonly end: () => void };

export class RunLimits {
	readonly #options: { readonly runForMs: number; readonly graceOver: AbortSignal; readonly clock: Clock };
	/** Of this turn. */
	#current: Shared | undefined;

	constructor(options: { runForMs: number; graceOver: AbortSignal; clock: Clock }) {
		this.#options = options;
	}

	/** For a run that begins now; `end` is called when it is over. */
	begin(): { readonly signal: AbortSignal; readonly end: () => void } {
		const shared = this.#current ?? this.#share();
		shared.runs += 1;
		return shared;
	}

	#share(): Shared {
		const { runForMs, graceOver, clock } = this.#options;
		const controller = new AbortController();
		setMaxListeners(0, controller.signal);
		const cancel = clock.after(runForMs, () => controller.abort(new Error('the event took too long')));
		const off = onAbort(graceOver, () => controller.abort(new Error('the node stops')));
		const shared: Shared = {
			signal: controller.signal,
			runs: 0,
			end: () => {
				shared.runs -= 1;
				if (shared.runs > 0) return;
				if (this.#current === shared) this.#current = undefined;
				cancel();
				off();
			},
		};
		this.#current = shared;
		setImmediate(() => {
			if (this.#current === shared) this.#current = undefined;
		});
		return shared;
	}
}

/** Calls `listener` when `signal` aborts, at once where it has; the answer takes it off. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
	if (signal.aborted) listener();
	signal.addEventListener('abort', listener, { once: true });
	return () => signal.removeEventListener('abort', listener);
}
