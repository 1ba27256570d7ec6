/**
 * Owns command lines that are run inside the test, as main.ts would run them.
 * Promises what each printed and its exit code; its settings are its own, its folder is the given one.
 * A command that would start a service is for the tests of the built one.
 */

import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { packageVersion } from '../../src/base/package.ts';
import type { Cli } from '../../src/cli/cli.ts';
import { runProgram } from '../../src/cli/program.ts';
import { keptScreen } from './screen.ts';

export type InsideResult = {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
	readonly bytes: Buffer;
};

export type InsideOptions = {
	readonly env: Cli['env'];
	readonly cwd: string;
	/** What it reads from its standard input. */
	readonly input?: string;
	/** In the place of the machine's wall clock. */
	readonly now?: (() => number) | undefined;
};

export async function runInside(
	words: readonly string[],
	{ env, cwd, input = '', now }: InsideOptions,
): Promise<InsideResult> {
	const [stdout, stderr] = [keptScreen({ env: {} }), keptScreen({ env: {} })];
	const cli: Cli = {
		...{ env, cwd, version: packageVersion(), program: 'steward', stdout, stderr },
		timeZone: env.TZ ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
		readStdin: async () => input,
		clock: { ...systemClock, ...(now && { now }) },
		onSignal: () => () => undefined,
		endAtOnce: () => undefined,
	};
	const code = await runProgram(cli, words);
	return { code, stdout: stdout.text, stderr: stderr.text, bytes: stdout.bytes };
}

/** @param now In the place of the machine's wall clock. */
export function cliInside(
	folder: string,
	{ now }: { now?: () => number } = {},
): (...words: readonly string[]) => Promise<InsideResult> {
	const env = { HOME: join(folder, 'home'), TZ: 'UTC' };
	return (...words) => runInside(words, { env, cwd: folder, now });
}
