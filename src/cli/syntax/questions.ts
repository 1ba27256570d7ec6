/**
 * Owns the words of the commands that ask about commands: show, why, wait, list, queue.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { AskFlags, ListFlags, SearchFlags } from '../commands/ask.ts';
import { brokerOptions, type Done, examples, filterOptions, jsonOption } from './shared.ts';

export function addQuestions(program: Command, cli: Cli, done: Done): void {
	const ask = () => import('../commands/ask.ts');
	jsonOption(brokerOptions(program.command('show')))
		.summary('show what became of commands')
		.description('Shows what became of commands: state, times, attempts, output. Needs no centre.')
		.argument('<handle...>', 'as send printed it: <node>.<id>')
		.option('--history', 'with each state that it went through, by whom and why')
		.option('--raw', 'output as it was, also what steers a terminal')
		.addHelpText('after', examples('steward show ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8'))
		.action(async (handles: string[], flags: AskFlags & { history?: boolean; raw?: boolean }) =>
			done(await (await ask()).show(cli, handles, flags)),
		);
	jsonOption(brokerOptions(program.command('wait')))
		.summary('wait until commands have ended')
		.description('Waits until commands have ended. Exit code 1 if one did not succeed. Needs no centre.')
		.argument('<handle...>', 'as send printed it: <node>.<id>')
		.option('--timeout <time>', 'longest wait, such as 30s; exit code 5 when it is over')
		.addHelpText('after', examples('steward wait ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8 --timeout 1h'))
		.action(async (handles: string[], flags: AskFlags & { timeout?: string }) =>
			done(await (await ask()).wait(cli, handles, flags)),
		);
	jsonOption(brokerOptions(program.command('why')))
		.summary('say why a command is where it is')
		.description(
			'Says in one sentence, from facts, why a command is where it is: its node away, others before it, a lane that is paused, ' +
				'an attempt that is due later, a refusal. Needs no centre.',
		)
		.argument('<handle...>', 'as send printed it: <node>.<id>')
		.addHelpText('after', examples('steward why ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8'))
		.action(async (handles: string[], flags: AskFlags) => done(await (await ask()).why(cli, handles, flags)));
	filterOptions(jsonOption(brokerOptions(program.command('list'))))
		.summary('list commands, newest first')
		.description('Lists commands, newest first. Needs a centre.')
		.option('--schedule <name>', 'ticks and runs of one schedule')
		.option('--search <text>', 'with this piece in the handle or in the method')
		.option('--limit <number>', 'this many at most (50)')
		.addHelpText(
			'after',
			examples(
				'steward list --node ship1 --state failed,timedOut --since 1d',
				'steward list --schedule nightly-backup --state failed',
			),
		)
		.action(async (flags: ListFlags & SearchFlags) => done(await (await ask()).list(cli, flags)));
	jsonOption(brokerOptions(program.command('queue')))
		.summary('show what waits for a node or runs there')
		.description('Shows what waits for a node or runs there, lane by lane, in order. Needs a centre.')
		.argument('<node>')
		.addHelpText('after', examples('steward queue ship1'))
		.action(async (node: string, flags: AskFlags) => done(await (await ask()).queue(cli, node, flags)));
}
