/**
 * Owns one child process with one user's module in it: from its start to its end, with the calls that wait for answers.
 * Promises that each call ends: with its answer, or with `ProcessDied` once the child and all that it started are gone.
 * If the node dies, the child sees its pipe close and ends itself with its process group.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import { messageOf, StewardError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ProcessIdentity } from '../../base/process.ts';
import { atMost, childEnvironment, type Environment, OwnedChild } from './child-process.ts';
import { errorFrom, type Threads, type ToChild } from './isolated-protocol.ts';
import { fromModuleFd, largestMessageBytes, readMessages, toModuleFd, writeMessage } from './json-lines.ts';
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
	readonly #clock: Clock;
	readonly #endWatch: () => void;

	/** @throws StewardError `invalid` when the module cannot be used, naming it and the cause. */
	static async start(options: ModuleChildOptions): Promise<ModuleChild> {
		const { clock, log, modulePath } = options;
		const child = new OwnedChild(
			spawn(process.execPath, [`--max-old-space-size=${options.memoryMb}`, options.runnerPath], {
				cwd: options.cwd,
				env: childEnvironment(options.env, { STEWARD_NODE: options.node }),
				detached: true,
				// Pipes of our own, `toModuleFd` and `fromModuleFd`: Node's channel takes messages of any size. Two of them, because
				// a write that fails closes its pipe, and what the child has said before must still be read.
				stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
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
		let isLate = true;
		const answered = Promise.race([channel.opened, gone(child, channel, clock)]).then(() => {
			isLate = false;
		});
		await atMost(clock, options.startWithinMs, answered);
		const { opening } = channel;
		if (opening?.say === 'ready') return new ModuleChild(child, channel, leader, opening.methods, options);
		if (isLate) channel.blame(new Error(`loading took longer than ${options.startWithinMs} ms`));
		const exit = await child.end(leader, 0);
		await channel.close(exit);
		if (opening?.say === 'unusable') {
			const cause = errorFrom(opening.error);
			throw new StewardError('invalid', cause.message, { cause });
		}
		throw unusable(modulePath, `the child process ended while loading it, ${channel.describe(exit)}`);
	}

	private constructor(
		child: OwnedChild,
		channel: ModuleChannel,
		leader: ProcessIdentity,
		methods: readonly MethodDescription[],
		{ clock, memoryMb, threads }: ModuleChildOptions,
	) {
		this.#child = child;
		this.#clock = clock;
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
		await gone(this.#child, this.#channel, this.#clock);
		this.#endWatch();
		const exit = await this.#child.end(this.leader, 0);
		return this.#channel.close(exit);
	}
}

function peerOf(child: ChildProcess): Peer {
	// There are none where the system had no process left.
	const [toModule, fromModule] = [pipeOf(child, toModuleFd), pipeOf(child, fromModuleFd)];
	// What breaks off closes, and that is what counts.
	for (const pipe of [toModule, fromModule]) pipe?.on('error', () => undefined);
	// Nobody writes to us there; whoever does is not heard.
	toModule?.resume();
	const close = () => {
		toModule?.destroy();
		fromModule?.destroy();
	};
	return {
		title: 'child process',
		stdout: child.stdout,
		stderr: child.stderr,
		send(message, then) {
			if (toModule) writeMessage(toModule, JSON.stringify(message), then);
			else then(new Error('there is no pipe to it'));
		},
		onMessage(hear, onRefused) {
			if (!fromModule) return;
			const onTooLarge = () => {
				const what = `its module sent more than ${largestMessageBytes} bytes in one message`;
				onRefused(new Error(`${what}, and no more are allowed`));
				close();
			};
			readMessages(fromModule, { largestBytes: largestMessageBytes, hear, onTooLarge });
		},
		onClosed: (listener) => void fromModule?.once('close', listener),
		close,
	};
}

function pipeOf(child: ChildProcess, fd: number): Duplex | undefined {
	const pipe = child.stdio?.[fd];
	return pipe instanceof Duplex ? pipe : undefined;
}

/** A child that exits closes its pipes a moment before. */
const exitWithinMs = 250;

/** Resolves when the child has ended, or can hear or answer nothing any more: a module may close the pipes, or be refused. */
function gone(child: OwnedChild, channel: ModuleChannel, clock: Clock): Promise<unknown> {
	const deaf = new Promise<void>((resolve) => {
		pipeOf(child.process, toModuleFd)?.once('close', () => resolve());
	});
	const cutOff = Promise.race([deaf, channel.closed]).then(() => atMost(clock, exitWithinMs, child.exited));
	return Promise.race([child.exited, cutOff]);
}

function unusable(modulePath: string, what: string, cause?: unknown): StewardError {
	return new StewardError(
		'invalid',
		`the module ${modulePath} cannot be used: ${what}; try it with: node ${modulePath}`,
		{ cause },
	);
}
