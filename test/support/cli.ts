/**
 * Owns running the command line as its users do: the built one (dist/bin/steward.js) as a child process, or, where the process is not
 * what is tried, the same program inside of the test. Promises an environment of its own: no settings of whoever runs the tests, no
 * colours, a home that is empty. A child that is still there after `timeoutMs`, or when its test ends, is killed.
 */

import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInside } from './cli-inside.ts';
import { eventually, longestWaitMs } from './eventually.ts';
import { isLong } from './long.ts';

export const cliPath = fileURLToPath(new URL('../../dist/bin/steward.js', import.meta.url));

export type CliOptions = {
	/** Added to the clean environment; undefined takes a variable away. */
	env?: Readonly<Record<string, string | undefined>>;
	/** Written to its standard input; without it, that is empty. */
	input?: string;
	cwd?: string;
	timeoutMs?: number;
};

export type CliResult = { code: number; stdout: string; stderr: string; bytes: Buffer };

export function cleanEnv(env: CliOptions['env'] = {}): NodeJS.ProcessEnv {
	const { PATH, NATS_SERVER } = process.env;
	return { PATH, NATS_SERVER, HOME: join(tmpdir(), 'steward-no-home'), ...env };
}

/**
 * One command line from its words to its exit code. In the short form of the tests the program runs inside: a process takes 0.3 s of
 * processor time each, for hundreds of them. In the long form it is the built one.
 */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
	if (isLong) return runBuilt(args, options);
	const { input = '', cwd = tmpdir() } = options;
	return runInside(args, { env: cleanEnv(options.env), input, cwd });
}

/** The built one, in both forms: where its start, its descriptors or its end are what is tried. */
export async function runBuilt(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
	const { timeoutMs = 2 * longestWaitMs, input = '', cwd = tmpdir() } = options;
	const child = spawn(process.execPath, [cliPath, ...args], { cwd, env: cleanEnv(options.env) });
	const out: Buffer[] = [];
	let stderr = '';
	child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		stderr += text;
	});
	// It may end without reading: then what was written goes nowhere.
	child.stdin.on('error', () => undefined);
	child.stdin.end(input);
	const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
	try {
		const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
			child.once('error', reject);
			child.once('close', (...end) => resolve(end));
		});
		const bytes = Buffer.concat(out);
		const stdout = bytes.toString('utf8');
		if (code === null) {
			throw new Error(
				`steward ${args.join(' ')} ended by ${signal} (after ${timeoutMs} ms?):\n${stdout}${stderr}`,
			);
		}
		return { code, stdout, stderr, bytes };
	} finally {
		clearTimeout(timer);
	}
}

export type RunningCli = AsyncDisposable & {
	readonly pid: number;
	stdout(): string;
	stderr(): string;
	/** Resolves when stdout holds `text`; rejects when the child ended first. */
	printed(text: string): Promise<void>;
	/** Sends `signal` and resolves with the exit code; null after SIGKILL. */
	stop(signal?: NodeJS.Signals): Promise<number | null>;
	/** Resolves with the exit code when the child has ended. */
	readonly exited: Promise<number | null>;
};

/** Starts a long-running command; it is killed at the end of the test if it still runs. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
	const { cwd = tmpdir() } = options;
	const env = cleanEnv(options.env);
	const child = spawn(process.execPath, [cliPath, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
	const text = { stdout: '', stderr: '' };
	for (const name of ['stdout', 'stderr'] as const) {
		child[name].setEncoding('utf8').on('data', (chunk: string) => {
			text[name] += chunk;
		});
	}
	let ended = false;
	const exited = new Promise<number | null>((resolve, reject) => {
		child.once('error', reject);
		child.once('close', (code) => {
			ended = true;
			resolve(code);
		});
	});
	return {
		pid: child.pid ?? -1,
		stdout: () => text.stdout,
		stderr: () => text.stderr,
		exited,
		async printed(wanted) {
			await eventually(() => text.stdout.includes(wanted) || ended, { message: wanted });
			if (!text.stdout.includes(wanted)) {
				throw new Error(`steward ${args.join(' ')} ended without "${wanted}":\n${text.stdout}${text.stderr}`);
			}
		},
		stop(signal = 'SIGTERM') {
			child.kill(signal);
			return exited;
		},
		async [Symbol.asyncDispose]() {
			child.kill('SIGKILL');
			await exited;
		},
	};
}
