/**
 * Owns the words of the commands that change what becomes of commands: cancel, retry.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { CancelFlags, RetryFlags } from '../commands/act.ts';
import { brokerOptions, type Done, examples, filterOptions, jsonOption } from './shared.ts';

export function addActs(program: Command, cli: Cli, done: Done): void {
	const act = () => import('../commands/act.ts');
	selectOptions(program.command('cancel'))
		.summary('call commands off, also on a node that is away')
		.description(
			'Calls commands off. What has not started never will, at once and for certain, however long its node stays away; ' +
				'what runs is ended on its node. Tells which of the two it was, or that it was too late, with the result. ' +
				'Exit code 1: too late; 5: its node has not answered yet.',
		)
		.argument('[handle...]', 'as send printed it; or filters')
		.option('--reason <text>', 'told to whoever asks why it was cancelled')
		.option('--timeout <time>', 'how long a node that runs it may take to answer (15s)')
		.addHelpText(
			'after',
			examples(
				'steward cancel ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8 --reason "wrong ship"',
				'steward cancel --node ship1 --method shellCommand --state queued --dry-run',
				'steward cancel --node ship1 --method shellCommand --state queued',
			),
		)
		.action(async (handles: string[], flags: CancelFlags) =>
			done(await (await act()).cancel(cli, handles, flags)),
		);
	selectOptions(program.command('retry'))
		.summary('send commands that have ended once more')
		.description(
			'Sends commands that have ended once more, each as a new command that says where it comes from. ' +
				'With filters: those that ended otherwise than well, unless --state says more.',
		)
		.argument('[handle...]', 'as send printed it; or filters')
		.addHelpText(
			'after',
			examples(
				'steward retry ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8',
				'steward retry --node ship1 --state failed,timedOut --since 1d',
			),
		)
		.action(async (handles: string[], flags: RetryFlags) =>
			done(await (await act()).retry(cli, handles, flags)),
		);
}

function selectOptions(command: Command): Command {
	return filterOptions(jsonOption(brokerOptions(command))).option(
		'--dry-run',
		'show what the filters choose',
	);
}
