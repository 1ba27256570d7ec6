/**
 * Owns one worker thread with one user's module in it: from its start to its end, with the run that waits for its answer.
 * Promises that each run ends: with its answer, or with `ProcessDied` once the thread is gone.
 * It dies with its process, which is a child of the node and never the node itself: a thread that grows past its bound in
 * one step (a large Map, a large array) takes its process with it.
 */

import { Worker } from 'node:worker_threads';
import type { Clock } from '../../base/clock.ts';
import { messageOf, StewardError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { atMost, childEnvironment, type Environment } from './child-process.ts';
import { errorFrom, type ToChild } from './isolated-protocol.ts';
import type { ProcessDied } from './method.ts';
import { type Answer, ModuleChannel, type Peer, type TakeOutput } from './module-channel.ts';

export type ModuleThreadOptions = {
	/** Absolute path of the user's module. */
	readonly modulePath: string;
	readonly node: string;
	readonly dataDir: string;
	/** The environment of its process. */
	readonly env: Environment;
	readonly clock: Clock;
	readonly log: Log;
	/** The compiled `isolated-child.js`. */
	readonly runnerPath: string;
	/** How long the module may take to load, milliseconds. */
	readonly startWithinMs: number;
	/** Its JavaScript heap, MiB; its buffers may be as large again. */
	readonly memoryMb: number;
};

export class ModuleThread {
	/** Resolves with the reason when the thread is gone. */
	readonly died: Promise<ProcessDied>;
	readonly #worker: Worker;
	readonly #channel: ModuleChannel;

	readonly #options: ModuleThreadOptions;

	/** Starts a thread, in which {@link load} comes first. @throws StewardError `invalid` when the system has none left. */
	static spawn(options: ModuleThreadOptions): ModuleThread {
		const { modulePath, node, env, memoryMb } = options;
		try {
			const worker = new Worker(options.runnerPath, {
				env: childEnvironment(env, { STEWARD_NODE: node }),
				argv: [],
				execArgv: [],
				stdin: false,
				stdout: true,
				stderr: true,
				resourceLimits: { maxOldGenerationSizeMb: memoryMb },
			});
			return new ModuleThread(worker, options);
		} catch (error) {
			throw unusable(modulePath, `its thread could not be started: ${messageOf(error)}`, error);
		}
	}

	private constructor(worker: Worker, options: ModuleThreadOptions) {
		const channel = new ModuleChannel(peerOf(worker), options);
		this.#options = options;
		this.#worker = worker;
		this.#channel = channel;
		// A thread out of memory cannot say so itself.
		worker.on('error', (error) => channel.blame(error));
		this.died = new Promise((resolve) => {
			worker.once('exit', (code) => resolve(channel.close({ code, signal: null })));
		});
	}

	/** Loads the module. @throws StewardError `invalid` when it cannot be used in a thread, which is gone then. */
	async load(): Promise<void> {
		const { modulePath, node, dataDir, clock, startWithinMs } = this.#options;
		const channel = this.#channel;
		channel.send({ say: 'load', module: modulePath, node, dataDir });
		await atMost(clock, startWithinMs, Promise.race([channel.opened, this.died]));
		const { opening } = channel;
		if (opening?.say === 'ready') return;
		if (opening === undefined) channel.blame(new Error(`loading took longer than ${startWithinMs} ms`));
		await this.kill();
		const cause = opening ? errorFrom(opening.error) : await this.died;
		throw unusable(modulePath, cause.message, cause);
	}

	/** Asks the module; `call` is the number of the question. @throws ProcessDied when it is gone before it answered. */
	ask(
		question: (call: number) => ToChild,
		takeOutput?: TakeOutput,
	): { call: number; answer: Promise<Answer> } {
		return this.#channel.ask(question, takeOutput);
	}

	send(message: ToChild): void {
		this.#channel.send(message);
	}

	/** Ends it at once, whatever it does. Resolves when it is gone. Programs that the module started go on. */
	async kill(): Promise<void> {
		await this.#worker.terminate();
		await this.died;
	}
}

function peerOf(worker: Worker): Peer {
	return {
		title: 'worker thread',
		stdout: worker.stdout,
		stderr: worker.stderr,
		send(message, then) {
			worker.postMessage(JSON.stringify(message));
			then();
		},
		onMessage: (listener) => void worker.on('message', (text: unknown) => listener(parsed(text))),
		onClosed: (listener) => void worker.once('exit', () => listener()),
		// It is of the same process, which its node bounds.
		close: () => void worker.terminate(),
	};
}

/** A user's code has the same port: what is not ours is dropped by whoever listens. */
function parsed(text: unknown): unknown {
	try {
		return JSON.parse(String(text));
	} catch {
		return undefined;
	}
}

function unusable(modulePath: string, what: string, cause: unknown): StewardError {
	return new StewardError(
		'invalid',
		`the module ${modulePath} cannot be used in a worker thread: ${what}; write isolate: 'child'`,
		{ cause },
	);
}
