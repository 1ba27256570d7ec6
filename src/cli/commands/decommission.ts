/**
 * Owns the commands that take nodes out of service and back: nodes decommission, nodes recommission.
 * Promises that nothing is ended without --yes, and that what is left to be done is said.
 * What was asked before we die stays asked; a centre settles it.
 */

import { StewardError } from '../../base/errors.ts';
import { counted } from '../../base/text.ts';
import type { Fleet } from '../../client/fleet.ts';
import type { CommandView } from '../../domain/view.ts';
import type { Cli } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { commandTable } from '../render/command.ts';
import { type AskFlags, nodeName } from './ask.ts';
import { parseTimeout } from './follow.ts';

export type DecommissionFlags = AskFlags & {
	readonly reason?: string;
	readonly yes?: boolean;
	readonly dryRun?: boolean;
	readonly force?: boolean;
	readonly timeout?: string;
};

const shown = 10_000;
const openStates = ['scheduled', 'queued', 'running', 'retrying'] as const;

export async function decommissionNodes(
	cli: Cli,
	named: readonly string[],
	flags: DecommissionFlags,
): Promise<number> {
	const nodes = [...new Set(named.map(nodeName))];
	const timeoutMs = parseTimeout(flags.timeout);
	const config = await brokerSettings(cli, flags);
	return withFleet(cli, config, async (fleet) => {
		if (flags.dryRun || !flags.yes) return preview(cli, fleet, nodes, flags);
		const { reason } = flags;
		const options = {
			...(reason !== undefined && { reason }),
			force: flags.force === true,
			...(timeoutMs !== undefined && { timeoutMs }),
		};
		const done = await Promise.all(nodes.map((node) => fleet.decommission(node, options)));
		if (flags.json) cli.stdout.line(JSON.stringify(done));
		for (const { node, cancelled, lost, settled } of flags.json ? [] : done) {
			const word = cli.stdout.paint(settled ? 'green' : 'yellow', 'decommissioned');
			const counts = `${cancelled} called off before they started, ${lost} given up while they ran`;
			cli.stdout.line(`${word}  ${cli.stdout.paint('bold', node)}  ${counts}`);
		}
		if (!flags.json) {
			const names = nodes.join(' ');
			cli.stderr.line(
				cli.stderr.paint(
					'dim',
					`next: ${cli.program} revoke ${names} takes its credentials away, where it has some`,
				),
			);
		}
		const pending = done.filter(({ settled }) => !settled).map(({ node }) => node);
		if (pending.length === 0) return exitCodes.done;
		throw new StewardError(
			'waited-too-long',
			`nothing more is sent to ${pending.join(', ')}; what waits or runs there has not all been given its end yet: a centre does it ` +
				`(${cli.program} nodes show ${pending[0]})`,
			{ details: { pending } },
		);
	});
}

/** What would be ended. */
async function preview(
	cli: Cli,
	fleet: Fleet,
	nodes: readonly string[],
	{ dryRun, json }: DecommissionFlags,
): Promise<number> {
	const lists = nodes.map((node) => fleet.list({ node, states: openStates, limit: shown }));
	const open: CommandView[] = (await Promise.all(lists)).flat();
	const started = open.filter(({ state }) => state === 'running' || state === 'retrying').length;
	const text = `${counted(open.length - started, 'command')} would be called off before starting, and ${counted(started, 'command')} that started given up as lost`;
	if (dryRun) {
		if (json) cli.stdout.line(JSON.stringify(open));
		else if (open.length > 0) cli.stdout.line(commandTable(open, cli.stdout, cli.clock.now()));
		cli.stderr.line(`${text}; nothing was done (--dry-run)`);
		return exitCodes.done;
	}
	throw new StewardError(
		'usage',
		`${text}, and nothing more be sent to ${nodes.join(', ')}: add --yes to do it, or --dry-run to see them`,
	);
}

export async function recommissionNodes(
	cli: Cli,
	named: readonly string[],
	flags: AskFlags,
): Promise<number> {
	const nodes = [...new Set(named.map(nodeName))];
	const config = await brokerSettings(cli, flags);
	return withFleet(cli, config, async (fleet) => {
		const done = await Promise.all(
			nodes.map(async (node) => ({ node, recommissioned: await fleet.recommission(node) })),
		);
		if (flags.json) cli.stdout.line(JSON.stringify(done));
		for (const { node, recommissioned } of flags.json ? [] : done) {
			const facts = recommissioned
				? 'it is in service again; what was ended stays ended'
				: 'it was in service: nothing was changed';
			cli.stdout.line(`recommissioned  ${cli.stdout.paint('bold', node)}  ${facts}`);
		}
		return exitCodes.done;
	});
}
