/**
 * Owns the words of the commands that set the broker up: init, streams.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { AskFlags } from '../commands/ask.ts';
import { brokerOptions, type Done, examples, jsonOption } from './shared.ts';

export function addSetup(program: Command, cli: Cli, done: Done): void {
	jsonOption(brokerOptions(program.command('init')))
		.summary("make steward's streams on a broker")
		.description(
			"Makes steward's streams on a broker. Safe to run again; up and central do it by themselves.",
		)
		.option('--shards <count>', 'streams that the commands are spread over; fixed by the first time (1)')
		.option(
			'--replicas <count>',
			'servers of a cluster that hold each stream: 1, 3 or 5 (what the broker has, else 1)',
		)
		.option('--budget <size>', 'room of all streams on disk together, such as 8GiB')
		.addHelpText(
			'after',
			examples(
				'steward init',
				'steward init --shards 16     # from a thousand nodes on',
				'steward init --replicas 3    # on a cluster of three servers',
			),
		)
		.action(async (flags) => done(await (await import('../commands/streams.ts')).init(cli, flags)));
	const streams = program
		.command('streams')
		.summary('show what the broker holds')
		.description("Shows steward's streams on the broker; ls if nothing else is said.");
	jsonOption(brokerOptions(streams.command('ls', { isDefault: true })))
		.description('Lists the streams: how much they hold, and of how much.')
		.action(async (flags: AskFlags) =>
			done(await (await import('../commands/streams.ts')).listStreams(cli, flags)),
		);
}
