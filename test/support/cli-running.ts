/**
 * Owns a command line that goes on inside of the test's own process: watch, top.
 * Promises what the built program prints, as it prints it, and an end as by a signal, also when the test fails.
 * Ends with the test.
 */

import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import type { Cli } from '../../src/cli/cli.ts';
import { runProgram } from '../../src/cli/program.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { keptScreen } from './screen.ts';

export type RunningLine = AsyncDisposable & {
	stdout(): string;
	stderr(): string;
	/** As SIGTERM would; answers with the exit code. */
	end(): Promise<number>;
	readonly ended: Promise<number>;
};

/** @param terminal What it takes for one. */
export function startLine(folder: string, words: readonly string[], terminal?: Terminal): RunningLine {
	const [stdout, stderr] = [keptScreen(), keptScreen()];
	const listeners = new Set<(signal: 'SIGINT' | 'SIGTERM') => void>();
	const cli: Cli = {
		...{ cwd: folder, version: '0', program: 'steward', timeZone: 'UTC', stdout, stderr, terminal },
		env: { HOME: join(folder, 'home') },
		readStdin: async () => '',
		clock: systemClock,
		onSignal(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		endAtOnce: () => undefined,
	};
	const ended = runProgram(cli, words);
	const end = () => {
		for (const listener of listeners) listener('SIGTERM');
		return ended;
	};
	return {
		stdout: () => stdout.text,
		stderr: () => stderr.text,
		...{ end, ended },
		[Symbol.asyncDispose]: async () => void (await end()),
	};
}
