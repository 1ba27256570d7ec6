/**
 * Owns the methods of one user's module, each run where its definition says: in the module's child process, or in a thread
 * of a second one. Promises that the module is described and its data checked in the first alone, and that the second is
 * there only where a method asks for it. When one of the two breaks down, both are started again.
 */

import { Lifecycle } from '../../base/lifecycle.ts';
import type { ProcessIdentity } from '../../base/process.ts';
import type { MethodDescription, MethodProcess, Outcome, RunInput } from './method.ts';

export class ModuleProcess implements MethodProcess {
	readonly name: string;
	readonly #child: MethodProcess;
	readonly #threads: MethodProcess;
	readonly #lifecycle: Lifecycle;
	readonly #listeners: ((error: Error) => void)[] = [];

	constructor({ child, threads }: { child: MethodProcess; threads: MethodProcess }) {
		this.name = child.name;
		this.#child = child;
		this.#threads = threads;
		this.#lifecycle = new Lifecycle(
			async () => {
				await child.start();
				if (child.methods.some(({ isolate }) => isolate === 'worker')) await threads.start();
			},
			async () => {
				await Promise.all([child.stop(), threads.stop()]);
			},
		);
		child.onFailure((error) => this.#fail(error));
		threads.onFailure((error) => this.#fail(error));
	}

	get methods(): readonly MethodDescription[] {
		return this.#child.methods;
	}

	/** @throws StewardError `invalid` when the module cannot be used. */
	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	onFailure(listener: (error: Error) => void): void {
		this.#listeners.push(listener);
	}

	check(method: string, data: unknown): Promise<readonly string[]> {
		return this.#child.check(method, data);
	}

	leaderOf(method: string): ProcessIdentity | undefined {
		return this.#placeOf(method).leaderOf?.(method);
	}

	run(method: string, input: RunInput, signal: AbortSignal): Promise<Outcome> {
		return this.#placeOf(method).run(method, input, signal);
	}

	#placeOf(method: string): MethodProcess {
		const isWorker = this.methods.some(({ name, isolate }) => name === method && isolate === 'worker');
		return isWorker ? this.#threads : this.#child;
	}

	#fail(error: Error): void {
		// So that the supervisor's next start begins anew.
		void this.#lifecycle.stop();
		for (const listener of this.#listeners) listener(error);
	}
}
