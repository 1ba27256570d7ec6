/**
 * Owns what it means to start and stop: a `Service`, the serialiser that makes start and stop safe to call
 * in any order, and the loop of a periodic service.
 * Promises: start is idempotent, stop is safe twice and before start, and stop resolves when the thing has stopped.
 * A crash ends everything at once; services keep what must survive in their own stores.
 */

import type { Clock } from './clock.ts';
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';

/** Everything long-lived. The constructor does nothing. */
export type Service = {
	readonly name: string;
	start(): Promise<void>;
	stop(): Promise<void>;
};

/**
 * Serialises `start` and `stop` of one service: whatever is called how often, the steps run one at a time,
 * and only when they change something. Where `begin` fails, `end` is called, and `start` rejects with `begin`'s error.
 */
export class Lifecycle {
	readonly #begin: () => Promise<void>;
	readonly #end: () => Promise<void>;
	#running = false;
	#last: Promise<unknown> = Promise.resolve();

	constructor(begin: () => Promise<void>, end: () => Promise<void>) {
		this.#begin = begin;
		this.#end = end;
	}

	get running(): boolean {
		return this.#running;
	}

	start(): Promise<void> {
		return this.#enqueue(async () => {
			if (this.#running) return;
			this.#running = true;
			try {
				await this.#begin();
			} catch (error) {
				this.#running = false;
				// What has half begun may fail to end; why it could not begin is what the caller can act on.
				await Promise.allSettled([this.#end()]);
				throw error;
			}
		});
	}

	stop(): Promise<void> {
		return this.#enqueue(async () => {
			if (!this.#running) return;
			this.#running = false;
			await this.#end();
		});
	}

	#enqueue(step: () => Promise<void>): Promise<void> {
		const next = this.#last.then(step, step);
		this.#last = next.then(
			() => undefined,
			() => undefined,
		);
		return next;
	}
}

/**
 * A service that calls `runOnce` again and again, `everyMs` after the last call ended.
 * An error is logged and the loop goes on: whoever needs more gives `runOnce` a decision of its own.
 */
export class Periodic implements Service {
	readonly name: string;
	readonly #lifecycle: Lifecycle;
	#stopping = new AbortController();
	#loop: Promise<void> = Promise.resolve();

	constructor(options: {
		name: string;
		everyMs: number;
		runOnce: (signal: AbortSignal) => Promise<unknown>;
		clock: Clock;
		log: Log;
	}) {
		this.name = options.name;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#stopping = new AbortController();
				this.#loop = this.#run(options, this.#stopping.signal);
			},
			async () => {
				this.#stopping.abort();
				await this.#loop;
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	async #run(
		options: { everyMs: number; runOnce: (signal: AbortSignal) => Promise<unknown>; clock: Clock; log: Log },
		signal: AbortSignal,
	): Promise<void> {
		while (!signal.aborted) {
			try {
				await options.runOnce(signal);
			} catch (error) {
				if (!signal.aborted)
					options.log.warn({ err: messageOf(error) }, `${this.name} failed; it will run again`);
			}
			await options.clock.sleep(options.everyMs, signal);
		}
	}
}
