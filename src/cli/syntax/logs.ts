/**
 * Owns the words of logs.
 * Promises that nothing but commander is loaded before it runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { LogsFlags } from '../commands/logs.ts';
import { brokerOptions, type Done, examples, jsonOption } from './shared.ts';

export function addLogs(program: Command, cli: Cli, done: Done): void {
	jsonOption(brokerOptions(program.command('logs')))
		.summary('print all output of a command, also while it runs')
		.description(
			'Prints the output of a command: all that is kept of it, its stdout to stdout, its stderr to stderr. With --follow also ' +
				'what comes, until the command has ended. A pipe gets the bytes as they were; what is missing is said on stderr. Needs no centre.',
		)
		.argument('<handle>', 'as send printed it: <node>.<id>')
		.option('-f, --follow', 'go on until the command has ended, and all of its output is here')
		.option('--stdout', 'its stdout only')
		.option('--stderr', 'its stderr only (still to stderr)')
		.option('--raw', 'the bytes as they were, also on a terminal, which they may steer')
		.addHelpText(
			'after',
			examples(
				'steward logs ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8',
				'steward logs --follow ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8',
				'steward logs --stdout ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8 > backup.tar',
				'steward logs --json -f ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8 | jq -r .kind',
			),
		)
		.action(async (handle: string, flags: LogsFlags) =>
			done(await (await import('../commands/logs.ts')).logs(cli, handle, flags)),
		);
}
