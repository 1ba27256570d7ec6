/**
 * Owns looking at memory that V8's limit of the heap does not count: a child's buffers and native code, and a thread's buffers.
 * Promises a look several times a second, which a busy child cannot prevent (its node looks), and a busy thread can (it
 * looks itself). What is taken faster than that is over the bound for a moment.
 * Reads what the system and the runtime say, and keeps nothing.
 */

import { readFileSync } from 'node:fs';
import { resourceLimits } from 'node:worker_threads';
import { type Clock, systemClock } from '../../base/clock.ts';

const everyMs = 250;
const bytesPerMb = 1024 * 1024;

/** Calls `onExceeded` once when the process has more than `largestMb` in memory. The answer ends the watch. */
export function watchResidentMemory(options: {
	pid: number;
	largestMb: number;
	onExceeded: (error: Error) => void;
	clock: Clock;
}): () => void {
	const { pid, largestMb, onExceeded, clock } = options;
	return watch(clock, () => {
		const usedMb = residentMb(pid);
		if (usedMb <= largestMb) return false;
		onExceeded(exceeded(`it had ${usedMb} MiB in memory`, largestMb));
		return true;
	});
}

/** In a worker thread: calls `onExceeded` once when its buffers are larger than its heap may be. */
export function watchBuffers(onExceeded: (error: Error) => void): void {
	const largestMb = resourceLimits.maxOldGenerationSizeMb ?? Number.POSITIVE_INFINITY;
	watch(systemClock, () => {
		const usedMb = Math.round(process.memoryUsage().external / bytesPerMb);
		if (usedMb <= largestMb) return false;
		onExceeded(exceeded(`it had ${usedMb} MiB of buffers`, largestMb));
		return true;
	});
}

function exceeded(what: string, largestMb: number): Error {
	return new Error(`${what}, and ${largestMb} are allowed; free it, or raise node.moduleMemoryMb`);
}

function watch(clock: Clock, isOver: () => boolean): () => void {
	let cancel: () => void = () => undefined;
	const next = () => {
		cancel = clock.after(everyMs, () => {
			if (!isOver()) next();
		});
	};
	next();
	return () => cancel();
}

/** 0 when it is gone: somebody else sees its end. */
function residentMb(pid: number): number {
	try {
		const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
		return Math.round(Number(kilobytes ?? 0) / 1024);
	} catch {
		return 0;
	}
}
