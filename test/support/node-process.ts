/**
 * Owns a node that runs as a process of its own, so that a test can kill it.
 * Promises that it runs when `startNodeProcess` resolves, and that it is gone when it is disposed of or the test dies.
 * Its data folder stays when it is killed: `startNodeProcess` with the same folder is its next start.
 */

import { fork } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConfigForm } from '../../src/domain/config.ts';
import { builtFile } from './built.ts';

const runner = fileURLToPath(new URL('./node-runner.mjs', import.meta.url));

/** The most that is kept of what a process wrote, characters. */
const keptOutput = 1024 * 1024;

/** A node that ends more often is not worth starting again. */
const mostStarts = 12;

export type NodeProcess = AsyncDisposable & {
	readonly pid: number;
	/** All that it wrote: `ready`, and its log. */
	output(): string;
	/** Sends `signal` (SIGKILL if none); resolves with the exit code when it is gone. */
	kill(signal?: NodeJS.Signals): Promise<number | null>;
	/** Resolves with the exit code when it is gone, whoever ended it. */
	readonly exited: Promise<number | null>;
	/** Its wall clock jumps: from now on it is this far from the machine's. */
	setClock(offsetMs: number): void;
};

/** A service manager: starts the node again whenever it has ended, until it is disposed of. */
export function keepRunning(
	...node: Parameters<typeof startNodeProcess>
): AsyncDisposable & { readonly starts: number } {
	let starts = 0;
	let isOver = false;
	let current: NodeProcess | undefined;
	const loop = (async () => {
		while (!isOver && starts < mostStarts) {
			starts += 1;
			try {
				current = await startNodeProcess(...node);
				if (isOver) await current.kill();
				await current.exited;
			} catch {
				// It ended before it said that it runs: that is a start as well.
			}
		}
	})();
	return {
		get starts() {
			return starts;
		},
		async [Symbol.asyncDispose]() {
			isOver = true;
			await current?.kill();
			await loop;
		},
	};
}

export type NodeProcessOptions = {
	node?: ConfigForm['node'];
	/** Further configuration beside the node's section. */
	config?: Partial<ConfigForm>;
	clockOffsetMs?: number;
	nameQuietMs?: number;
	/** A command line that runs the node's, and becomes it: `strace -D …`. */
	under?: readonly string[];
	/** Variables beside those of this process. */
	env?: Readonly<Record<string, string>>;
	/** Folder of the compiled program, where it is another than what the sources say now. */
	buildDir?: string | undefined;
	/** Called as soon as there is a process, which is long before it is ready. */
	onSpawn?: (pid: number) => void;
};

export async function startNodeProcess(
	servers: string,
	name: string,
	dataDir: string,
	options: NodeProcessOptions = {},
): Promise<NodeProcess> {
	const { node = {}, clockOffsetMs = 0, nameQuietMs } = options;
	const buildDir = options.buildDir ?? dirname(dirname(builtFile('bin/node-program.js')));
	const config: ConfigForm = {
		...{ servers, data: dataDir, node: { beatEveryMs: 400, ...node } },
		...options.config,
	};
	const [execPath = process.execPath, ...execArgv] = [...(options.under ?? []), process.execPath];
	const child = fork(
		runner,
		[JSON.stringify({ buildDir, name, config, dataDir, clockOffsetMs, nameQuietMs })],
		{
			stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
			env: { ...process.env, ...options.env },
			...(options.under ? { execPath, execArgv } : {}),
		},
	);
	if (child.pid !== undefined) options.onSpawn?.(child.pid);
	let output = '';
	const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
	const ready = new Promise<void>((resolve, reject) => {
		for (const stream of [child.stdout, child.stderr]) {
			stream?.setEncoding('utf8').on('data', (text: string) => {
				output = (output + text).slice(-keptOutput);
				if (output.includes('ready\n')) resolve();
			});
		}
		void exited.then((code) => reject(new Error(`the node ended (${code}) before it ran:\n${output}`)));
	});
	const kill = (signal: NodeJS.Signals = 'SIGKILL') => {
		child.kill(signal);
		return exited;
	};
	try {
		await ready;
	} catch (error) {
		await kill();
		throw error;
	}
	return {
		pid: child.pid ?? 0,
		output: () => output,
		kill,
		exited,
		setClock(offsetMs) {
			if (child.connected) child.send({ clockOffsetMs: offsetMs });
		},
		[Symbol.asyncDispose]: async () => {
			await kill();
		},
	};
}
