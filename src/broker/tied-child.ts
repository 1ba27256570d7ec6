/**
 * Owns the start of a child process that must not outlive this one.
 * Promises that the kernel ends the child when we die, also by kill -9, and that it is not part of our terminal's
 * process group: Ctrl-C reaches us alone, and we decide in which order things stop.
 * Where `setpriv` cannot set a death signal, a guard stands beside the child and ends it when its pipe to us closes.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type TiedChild = {
	readonly pid: number;
	/** The process; stdout and stderr are pipes. */
	readonly process: ChildProcess;
	/** Resolves when it is truly gone and its output has been read. */
	readonly exited: Promise<Exit>;
};

/** Runs between fork and exec: if our process died before the death signal was set, its parent is another by now. */
const execIfParentIs = '[ "$PPID" = "$0" ] || exit 1; exec "$@"';

/** Ends the process $1 when its standard input, a pipe that only we hold, closes. */
const endWhenPipeCloses = 'while read -r line; do :; done; kill -TERM "$1"';

/**
 * Starts `command` tied to the life of this process (of this thread, if called on a worker thread).
 * Rejects with the system's error if it cannot be started.
 */
export async function spawnTied(
	command: string,
	args: readonly string[],
	options: { cwd: string },
): Promise<TiedChild> {
	const way = (await canSetDeathSignal()) ? 'setpriv' : 'guard';
	const [file, argv] =
		way === 'setpriv'
			? [
					'setpriv',
					['--pdeathsig', 'TERM', 'sh', '-c', execIfParentIs, String(process.pid), command, ...args],
				]
			: [command, args];
	const child = spawn(file, argv, { cwd: options.cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
	const exited = new Promise<Exit>((resolve) =>
		child.once('close', (code, signal) => resolve({ code, signal })),
	);
	await new Promise<void>((resolve, reject) => {
		child.once('spawn', resolve);
		child.once('error', reject);
	});
	const { pid } = child;
	if (pid === undefined) throw new Error(`${command} has started without a pid`);
	if (way === 'guard') {
		const guard = spawn('sh', ['-c', endWhenPipeCloses, 'sh', String(pid)], {
			detached: true,
			stdio: ['pipe', 'ignore', 'ignore'],
		});
		child.once('exit', () => guard.kill('SIGKILL'));
	}
	return { pid, process: child, exited };
}

/** Whether this machine's `setpriv` knows death signals (util-linux does, busybox does not). */
function canSetDeathSignal(): Promise<boolean> {
	return new Promise((resolve) => {
		execFile('setpriv', ['--pdeathsig', 'TERM', 'true'], (error) => resolve(error === null));
	});
}
