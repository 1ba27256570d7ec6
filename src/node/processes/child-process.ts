/**
 * Owns what all child processes of a node have in common: their environment, their identity, and their end.
 * Promises that a child's end means its whole process group's, with all output read that was written before.
 * If the node dies, its children are told by what they are tied to: a closed pipe, or the journal's next reader.
 */

import type { ChildProcess } from 'node:child_process';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type ProcessIdentity, processIdentity } from '../../base/process.ts';
import { endProcessGroup } from './process-group.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type Exit = { readonly code: number | null; readonly signal: string | null };

/** How long output may stay open after its writer is gone, milliseconds. */
export const settleMs = 1000;

const credential =
	/^(STEWARD|NATS)_(.*_)?(CREDS?|CREDENTIALS?|SEED|N?KEY|TOKEN|PASS|PASSWORD|SECRET|JWT)(_.*)?$/;

/** The node's environment for a child: without steward's own credentials, with `extra` on top. */
export function childEnvironment(env: Environment, extra: Environment): Record<string, string> {
	const entries = Object.entries(env).filter(([name]) => !credential.test(name));
	const child: Record<string, string> = {};
	for (const [name, value] of [...entries, ...Object.entries(extra)]) {
		if (value !== undefined) child[name] = value;
	}
	return child;
}

/** A child process that was started with `detached: true`. Make it in the same turn as the child. */
export class OwnedChild {
	readonly process: ChildProcess;
	/** Resolves when it is running. Rejects with the system's error when it could not be started. */
	readonly spawned: Promise<void>;
	/** Resolves when the leader has ended; others of its group may go on. */
	readonly exited: Promise<Exit>;
	readonly #closed: Promise<void>;
	readonly #clock: Clock;
	readonly #log: Log;

	constructor(child: ChildProcess, options: { clock: Clock; log: Log }) {
		this.process = child;
		this.#clock = options.clock;
		this.#log = options.log;
		// stdin: a program need not read it to the end (EPIPE), and one that never started reads nothing.
		for (const name of ['stdin', 'stdout', 'stderr'] as const) {
			child[name]?.on('error', (error) => options.log.debug({ err: messageOf(error) }, `${name} broke off`));
		}
		this.spawned = new Promise((resolve, reject) => {
			child.once('spawn', () => resolve());
			child.on('error', reject);
		});
		this.exited = new Promise((resolve) => {
			child.once('exit', (code, signal) => resolve({ code, signal }));
		});
		this.#closed = new Promise((resolve) => {
			child.once('close', () => resolve());
		});
	}

	/** Who leads its group. One that ended before it could be looked at has no start time: 0 is nobody's. */
	identity(): ProcessIdentity {
		const { pid } = this.process;
		if (pid === undefined) throw new Error('a child process that has not been started has no identity');
		return processIdentity(pid) ?? { ...processIdentity(process.pid), pid, startTime: 0 };
	}

	/**
	 * Waits for the leader's end, or ends it when `signal` aborts; then ends what is left of its group.
	 * What the leader left behind has a second to finish its output before it is ended.
	 */
	async ended(leader: ProcessIdentity, signal: AbortSignal, graceMs: number): Promise<Exit> {
		let onAbort: () => void = () => undefined;
		const aborted = new Promise<void>((resolve) => {
			onAbort = resolve;
			if (signal.aborted) resolve();
			else signal.addEventListener('abort', onAbort, { once: true });
		});
		try {
			await Promise.race([this.exited, aborted]);
			if (!signal.aborted) await atMost(this.#clock, settleMs, Promise.race([this.#closed, aborted]));
			return await this.end(leader, graceMs);
		} finally {
			signal.removeEventListener('abort', onAbort);
		}
	}

	/** Ends the whole group, waits for the leader, and reads what it wrote. */
	async end(leader: ProcessIdentity, graceMs: number): Promise<Exit> {
		const end = await endProcessGroup(leader, { clock: this.#clock, graceMs });
		if (end === 'not-permitted') {
			this.#log.warn(
				{ pid: leader.pid },
				'a child process runs as another user: it cannot be ended, only waited for',
			);
		}
		const exit = await this.exited;
		// Only a process that left the group can hold the output open now.
		await atMost(this.#clock, settleMs, this.#closed);
		this.process.stdout?.destroy();
		this.process.stderr?.destroy();
		return exit;
	}
}

/** Waits for `promise`, but no longer than `ms`. The promise itself goes on. */
export async function atMost(clock: Clock, ms: number, promise: Promise<unknown>): Promise<void> {
	let cancel: () => void = () => undefined;
	const passed = new Promise<void>((resolve) => {
		cancel = clock.after(ms, resolve);
	});
	try {
		await Promise.race([promise, passed]);
	} finally {
		cancel();
	}
}
