/**
 * Owns a tree of services: start in order, stop in reverse, restart what fails, give up when it fails too often.
 * Promises that a child's failure reaches nobody else under `one-for-one`, and all later children under `rest-for-one`,
 * and that an exhausted intensity escalates exactly once. What a child must keep over a restart is in its own store.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf, StewardError } from '../base/errors.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';

/** A service that can fail by itself, after it has started. */
export type Child = Service & { onFailure?(listener: (error: Error) => void): void };

export type SupervisorOptions = {
	name: string;
	strategy: 'one-for-one' | 'rest-for-one';
	/** More restarts than `restarts` within `periodMs` escalate. */
	intensity: { restarts: number; periodMs: number };
	children: readonly Child[];
	/** How long a child may take to stop before it is left behind. */
	stopWithinMs: number;
	clock: Clock;
	log: Log;
};

export class Supervisor implements Service {
	readonly name: string;
	readonly #options: SupervisorOptions;
	readonly #lifecycle: Lifecycle;
	readonly #listeners: ((error: Error) => void)[] = [];
	#restarts: number[] = [];
	#restarting: Promise<void> = Promise.resolve();
	#up = false;
	#watching = false;

	constructor(options: SupervisorOptions) {
		this.name = options.name;
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#watch();
				this.#restarts = [];
				this.#up = true;
				for (const child of options.children) await child.start();
			},
			async () => {
				this.#up = false;
				await this.#restarting;
				await this.#stopChildren(options.children);
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Called once when the intensity is exhausted: StewardError `gave-up`, its cause the last failure. */
	onFailure(listener: (error: Error) => void): void {
		this.#listeners.push(listener);
	}

	#watch(): void {
		if (this.#watching) return;
		this.#watching = true;
		for (const child of this.#options.children) {
			child.onFailure?.((error) => {
				this.#restarting = this.#restarting.then(() => this.#restart(child, error));
			});
		}
	}

	async #restart(child: Child, error: Error): Promise<void> {
		if (!this.#up) return;
		const { clock, log, intensity, strategy, children } = this.#options;
		const now = clock.monotonic();
		this.#restarts = [...this.#restarts.filter((at) => now - at < intensity.periodMs), now];
		if (this.#restarts.length > intensity.restarts) return this.#escalate(child, error);
		log.warn({ child: child.name, err: messageOf(error) }, 'a child failed and is started again');
		const later = children.slice(children.indexOf(child));
		const affected = strategy === 'one-for-one' ? [child] : later;
		await this.#stopChildren(affected);
		try {
			for (const one of affected) await one.start();
		} catch (failure) {
			// A child that cannot start has failed again; the intensity bounds how often.
			return this.#restart(child, failure instanceof Error ? failure : new Error(messageOf(failure)));
		}
	}

	#escalate(child: Child, error: Error): void {
		this.#up = false;
		const { restarts, periodMs } = this.#options.intensity;
		const gaveUp = new StewardError(
			'gave-up',
			`${this.name} gave up: ${child.name} failed more than ${restarts} times in ${periodMs / 1000} s (last: ${messageOf(error)})`,
			{ cause: error },
		);
		this.#options.log.error({ child: child.name, err: messageOf(error) }, gaveUp.message);
		for (const listener of this.#listeners) listener(gaveUp);
	}

	/** In reverse, each within its deadline; one that does not stop, or fails to, is logged and left. */
	async #stopChildren(children: readonly Child[]): Promise<void> {
		const { clock, log, stopWithinMs } = this.#options;
		for (const child of [...children].reverse()) {
			const deadline = new AbortController();
			const stopped = child.stop().then(
				() => true,
				(error: unknown) => {
					log.error({ child: child.name, err: messageOf(error) }, 'a child failed to stop');
					return true;
				},
			);
			const late = clock.sleep(stopWithinMs, deadline.signal).then(() => false);
			if (!(await Promise.race([stopped, late])))
				log.error({ child: child.name }, 'a child did not stop in time');
			deadline.abort();
		}
	}
}
