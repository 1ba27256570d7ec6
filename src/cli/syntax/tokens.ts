/**
 * Owns the words of the commands about tokens for the dashboard and the API.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { AddTokenFlags, ListTokensFlags, TokensFlags } from '../commands/tokens.ts';
import { type Done, examples, jsonOption } from './shared.ts';

export function addTokens(program: Command, cli: Cli, done: Done): void {
	const tokens = () => import('../commands/tokens.ts');
	const group = program
		.command('tokens')
		.summary('say who may use the dashboard and the API')
		.description(
			'Makes, lists and takes back the tokens for the dashboard and the API; ls if nothing else is said. Run it on the machine of ' +
				'the centre. As long as there is none, everybody on that machine is let in, unless the broker has accounts.',
		);
	fileOptions(group.command('add'))
		.summary('make a token')
		.description(
			'Makes a token and prints it, once: on stdout, alone, so that it can be piped. What is done with it is told under its name.',
		)
		.argument('<name>', 'whose it is')
		.option('--role <role>', 'operator does everything, viewer only looks')
		.option('--expires <time>', 'how long it counts, such as 90d (for ever)')
		.addHelpText(
			'after',
			examples(
				'steward tokens add ada --role operator',
				'steward tokens add wallboard --role viewer --expires 90d > token',
			),
		)
		.action(async (name: string, flags: AddTokenFlags) =>
			done(await (await tokens()).addTokenFor(cli, name, flags)),
		);
	jsonOption(fileOptions(group.command('ls', { isDefault: true })))
		.description('Lists the tokens: whose, as what, until when. The tokens themselves are nowhere.')
		.action(async (flags: ListTokensFlags) => done(await (await tokens()).listTokens(cli, flags)));
	fileOptions(group.command('rm'))
		.summary('take tokens back')
		.description('Takes tokens back. Who uses one is let in no more, and what he is still being told ends.')
		.argument('<id|name...>')
		.addHelpText('after', examples('steward tokens rm ada'))
		.action(async (which: string[], flags: TokensFlags) =>
			done(await (await tokens()).removeTokens(cli, which, flags)),
		);
}

function fileOptions(command: Command): Command {
	return command
		.option('--data <dir>', 'data folder of the centre (~/.local/share/steward)')
		.option('--config <file>', 'config file, YAML or JSON; http.tokens names the file');
}
