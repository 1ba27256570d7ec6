/**
 * Owns running a process under strace: the command line, and the trace that it leaves.
 * Promises every call that can change a file, force it to disk, or talk over a socket, with all of its bytes.
 * strace runs beside the process (-D), which keeps its own pid; it ends when the process has ended.
 */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { eventually } from '../../support/eventually.ts';
import { parseTrace, type Trace } from './trace.ts';

/** How many moments of a power loss are tried: the short form, or more. */
export const boundaries = Number(process.env.STEWARD_POWER_BOUNDARIES ?? 6);
export const seed = Number(process.env.STEWARD_POWER_SEED ?? 1);

const run = promisify(execFile);

const calls = [
	...['open', 'openat', 'creat', 'close', 'lseek', 'read'],
	...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'copy_file_range', 'sendfile', 'splice'],
	...['truncate', 'ftruncate', 'fallocate', 'mmap', 'msync', 'io_uring_setup'],
	...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink', 'symlinkat'],
	...['unlink', 'unlinkat', 'mkdir', 'mkdirat', 'rmdir'],
	...['fsync', 'fdatasync', 'sync_file_range', 'syncfs', 'sync'],
];

/** The longest text that is kept whole, bytes. */
const longest = 64 * 1024 * 1024;

/**
 * A command line that runs the one after it, and writes its calls to `file`. Each data-only flush begins `lateMs` after it was
 * asked for: who does not wait for it is seen to go on.
 */
export function traced(file: string, { lateMs = 0 } = {}): string[] {
	const form = ['-f', '--seccomp-bpf', '-yy', '-ttt', '-xx', '-s', String(longest), '-e', 'signal=KILL'];
	const late = lateMs === 0 ? [] : ['-e', `inject=fdatasync:delay_enter=${lateMs}ms`];
	return ['strace', '-D', ...form, '-e', `trace=${calls.join(',')}`, ...late, '-o', file];
}

/** Why nothing can be traced here; undefined where it can. */
export async function whyNoTrace(): Promise<string | undefined> {
	try {
		await run('strace', ['-f', '--seccomp-bpf', '-yy', '-e', 'trace=fsync', '-o', '/dev/null', 'true']);
		return undefined;
	} catch (error) {
		const why = error instanceof Error ? error.message.split('\n').slice(0, 2).join(' ') : String(error);
		return `strace does not run here (${why}): install the package strace, and let this user trace its own processes`;
	}
}

/** What strace wrote of a process that was ended; waits until it has written all of it. */
export async function readTrace(file: string, pid: number): Promise<Trace> {
	const text = await eventually(
		async () => {
			const written = await readFile(file, 'latin1');
			return new RegExp(`^${pid} .*\\+\\+\\+ (killed|exited)`, 'm').test(written) && written;
		},
		{ message: `the end of ${file}`, timeoutMs: 60_000, everyMs: 200 },
	);
	return parseTrace(text);
}
