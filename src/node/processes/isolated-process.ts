/**
 * Owns the methods of one user's module, which run in a child process of their own, or in threads of that.
 * Promises that nothing which the module does (a busy loop, an exit, a flood of output) reaches the node's event loop,
 * and that a run which ignores its abort is ended, at the price of all other runs in the same child.
 * If the node dies, the child ends itself; a busy one is ended by the identity that `recordChild` wrote down.
 */

import { fileURLToPath } from 'node:url';
import type { Clock } from '../../base/clock.ts';
import { StewardError } from '../../base/errors.ts';
import { Lifecycle } from '../../base/lifecycle.ts';
import type { ProcessIdentity } from '../../base/process.ts';
import { errorFrom, errorRecord } from './isolated-protocol.ts';
import {
	type MethodDescription,
	type MethodProcess,
	type Outcome,
	ProcessDied,
	type RunInput,
} from './method.ts';
import type { Answer } from './module-channel.ts';
import { ModuleChild, type ModuleChildOptions } from './module-child.ts';

/** Beside this file, once compiled. */
const builtRunner = new URL('./isolated-child.js', import.meta.url);

export type IsolatedProcessOptions = Omit<
	ModuleChildOptions,
	'runnerPath' | 'startWithinMs' | 'memoryMb' | 'threads'
> & {
	readonly name: string;
	/** The compiled `isolated-child.js`; beside this file if left out. */
	readonly runnerPath?: string | undefined;
	/** How long a run may go on after its abort, and the child after `stop`; 5 s if left out. */
	readonly graceMs?: number | undefined;
	/** How long the module may take to load; 30 s if left out. */
	readonly startWithinMs?: number | undefined;
	/** See {@link ModuleChildOptions}; 512 if left out. */
	readonly memoryMb?: number | undefined;
	/** Run each run in a thread of the child, so many at a time; without it, in the child itself. */
	readonly threads?: number | undefined;
};

export class IsolatedProcess implements MethodProcess {
	readonly name: string;
	readonly #options: ModuleChildOptions;
	readonly #graceMs: number;
	readonly #lifecycle: Lifecycle;
	readonly #listeners: ((error: Error) => void)[] = [];
	#child: ModuleChild | undefined;
	#methods: readonly MethodDescription[] = [];

	constructor(options: IsolatedProcessOptions) {
		this.name = options.name;
		const { graceMs = 5000, memoryMb = 512, threads: count } = options;
		// The child has the grace to end a thread, and as long again to say so before it is ended itself.
		this.#graceMs = count === undefined ? graceMs : 2 * graceMs;
		this.#options = {
			...options,
			runnerPath: options.runnerPath ?? fileURLToPath(builtRunner),
			startWithinMs: options.startWithinMs ?? 30_000,
			memoryMb,
			threads: count === undefined ? undefined : { count, memoryMb, graceMs },
		};
		this.#lifecycle = new Lifecycle(
			() => this.#begin(),
			async () => {
				const child = this.#child;
				this.#child = undefined;
				await child?.end(this.#graceMs, options.clock);
			},
		);
	}

	get methods(): readonly MethodDescription[] {
		return this.#methods;
	}

	/** @throws StewardError `invalid` when the module cannot be used. */
	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	/** Runs that are still in the child reject with ProcessDied; `onFailure` is not told. */
	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	onFailure(listener: (error: Error) => void): void {
		this.#listeners.push(listener);
	}

	leaderOf(): ProcessIdentity | undefined {
		return this.#child?.leader;
	}

	async check(method: string, data: unknown): Promise<readonly string[]> {
		const { answer } = this.#running().ask((call) => ({ say: 'check', call, method, data }));
		const said = await answer;
		if (said.say === 'checked') return said.problems;
		throw broken(said);
	}

	async run(method: string, input: RunInput, signal: AbortSignal): Promise<Outcome> {
		const child = this.#running();
		await input.recordChild?.(child.leader);
		return runInModule(child, method, input, signal, { graceMs: this.#graceMs, clock: this.#options.clock });
	}

	async #begin(): Promise<void> {
		const child = await ModuleChild.start(this.#options);
		this.#child = child;
		this.#methods = child.methods;
		void child.died.then((death) => this.#fail(child, death));
	}

	#fail(child: ModuleChild, death: ProcessDied): void {
		if (this.#child !== child) return;
		this.#child = undefined;
		// So that the supervisor's next start begins a new child.
		void this.#lifecycle.stop();
		for (const listener of this.#listeners) listener(death);
	}

	#running(): ModuleChild {
		if (this.#child !== undefined) return this.#child;
		throw new ProcessDied(`the child process of ${this.#options.modulePath} is not running`);
	}
}

/** Where a module runs: a child process, or a worker thread. */
type ModulePlace = Pick<ModuleChild, 'ask' | 'send' | 'kill'>;

/** One run in a module that is loaded. A run that goes on after its abort for longer than the grace ends with its place. */
export async function runInModule(
	place: ModulePlace,
	method: string,
	input: RunInput,
	signal: AbortSignal,
	{ graceMs, clock }: { graceMs: number; clock: Clock },
): Promise<Outcome> {
	signal.throwIfAborted();
	const { sender, id, attempt, data } = input;
	const { call, answer } = place.ask(
		(number) => ({ say: 'run', call: number, method, input: { sender, id, attempt, data } }),
		input.output,
	);
	let cancelKill: () => void = () => undefined;
	const abort = () => {
		place.send({ say: 'abort', call, reason: errorRecord(signal.reason) });
		cancelKill = clock.after(graceMs, () => void place.kill());
	};
	signal.addEventListener('abort', abort, { once: true });
	try {
		const said = await answer;
		if (said.say === 'ended') return said.outcome;
		throw broken(said);
	} finally {
		signal.removeEventListener('abort', abort);
		cancelKill();
	}
}

/** What the method threw, or an answer that belongs to another question: only a broken module can send that. */
function broken(said: Answer): Error {
	if (said.say === 'threw') {
		const error = errorFrom(said.error);
		// A thread of the child.
		return error.name === 'ProcessDied' ? new ProcessDied(error.message, { cause: error.cause }) : error;
	}
	return new StewardError('invalid', `the child process answered with "${said.say}" out of turn`);
}
