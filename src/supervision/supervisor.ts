/**
 * Owns a tree of services: start in order, stop in reverse, restart what fails, give up when it fails too often.
 * Promises that a child's failure reaches nobody else under `one-for-one`, and all later children under `rest-for-one`,
 * that stop ends within its deadlines, and that an exhausted intensity escalates exactly once.
 * What a child must keep over a restart is in its own store.
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
	/** From a start to the stop or the escalation after it; a restart that outlives its own does nothing more. */
	#life: symbol | undefined;
	#watching = false;

	constructor(options: SupervisorOptions) {
		this.name = options.name;
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#watch();
				this.#restarts = [];
				this.#restarting = Promise.resolve();
				this.#life = Symbol(options.name);
				for (const child of options.children) await child.start();
			},
			async () => {
				// A restart under way is not waited for: it may hang, and from here on it starts nothing.
				this.#life = undefined;
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

	/**
	 * Called once when the intensity is exhausted, or a child that is to be restarted does not stop:
	 * StewardError `gave-up`, its cause the last failure.
	 */
	onFailure(listener: (error: Error) => void): void {
		this.#listeners.push(listener);
	}

	#watch(): void {
		if (this.#watching) return;
		this.#watching = true;
		for (const child of this.#options.children) {
			child.onFailure?.((error) => {
				const life = this.#life;
				this.#restarting = this.#restarting.then(() => this.#restart(child, error, life));
			});
		}
	}

	async #restart(child: Child, error: Error, life: symbol | undefined): Promise<void> {
		if (life === undefined || life !== this.#life) return;
		const { clock, log, intensity, strategy, children, stopWithinMs } = this.#options;
		const now = clock.monotonic();
		this.#restarts = [...this.#restarts.filter((at) => now - at < intensity.periodMs), now];
		if (this.#restarts.length > intensity.restarts) {
			const { restarts, periodMs } = intensity;
			return this.#escalate(child, `failed more than ${restarts} times in ${periodMs / 1000} s`, error);
		}
		log.warn({ child: child.name, err: messageOf(error) }, 'a child failed and is started again');
		const later = children.slice(children.indexOf(child));
		const affected = strategy === 'one-for-one' ? [child] : later;
		const [hanging] = await this.#stopChildren(affected);
		if (hanging && life === this.#life) {
			// Started beside what still runs of it, it would be there twice.
			return this.#escalate(hanging, `did not stop within ${stopWithinMs / 1000} s`, error);
		}
		try {
			for (const one of affected) {
				if (life !== this.#life) return;
				await one.start();
			}
		} catch (failure) {
			// A child that cannot start has failed again; the intensity bounds how often.
			return this.#restart(child, failure instanceof Error ? failure : new Error(messageOf(failure)), life);
		}
	}

	#escalate(child: Child, why: string, error: Error): void {
		this.#life = undefined;
		const gaveUp = new StewardError(
			'gave-up',
			`${this.name} gave up: ${child.name} ${why} (last: ${messageOf(error)})`,
			{ cause: error },
		);
		this.#options.log.error({ child: child.name, err: messageOf(error) }, gaveUp.message);
		for (const listener of this.#listeners) listener(gaveUp);
	}

	/** In reverse, each within its deadline; one that does not stop, or fails to, is logged and left. Answers who hangs. */
	async #stopChildren(children: readonly Child[]): Promise<Child[]> {
		const { clock, log, stopWithinMs } = this.#options;
		const hanging: Child[] = [];
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
			if (!(await Promise.race([stopped, late]))) {
				log.error({ child: child.name }, 'a child did not stop in time');
				hanging.push(child);
			}
			deadline.abort();
		}
		return hanging;
	}
}
