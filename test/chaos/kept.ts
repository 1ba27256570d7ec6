/**
 * Owns a service manager: it starts a process again whenever that has ended.
 * Promises the pid from the first moment on, so that a fault can hit a start as well, and that nothing runs when it is over.
 * It starts anew without a bound: what ends each time is seen by what it leaves undone.
 */

import { setTimeout as pause } from 'node:timers/promises';

type Running = AsyncDisposable & { readonly exited: Promise<unknown> };

/** A process that is started again whenever it has ended. */
export type Kept<Process extends Running = Running> = AsyncDisposable & {
	/** Undefined between two starts. */
	readonly pid: number | undefined;
	/** Undefined until it is ready. */
	readonly current: Process | undefined;
	readonly starts: number;
	/** While it is held down it is not started again. */
	hold(down: boolean): void;
};

const restartAfterMs = 200;

/** `start` tells the pid as soon as it knows it. */
export function keep<Process extends Running>(
	start: (onSpawn: (pid: number) => void) => Promise<Process>,
): Kept<Process> {
	let current: Process | undefined;
	let pid: number | undefined;
	let starts = 0;
	let isDown = false;
	const over = new AbortController();
	const runOnce = async () => {
		starts += 1;
		try {
			current = await start((spawned) => {
				pid = spawned;
			});
			if (over.signal.aborted) await current[Symbol.asyncDispose]();
			await current.exited;
		} catch {
			// It ended before it said that it runs: that is a start as well.
		}
		current = undefined;
		pid = undefined;
	};
	const loop = (async () => {
		while (!over.signal.aborted) {
			if (!isDown) await runOnce();
			await pause(restartAfterMs);
		}
	})();
	return {
		get pid() {
			return pid;
		},
		get current() {
			return current;
		},
		get starts() {
			return starts;
		},
		hold(down) {
			isDown = down;
		},
		async [Symbol.asyncDispose]() {
			over.abort();
			const starting = pid;
			if (current) await current[Symbol.asyncDispose]();
			else if (starting !== undefined) endQuietly(starting);
			await loop;
		},
	};
}

/** It has not said that it runs, and is not waited for. */
function endQuietly(pid: number): void {
	try {
		process.kill(pid, 'SIGKILL');
	} catch {
		// It has ended by itself.
	}
}
