/**
 * Owns the words of the commands about nodes.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { AskFlags } from '../commands/ask.ts';
import { brokerOptions, type Done, examples, jsonOption } from './shared.ts';

export function addNodes(program: Command, cli: Cli, done: Done): void {
	const nodes = () => import('../commands/nodes.ts');
	const group = program
		.command('nodes')
		.summary('show nodes: who is there, and what they say')
		.description('Shows nodes: who is there, and what they say; ls if nothing else is said.');
	jsonOption(brokerOptions(group.command('ls', { isDefault: true })))
		.description('Lists all nodes that were ever heard of, or that something waits for. Needs a centre.')
		.action(async (flags: AskFlags) => done(await (await nodes()).listNodes(cli, flags)));
	jsonOption(brokerOptions(group.command('show')))
		.description('Shows one node: presence, lanes, methods, what runs. Needs a centre.')
		.argument('<node>')
		.addHelpText('after', examples('steward nodes show ship1'))
		.action(async (node: string, flags: AskFlags) => done(await (await nodes()).showNode(cli, node, flags)));
}
