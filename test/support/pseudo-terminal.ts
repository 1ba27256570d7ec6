/**
 * Owns running the built command line in a terminal of its own (script, of util-linux): with a size, keys, and all that it draws.
 * Promises that nothing is left of it when the test ends.
 * Ends with the test.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { cleanEnv, cliPath } from './cli.ts';

export const hasScript = existsSync('/usr/bin/script');

export type InTerminal = AsyncDisposable & {
	/** All that was drawn so far. */
	drawn(): string;
	press(keys: string): void;
	/** Of the program in it. */
	signal(signal: NodeJS.Signals): void;
	/** Its exit code. */
	readonly exited: Promise<number | null>;
};

/** Prints the pid of the program before it, on a line of its own. */
export function inTerminal(
	args: readonly string[],
	{ columns, rows }: { columns: number; rows: number },
): InTerminal {
	const words = [process.execPath, cliPath, ...args].map((word) => `'${word}'`).join(' ');
	const line = `stty cols ${columns} rows ${rows}; echo pid $$; exec ${words}`;
	const child = spawn('script', ['-qefc', line, '/dev/null'], {
		cwd: tmpdir(),
		env: cleanEnv({ TERM: 'xterm-256color', SHELL: '/bin/sh' }),
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	let text = '';
	child.stdout.setEncoding('utf8').on('data', (more: string) => {
		text += more;
	});
	child.stdin.on('error', () => undefined);
	const exited = new Promise<number | null>((resolve, reject) => {
		child.once('error', reject);
		child.once('close', resolve);
	});
	const pid = () => Number(/^pid (\d+)/m.exec(text)?.[1]);
	const signal = (name: NodeJS.Signals) => {
		if (child.exitCode === null && pid() > 1) process.kill(pid(), name);
	};
	return {
		drawn: () => text,
		press: (keys) => void child.stdin.write(keys),
		signal,
		exited,
		async [Symbol.asyncDispose]() {
			child.kill('SIGKILL');
			await exited;
		},
	};
}
