/**
 * Owns the worker threads that run one module's methods: how many there are, and who may run next.
 * Promises one run a thread at a time and never more threads than allowed, in the order in which the runs came; a thread
 * that ends takes nothing but its run with it, and its place is free again when it is truly gone.
 * The threads die with their process; what was running then is in the journal as started.
 */

import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import { runInModule } from './isolated-process.ts';
import { type Outcome, ProcessDied, type RunInput } from './method.ts';
import { ModuleThread, type ModuleThreadOptions } from './module-thread.ts';

export type WorkerPoolOptions = Omit<ModuleThreadOptions, 'startWithinMs'> & {
	/** How many threads there may be. */
	readonly count: number;
	/** How long a run may go on after its abort. */
	readonly graceMs: number;
	/** How long a thread without work is kept; 30 s if left out. */
	readonly idleMs?: number | undefined;
};

type Idle = { readonly thread: ModuleThread; readonly cancelEnd: () => void };

const startWithinMs = 30_000;

export class WorkerPool implements Service {
	readonly name = 'worker threads';
	readonly #options: WorkerPoolOptions;
	readonly #lifecycle: Lifecycle;
	readonly #threads = new Set<ModuleThread>();
	#idle: Idle[] = [];
	/** Runs that have a thread, or are about to. */
	#busy = 0;
	#queue: (() => void)[] = [];

	constructor(options: WorkerPoolOptions) {
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => undefined,
			() => this.#end(),
		);
	}

	/** How many threads there are. */
	get size(): number {
		return this.#threads.size;
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	/** Runs that are still in a thread, or wait for one, reject with ProcessDied. */
	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/**
	 * Runs a method in a thread that has nothing else to do, and waits for one.
	 * @throws ProcessDied when the thread ended in the middle; anything else is what the method threw.
	 */
	async run(method: string, input: RunInput, signal: AbortSignal): Promise<Outcome> {
		const { clock, graceMs } = this.#options;
		await this.#turn(signal);
		try {
			const thread = await this.#freeThread(signal);
			try {
				return await runInModule(thread, method, input, signal, { graceMs, clock });
			} finally {
				this.#rest(thread);
			}
		} finally {
			this.#busy -= 1;
			this.#queue.shift()?.();
		}
	}

	/** Waits until fewer than all threads are at work. */
	async #turn(signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		this.#checkRunning();
		if (this.#busy < this.#options.count && this.#queue.length === 0) {
			this.#busy += 1;
			return;
		}
		await new Promise<void>((resolve, reject) => {
			const go = () => {
				signal.removeEventListener('abort', giveUp);
				// In this turn: nobody who comes in between may take the place.
				this.#busy += 1;
				resolve();
			};
			const giveUp = () => {
				this.#queue = this.#queue.filter((other) => other !== go);
				reject(signal.reason);
			};
			signal.addEventListener('abort', giveUp, { once: true });
			this.#queue.push(go);
		});
	}

	async #freeThread(signal: AbortSignal): Promise<ModuleThread> {
		this.#checkRunning();
		// The one that has worked last: the others may end.
		const ready = this.#idle.at(-1);
		if (ready) return this.#wake(ready);
		const thread = ModuleThread.spawn({ ...this.#options, startWithinMs });
		this.#threads.add(thread);
		void thread.died.then((death) => this.#bury(thread, death));
		const giveUp = () => void thread.kill();
		signal.addEventListener('abort', giveUp, { once: true });
		try {
			await thread.load();
		} catch (error) {
			signal.throwIfAborted();
			this.#checkRunning();
			throw error;
		} finally {
			signal.removeEventListener('abort', giveUp);
		}
		return thread;
	}

	#wake(idle: Idle): ModuleThread {
		this.#idle = this.#idle.filter((other) => other !== idle);
		idle.cancelEnd();
		return idle.thread;
	}

	/** Keeps it for the next run of its module, unless it has died. */
	#rest(thread: ModuleThread): void {
		if (!this.#threads.has(thread) || !this.#lifecycle.running) return;
		const { clock, idleMs = 30_000 } = this.#options;
		const idle: Idle = {
			thread,
			cancelEnd: clock.after(idleMs, () => {
				this.#wake(idle);
				void thread.kill();
			}),
		};
		this.#idle.push(idle);
	}

	#bury(thread: ModuleThread, death: ProcessDied): void {
		this.#threads.delete(thread);
		const idle = this.#idle.find((other) => other.thread === thread);
		if (!idle) return;
		this.#wake(idle);
		this.#options.log.warn({ err: death.message }, 'a worker thread ended while it had nothing to do');
	}

	async #end(): Promise<void> {
		for (const idle of this.#idle) this.#wake(idle);
		// Who waits is let go, and told.
		for (const go of this.#queue.splice(0)) go();
		await Promise.all([...this.#threads].map((thread) => thread.kill()));
	}

	#checkRunning(): void {
		if (!this.#lifecycle.running) throw new ProcessDied('the worker threads are not running');
	}
}
