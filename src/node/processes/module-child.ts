/**
 * Owns one child process with one user's module in it: from its start to its end, with the calls that wait for answers.
 * Promises that each call ends: with its answer, or with `ProcessDied` once the child and all that it started are gone.
 * If the node dies, the child sees its channel close and ends itself with its process group.
 */

import { type ChildProcess, fork } from 'node:child_process';
import type { Clock } from '../../base/clock.ts';
import { messageOf, StewardError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ProcessIdentity } from '../../base/process.ts';
import { atMost, childEnvironment, type Environment, OwnedChild } from './child-process.ts';
import { errorFrom, type Threads, type ToChild } from './isolated-protocol.ts';
import { watchResidentMemory } from './memory-watch.ts';
import type { MethodDescription, ProcessDied } from './method.ts';
import { type Answer, ModuleChannel, type Peer, type TakeOutput } from './module-channel.ts';

export type ModuleChildOptions = {
	/** Absolute path of the user's module. */
	readonly modulePath: string;
	readonly node: string;
	readonly dataDir: string;
	/** Where the child runs: the folder that the node was started in. */
	readonly cwd: string;
	/** The node's environment. */
	readonly env: Environment;
	readonly clock: Clock;
	readonly log: Log;
	/** The compiled `isolated-child.js`. */
	readonly runnerPath: string;
	/** How long the module may take to load, milliseconds. */
	readonly startWithinMs: number;
	/** Its JavaScript heap, MiB; all of its memory may be twice that, or 256 MiB more where that is more. */
	readonly memoryMb: number;
	/** Run each run in a thread of the child; the bound of memory then holds for each thread. */
	readonly threads?: Threads | undefined;
};

export class ModuleChild {
	/** What the module offers. */
	readonly methods: readonly MethodDescription[];
	readonly leader: ProcessIdentity;
	/** Resolves with the reason when the child and its process group are gone. */
	readonly died: Promise<ProcessDied>;
	readonly #child: OwnedChild;
	readonly #channel: ModuleChannel;
	readonly #endWatch: () => void;

	/** @throws StewardError `invalid` when the module cannot be used, naming it and the cause. */
	static async start(options: ModuleChildOptions): Promise<ModuleChild> {
		const { clock, log, modulePath } = options;
		const child = new OwnedChild(
			fork(options.runnerPath, [], {
				cwd: options.cwd,
				env: childEnvironment(options.env, { STEWARD_NODE: options.node }),
				execArgv: [`--max-old-space-size=${options.memoryMb}`],
				detached: true,
				stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
			}),
			{ clock, log },
		);
		const channel = new ModuleChannel(peerOf(child.process), options);
		try {
			await child.spawned;
		} catch (error) {
			throw unusable(modulePath, `its child process could not be started: ${messageOf(error)}`, error);
		}
		const leader = child.identity();
		const { node, dataDir, threads } = options;
		channel.send({ say: 'load', module: modulePath, node, dataDir, threads });
		await atMost(clock, options.startWithinMs, Promise.race([channel.opened, child.exited]));
		const { opening } = channel;
		if (opening?.say === 'ready') return new ModuleChild(child, channel, leader, opening.methods, options);
		const exit = await child.end(leader, 0);
		if (opening?.say === 'unusable') {
			const cause = errorFrom(opening.error);
			throw new StewardError('invalid', cause.message, { cause });
		}
		const what = exit.signal === 'SIGKILL' ? `loading took longer than ${options.startWithinMs} ms` : '';
		throw unusable(modulePath, what || `the child process ended while loading it, ${channel.describe(exit)}`);
	}

	private constructor(
		child: OwnedChild,
		channel: ModuleChannel,
		leader: ProcessIdentity,
		methods: readonly MethodDescription[],
		{ clock, memoryMb, threads }: ModuleChildOptions,
	) {
		this.#child = child;
		this.#channel = channel;
		this.leader = leader;
		this.methods = methods;
		this.#endWatch = watchResidentMemory({
			pid: leader.pid,
			largestMb: Math.max(memoryMb * 2, memoryMb + 256) * (threads?.count ?? 1),
			onExceeded: (error) => {
				channel.blame(error);
				void this.kill();
			},
			clock,
		});
		this.died = this.#untilDead();
	}

	/** Asks the child; `call` is the number of the question. @throws ProcessDied when it is gone before it answered. */
	ask(
		question: (call: number) => ToChild,
		takeOutput?: TakeOutput,
	): { call: number; answer: Promise<Answer> } {
		return this.#channel.ask(question, takeOutput);
	}

	send(message: ToChild): void {
		this.#channel.send(message);
	}

	/** Asks it to end, and ends it after `graceMs`. Resolves when the whole group is gone. */
	async end(graceMs: number, clock: Clock): Promise<void> {
		this.#channel.send({ say: 'stop' });
		await atMost(clock, graceMs, this.#child.exited);
		await this.kill();
	}

	/** Ends it at once. Resolves when the whole group is gone. */
	async kill(): Promise<void> {
		await this.#child.end(this.leader, 0);
		await this.died;
	}

	async #untilDead(): Promise<ProcessDied> {
		// A module that closes the channel by itself can answer nothing any more: that is the end as well.
		await Promise.race([this.#child.exited, this.#channel.closed]);
		this.#endWatch();
		const exit = await this.#child.end(this.leader, 0);
		return this.#channel.close(exit);
	}
}

function peerOf(child: ChildProcess): Peer {
	return {
		title: 'child process',
		stdout: child.stdout,
		stderr: child.stderr,
		send: (message, onFailed) => {
			child.send(message, (error) => {
				if (error) onFailed(error);
			});
		},
		onMessage: (listener) => child.on('message', listener),
		onClosed: (listener) => child.once('disconnect', listener),
	};
}

function unusable(modulePath: string, what: string, cause?: unknown): StewardError {
	return new StewardError(
		'invalid',
		`the module ${modulePath} cannot be used: ${what}; try it with: node ${modulePath}`,
		{ cause },
	);
}
