/**
 * Owns a centre that runs as a process of its own, so that a test can kill or stop it.
 * Promises that it is gone when it is disposed of or the test dies; `whenReady` resolves when it answers questions.
 * It keeps nothing: its next start learns all from the broker.
 */

import { fork } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { streamsDir } from '../../src/base/package.ts';
import type { ConfigForm } from '../../src/domain/config.ts';
import { builtFile } from './built.ts';

const runner = fileURLToPath(new URL('./central-runner.mjs', import.meta.url));

export type CentralProcess = AsyncDisposable & {
	readonly pid: number;
	/** What it wrote last: its log. */
	output(): string;
	readonly whenReady: Promise<void>;
	/** Resolves with the exit code when it is gone, whoever ended it. */
	readonly exited: Promise<number | null>;
};

/** The most that is kept of what a process wrote, characters. */
const keptOutput = 256 * 1024;

export async function startCentralProcess(
	servers: string,
	centre: ConfigForm['centre'] = {},
	clockOffsetMs = 0,
	givenBuild?: string,
): Promise<CentralProcess> {
	const buildDir = givenBuild ?? dirname(dirname(builtFile('bin/central-program.js')));
	const config: ConfigForm = { servers, data: 'unused', centre };
	const child = fork(runner, [JSON.stringify({ buildDir, config, streamsDir, clockOffsetMs })], {
		stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
	});
	let output = '';
	const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
	const whenReady = new Promise<void>((resolve) => {
		for (const stream of [child.stdout, child.stderr]) {
			stream?.setEncoding('utf8').on('data', (text: string) => {
				output = (output + text).slice(-keptOutput);
				if (text.includes('ready\n')) resolve();
			});
		}
	});
	return {
		pid: child.pid ?? 0,
		output: () => output,
		whenReady,
		exited,
		[Symbol.asyncDispose]: async () => {
			child.kill('SIGKILL');
			await exited;
		},
	};
}
