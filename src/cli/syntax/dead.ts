/**
 * Owns the words of the commands about dead letters.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { AskFlags } from '../commands/ask.ts';
import type { DeadFlags, DiscardFlags, ReplayFlags } from '../commands/dead.ts';
import { brokerOptions, type Done, examples, jsonOption } from './shared.ts';

export function addDead(program: Command, cli: Cli, done: Done): void {
	const dead = () => import('../commands/dead.ts');
	const group = program
		.command('dead')
		.summary('dead letters: list, show, replay or discard them')
		.description(
			'Dead letters: messages taken out of their lane, with their evidence; ls if nothing else is said. They are kept for 30 days.',
		);
	filterOptions(jsonOption(brokerOptions(group.command('ls', { isDefault: true }))))
		.description('Lists dead letters, newest first. Needs no centre.')
		.option('--replayed', 'those that were sent again')
		.option('--no-replayed', 'those that were not')
		.option('--limit <number>', 'this many at most (50)')
		.addHelpText('after', examples('steward dead ls --node ship1 --code unknownMethod --since 1d'))
		.action(async (flags: DeadFlags) => done(await (await dead()).listDead(cli, flags)));
	jsonOption(brokerOptions(group.command('show')))
		.description('Shows dead letters in full: why, attempts, and the message as it was. Needs no centre.')
		.argument('<handle...>', 'as ls shows it: <node>.<id>')
		.addHelpText('after', examples('steward dead show ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8'))
		.action(async (handles: string[], flags: AskFlags) =>
			done(await (await dead()).showDead(cli, handles, flags)),
		);
	filterOptions(jsonOption(brokerOptions(group.command('replay'))))
		.description(
			'Sends dead letters again, those of a filter that were not yet: a command as a new command with its policy, its deadline counted anew; an event with its data. The letter stays and says what it was sent again as; asking twice repeats nothing. Needs no centre.',
		)
		.argument('[handle...]', 'as ls shows it; else a filter')
		.option('--all', 'without a filter')
		.option('--rate <number/time>', 'at most so many, such as 10/s or 100/m')
		.option('--dry-run', 'only say which could be sent again')
		.addHelpText(
			'after',
			examples(
				'steward dead replay ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8',
				'steward dead replay --node ship1 --code unknownMethod --rate 10/s',
			),
		)
		.action(async (handles: string[], flags: ReplayFlags) =>
			done(await (await dead()).replayDead(cli, handles, flags)),
		);
	filterOptions(jsonOption(brokerOptions(group.command('discard'))))
		.description('Throws dead letters away, for good. Needs no centre.')
		.argument('[handle...]', 'as ls shows it; else a filter')
		.option('--all', 'without a filter')
		.option('--replayed', 'those that were sent again')
		.option('--no-replayed', 'those that were not')
		.option('--dry-run', 'only say which')
		.option('--yes', 'without it, a filter says how many it would be')
		.addHelpText(
			'after',
			examples(
				'steward dead discard ship1.01KAXW3V7S9G8J4QZ2M5R6T7B8',
				'steward dead discard --replayed --yes',
			),
		)
		.action(async (handles: string[], flags: DiscardFlags) =>
			done(await (await dead()).discardDead(cli, handles, flags)),
		);
}

function filterOptions(command: Command): Command {
	return command
		.option('--node <name>', 'of one node')
		.option('--kind <kind>', 'command or event')
		.option('--method <name>', 'of one method')
		.option('--code <code>', 'with this fault, such as unknownMethod or undelivered')
		.option('--since <time>', 'written since then: 1h, or 2026-11-22T10:00:00Z');
}
