/**
 * Owns the commands that ask about nodes: nodes ls, nodes show.
 * Promises an array for the list and one object for one node under --json.
 * Reads only.
 */

import { StewardError } from '../../base/errors.ts';
import type { Cli } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { nodeTable, printNode } from '../render/node.ts';
import { type AskFlags, nodeName } from './ask.ts';

export async function listNodes(cli: Cli, flags: AskFlags): Promise<number> {
	const config = await brokerSettings(cli, flags);
	const views = await withFleet(cli, config, (fleet) => fleet.nodes());
	if (flags.json) cli.stdout.line(JSON.stringify(views));
	else if (views.length > 0) cli.stdout.line(nodeTable(views, cli.stdout, cli.clock.now()));
	if (views.length === 0) cli.stderr.line('no node was ever heard of: steward node --node ship1 starts one');
	return exitCodes.done;
}

export async function showNode(cli: Cli, node: string, flags: AskFlags): Promise<number> {
	const name = nodeName(node);
	const config = await brokerSettings(cli, flags);
	const view = await withFleet(cli, config, (fleet) => fleet.node(name));
	if (view === undefined) {
		throw new StewardError(
			'not-found',
			`nobody ever heard of a node ${name}, and nothing waits for it: steward nodes ls shows those that are known`,
			{ details: { node: name } },
		);
	}
	if (flags.json) cli.stdout.line(JSON.stringify(view));
	else printNode(cli.stdout, view, cli.clock.now());
	return exitCodes.done;
}
