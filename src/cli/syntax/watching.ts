/**
 * Owns the words of the commands that go on showing: watch, top.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { TopFlags } from '../commands/top.ts';
import type { WatchFlags } from '../commands/watch.ts';
import { brokerOptions, type Done, examples, jsonOption } from './shared.ts';

export function addWatching(program: Command, cli: Cli, done: Done): void {
	jsonOption(brokerOptions(program.command('watch')))
		.summary('tell each change of a command, and nodes that come and go, as it happens')
		.description(
			'Tells each change of a command, and each node that comes or goes, in a line of its own, until it is interrupted. It goes on ' +
				'when the broker was lost. Commands need no centre; who is there a centre notices.',
		)
		.argument('[word...]', 'only what has all of these in its handle, method or state')
		.option('--node <name>', 'of one node')
		.option('--method <name>', 'commands of one method')
		.option('--state <states>', 'commands that get into one of these states, such as failed,timedOut')
		.option('--nodes', 'nodes only')
		.addHelpText(
			'after',
			examples('steward watch', 'steward watch ship1 --state failed,lost', 'steward watch --nodes'),
		)
		.action(async (words: string[], flags: WatchFlags) =>
			done(await (await import('../commands/watch.ts')).watch(cli, words, flags)),
		);
	jsonOption(brokerOptions(program.command('top')))
		.summary('show the fleet as it changes, in the terminal')
		.description(
			'Shows the fleet as it changes: sums, and its nodes with what waits, runs and fails there. Needs a centre. ' +
				'Keys: q quits, s sorts by another column, / looks for a node, arrows or j and k move, g and G go to the ends.',
		)
		.option('--sort <column>', 'queued, oldest, running, failing, presence or node (queued)')
		.option('--where <k=v,…>', 'nodes with these labels')
		.option('--once', 'one picture, and end; so it is as well where nobody looks')
		.addHelpText('after', examples('steward top', 'steward top --once --sort failing | head'))
		.action(async (flags: TopFlags) => done(await (await import('../commands/top.ts')).top(cli, flags)));
}
