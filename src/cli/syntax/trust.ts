/**
 * Owns the words of the commands about signed documents: whom nodes trust, and what those may do.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { CheckFlags, ExplainFlags, ShowAccessFlags } from '../commands/access.ts';
import type { AskFlags } from '../commands/ask.ts';
import type { PublishFlags } from '../commands/publish-document.ts';
import type { AddKeyFlags, PublishListFlags } from '../commands/trust.ts';
import { brokerOptions, type Done, examples, jsonOption } from './shared.ts';

export function addTrust(program: Command, cli: Cli, done: Done): void {
	const trust = () => import('../commands/trust.ts');
	const group = program
		.command('trust')
		.summary('whom nodes trust: the keys that may sign commands')
		.description(
			'The trust list: root keys, which sign lists, and keys that may sign commands. Nodes take it only with a signature of a root ' +
				'that they know, and never an older version; show if nothing else is said. docs/access.md tells the whole.',
		);
	asking(group.command('show', { isDefault: true }))
		.description('Shows the current list.')
		.action(async (flags: AskFlags) => done(await (await trust()).showTrust(cli, flags)));
	asking(group.command('history'))
		.description('Shows the versions that are kept, the newest first.')
		.action(async (flags: AskFlags) => done(await (await trust()).historyOf(cli, 'trust', flags)));
	asking(group.command('export'))
		.description(
			'Prints the signed documents that a new node begins with (trust.json beside its credentials).',
		)
		.action(async (flags: AskFlags) => done(await (await trust()).exportTrust(cli, flags)));
	fileOptions(publishing(group.command('publish')))
		.description(
			'Signs and publishes a list, and waits until the nodes that are there have it: whoever is enrolled, as the folder of keys has it, or what a file or an earlier version says.',
		)
		.addHelpText(
			'after',
			examples(
				'steward trust publish',
				'steward trust publish --file trust.yaml --keys keys/',
				'steward trust publish --from-version 3 --keys keys/',
			),
		)
		.action(async (flags: PublishListFlags) => done(await (await trust()).publishTrust(cli, flags)));
	publishing(group.command('add-key'))
		.description(
			'Lets a key sign commands, or changes what is said of it. Several keys of one name count side by side.',
		)
		.argument('<name>', 'whose it is')
		.argument('<key>', 'public key, U…')
		.option('--role <role>', 'operator, viewer, centre or node (operator)')
		.option('--from <time>', 'counts not before: a time, or from now such as 1h')
		.option('--until <time>', 'counts no more from then on: a time, or from now such as 365d')
		.addHelpText('after', examples('steward trust add-key alice UABC… --until 365d --keys keys/'))
		.action(async (name: string, key: string, flags: AddKeyFlags) =>
			done(await (await trust()).addKey(cli, name, key, flags)),
		);
	publishing(group.command('remove-key'))
		.description('Lets keys sign nothing more: one key, or all of a name.')
		.argument('<name-or-key...>')
		.action(async (named: string[], flags: PublishFlags) =>
			done(await (await trust()).removeKeys(cli, named, flags)),
		);
	publishing(group.command('add-root'))
		.description('Lets another root key sign lists. Signed by one that counts already.')
		.argument('<key>', 'public key, O…')
		.action(async (key: string, flags: PublishFlags) => done(await (await trust()).addRoot(cli, key, flags)));
	publishing(group.command('remove-root'))
		.description(
			'Lets a root key sign lists no more. Give another root beside it where the access list has to be signed anew.',
		)
		.argument('<key>', 'public key, O…')
		.action(async (key: string, flags: PublishFlags) =>
			done(await (await trust()).removeRoot(cli, key, flags)),
		);
}

export function addAccess(program: Command, cli: Cli, done: Done): void {
	const access = () => import('../commands/access.ts');
	const group = program
		.command('access')
		.summary('who may do what: ordered rules')
		.description(
			'The access list: ordered rules on who may call which method on which nodes with which arguments. The first rule that fits ' +
				'decides, and what none fits is denied; show if nothing else is said. docs/access.md tells the whole.',
		);
	asking(group.command('show', { isDefault: true }))
		.description('Shows the current rules.')
		.option('--form', 'only the list, as JSON, to be changed and set again')
		.action(async (flags: ShowAccessFlags) => done(await (await access()).showAccess(cli, flags)));
	asking(group.command('history'))
		.description('Shows the versions that are kept, the newest first.')
		.action(async (flags: AskFlags) =>
			done(await (await import('../commands/trust.ts')).historyOf(cli, 'access', flags)),
		);
	jsonOption(group.command('check'))
		.description('Checks a file of rules, and tells all problems. Needs no broker.')
		.requiredOption('--file <file>', 'YAML or JSON; "-" is stdin')
		.action(async (flags: CheckFlags) => done(await (await access()).checkAccess(cli, flags)));
	fileOptions(publishing(group.command('set')))
		.description(
			'Signs and publishes rules in the place of those before, and waits until the nodes that are there have them.',
		)
		.addHelpText(
			'after',
			examples(
				'steward access set --file access.yaml --keys keys/',
				'steward access set --from-version 3 --keys keys/ --reason "as it was"',
			),
		)
		.action(async (flags: PublishListFlags) => done(await (await access()).setAccess(cli, flags)));
	asking(group.command('explain'))
		.description(
			'Tells what would be decided, by which rule, and why each before it does not fit. Exit code 1: denied.',
		)
		.requiredOption('--issuer <name>', 'who asks: a name of the trust list, or a node')
		.requiredOption('--method <name>', 'such as shellCommand, control/pause, event/textLogging')
		.requiredOption('--node <name>', 'that is asked')
		.option('--role <role>', 'operator, viewer, centre or node (what the trust list says, else node)')
		.option('--labels <k=v,…>', 'of the node, where rules look at them')
		.option('--data <json>', 'the data, as any JSON')
		.option('--file <file>', 'by the rules of a file instead')
		.argument('[argument...]', 'words after "--": the data, as an array of strings')
		.addHelpText(
			'after',
			examples("steward access explain --issuer alice --method shellCommand --node ship1 -- bash -c 'ls -l'"),
		)
		.action(async (words: string[], flags: ExplainFlags) =>
			done(await (await access()).explainAccess(cli, words, flags)),
		);
}

function asking(command: Command): Command {
	return jsonOption(brokerOptions(command));
}

function publishing(command: Command): Command {
	return asking(command)
		.option(
			'--keys <folder>',
			"of the fleet's keys: its root key (operator.nk) signs (keys in the data folder)",
		)
		.option('--root-key <file...>', 'root keys that sign, such as the old one and the new one')
		.option('--reason <text>', 'told to whoever wonders later')
		.option('--no-wait', 'only publish it')
		.option('--timeout <time>', 'how long nodes that are there may take (15s)');
}

function fileOptions(command: Command): Command {
	return command
		.option('--file <file>', 'the list, YAML or JSON; "-" is stdin')
		.option('--from-version <number>', 'an earlier version, as a new one');
}
