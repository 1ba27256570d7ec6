#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --min-semi-space-size=2 --max-semi-space-size=32 --no-concurrent-recompilation
/**
 * Owns the process: arguments, environment, streams, signals, and the exit.
 * Promises that nothing else in the package reads them or ends the process.
 * What is written before the exit is out: stdout and stderr are synchronous for files, pipes and terminals on Linux.
 */

import { systemClock } from '../base/clock.ts';
import { systemCodeOf } from '../base/errors.ts';
import { packageVersion } from '../base/package.ts';
import type { Cli } from './cli.ts';
import { runProgram } from './program.ts';
import { screenOn } from './render/screen.ts';
import { keepHeapSmall } from './small-heap.ts';
import { terminalOn } from './terminal.ts';

// Ships are small machines, and starting a child takes a process the longer the more memory it has. At once, because what
// the heap has grown to while the program is loaded, it keeps.
const [, , role] = process.argv;
if (role === 'node' || role === 'central') keepHeapSmall(role);
// All threads share one heap of the C library (first line): with one for each, each keeps what its largest compilation took. It compiles
// without threads for the same reason: what several compilations take at once is kept as well.
// That is not for the programs that we start.
if (process.env.MALLOC_ARENA_MAX === '1') delete process.env.MALLOC_ARENA_MAX;

const cli: Cli = {
	env: process.env,
	// npm tells its children that it runs them, and then `steward` is not on PATH.
	program: process.env.npm_command === undefined ? 'steward' : 'npx steward',
	cwd: process.cwd(),
	version: packageVersion(),
	stdout: screenOn(process.stdout, process.env),
	stderr: screenOn(process.stderr, process.env),
	async readStdin() {
		process.stdin.setEncoding('utf8');
		let text = '';
		for await (const chunk of process.stdin) text += chunk;
		return text;
	},
	terminal:
		process.stdin.isTTY && process.stdout.isTTY
			? terminalOn(process.stdin, process.stdout, (listener) => {
					process.on('exit', listener);
					return () => process.off('exit', listener);
				})
			: undefined,
	clock: systemClock,
	// Only where somebody asks: it brings 8 MB of the world's languages into memory, and a node never needs it.
	get timeZone() {
		return Intl.DateTimeFormat().resolvedOptions().timeZone;
	},
	onSignal(listener) {
		process.on('SIGINT', listener);
		process.on('SIGTERM', listener);
		return () => {
			process.off('SIGINT', listener);
			process.off('SIGTERM', listener);
		};
	},
	// Not by an exit: that waits for ever where a store is in the middle of a write, which waits for this thread.
	endAtOnce: () => process.kill(process.pid, 'SIGKILL'),
};

// Whoever reads us may stop reading (`| head`): that is the end of the work, and no defect.
process.stdout.on('error', (error) => {
	if (systemCodeOf(error) === 'EPIPE') process.exit(0);
	throw error;
});

const code = await runProgram(cli, process.argv.slice(2));
// What a pipe has not taken yet would end with the process.
await Promise.all([process.stdout, process.stderr].map(flushed));
process.exit(code);

function flushed(stream: NodeJS.WriteStream): Promise<void> {
	return new Promise((resolve) => {
		if (stream.writableLength === 0) resolve();
		else stream.write('', () => resolve());
	});
}
