/**
 * Owns running command lines inside of the test's own process, with a home and a folder of their own.
 * Promises what the built program prints and ends with, without a build and without a process for each.
 * Ends with the test.
 */

import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import type { Cli } from '../../src/cli/cli.ts';
import { runProgram } from '../../src/cli/program.ts';
import { keptScreen } from './screen.ts';

export type InsideResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** @param now In the place of the machine's wall clock. */
export function cliInside(
	folder: string,
	{ now }: { now?: () => number } = {},
): (...words: readonly string[]) => Promise<InsideResult> {
	return async (...words) => {
		const [stdout, stderr] = [keptScreen(), keptScreen()];
		const cli: Cli = {
			...{ cwd: folder, version: '0', program: 'steward', timeZone: 'UTC', stdout, stderr },
			env: { HOME: join(folder, 'home') },
			readStdin: async () => '',
			clock: { ...systemClock, ...(now && { now }) },
			onSignal: () => () => undefined,
			forceExit: () => undefined,
		};
		const code = await runProgram(cli, words);
		return { code, stdout: stdout.text, stderr: stderr.text };
	};
}
