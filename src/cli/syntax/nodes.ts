/**
 * Owns the words of the commands about nodes.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { AskFlags } from '../commands/ask.ts';
import type { DecommissionFlags } from '../commands/decommission.ts';
import type { DrainFlags, PauseFlags, ResumeFlags, StopFlags } from '../commands/hold.ts';
import { brokerOptions, type Done, examples, jsonOption } from './shared.ts';

export function addNodes(program: Command, cli: Cli, done: Done): void {
	const nodes = () => import('../commands/nodes.ts');
	const group = program
		.command('nodes')
		.summary('show nodes, and make them hold back or go on')
		.description(
			'Shows nodes: who is there, and what they say; ls if nothing else is said. ' +
				'Makes them hold back (pause, drain, stop) and go on (resume).',
		);
	jsonOption(brokerOptions(group.command('ls', { isDefault: true })))
		.description('Lists all nodes that were ever heard of, or that something waits for. Needs a centre.')
		.action(async (flags: AskFlags) => done(await (await nodes()).listNodes(cli, flags)));
	jsonOption(brokerOptions(group.command('show')))
		.description('Shows one node: presence, lanes, methods, what runs. Needs a centre.')
		.argument('<node>')
		.addHelpText('after', examples('steward nodes show ship1'))
		.action(async (node: string, flags: AskFlags) => done(await (await nodes()).showNode(cli, node, flags)));
	addHolds(group, cli, done);
	addService(group, cli, done);
}

function addHolds(group: Command, cli: Cli, done: Done): void {
	const hold = () => import('../commands/hold.ts');
	holdOptions(group.command('pause'))
		.summary('start nothing more on some lanes')
		.description(
			'Starts nothing more on these lanes until they are resumed, also after restarts of the node. What runs goes on, what ' +
				'waits keeps its order. An absent node does it when it is back, before anything else starts there.',
		)
		.option('--lane <lanes>', 'some of urgent,normal,bulk,events (urgent,normal,bulk)')
		.addHelpText(
			'after',
			examples(
				'steward nodes pause ship1 --reason "in the dry dock"',
				'steward nodes pause ship1 ship2 --lane bulk,events',
			),
		)
		.action(async (nodes: string[], flags: PauseFlags) =>
			done(await (await hold()).pauseNodes(cli, nodes, flags)),
		);
	holdOptions(group.command('resume'))
		.summary('undo pause, drain and stop')
		.description(
			'Undoes pause, drain and stop: of some lanes, of one method, or of everything where nothing is named. A module that ' +
				'its node gave up, because it broke down too often, is started again. Work goes on where it was.',
		)
		.option('--lane <lanes>', 'some of urgent,normal,bulk,events')
		.option('--method <name>', 'a method that was stopped, and the lanes that waited for it')
		.addHelpText(
			'after',
			examples('steward nodes resume ship1', 'steward nodes resume ship1 --method deploy'),
		)
		.action(async (nodes: string[], flags: ResumeFlags) =>
			done(await (await hold()).resumeNodes(cli, nodes, flags)),
		);
	holdOptions(group.command('drain'))
		.summary('start nothing more, and wait until nothing runs')
		.description(
			'Starts nothing more on any lane, events included, and waits until nothing runs: before an update, or to switch it ' +
				"off. Ends with the node's next start, or with resume. A drain that arrives too late is not done at all. " +
				'Exit code 5: something still runs.',
		)
		.option('--deliver-within <time>', 'latest arrival at the node (10m)')
		.addHelpText('after', examples('steward nodes drain ship1 --timeout 30m && ssh ship1 reboot'))
		.action(async (nodes: string[], flags: DrainFlags) =>
			done(await (await hold()).drainNodes(cli, nodes, flags)),
		);
	holdOptions(group.command('stop'))
		.summary('run a method no more')
		.description(
			'Runs a method no more until it is resumed, also after restarts of the node. Its commands wait: they can be cancelled ' +
				'and they expire. A lane whose next command is one of them waits with it, so that its order is kept; others go on.',
		)
		.requiredOption('--method <name>', 'for example deploy; steward nodes show lists them')
		.addHelpText('after', examples('steward nodes stop ship1 --method deploy --reason "it fills the disk"'))
		.action(async (nodes: string[], flags: StopFlags) =>
			done(await (await hold()).stopMethods(cli, nodes, flags)),
		);
}

function addService(group: Command, cli: Cli, done: Done): void {
	const commands = () => import('../commands/decommission.ts');
	jsonOption(brokerOptions(group.command('decommission')))
		.summary('take nodes out of service, and end what waits or runs there')
		.description(
			'Takes nodes out of service: they are sent nothing more, what waits for them is called off, what they started is given up ' +
				'as lost (they may have done it), and their consumers go. One that comes back is heard, and sent nothing. ' +
				'Exit code 5: no centre has settled all of it yet; one will.',
		)
		.argument('<node...>')
		.option('--reason <text>', 'told to whoever wonders later')
		.option('--dry-run', 'list what would be ended, and do nothing')
		.option('--yes', 'without it, it says how many commands it would end')
		.option('--force', 'also a name of which nobody ever heard')
		.option('--timeout <time>', 'longest wait until all is settled (15s)')
		.addHelpText(
			'after',
			examples(
				'steward nodes decommission ship1 --dry-run',
				'steward nodes decommission ship1 --yes --reason "sold" && steward revoke ship1',
			),
		)
		.action(async (nodes: string[], flags: DecommissionFlags) =>
			done(await (await commands()).decommissionNodes(cli, nodes, flags)),
		);
	jsonOption(brokerOptions(group.command('recommission')))
		.summary('take nodes back into service')
		.description('Takes nodes back into service. What was ended stays ended: send it again.')
		.argument('<node...>')
		.addHelpText('after', examples('steward nodes recommission ship1'))
		.action(async (nodes: string[], flags: AskFlags) =>
			done(await (await commands()).recommissionNodes(cli, nodes, flags)),
		);
}

function holdOptions(command: Command): Command {
	return jsonOption(brokerOptions(command))
		.argument('<node...>')
		.option('--reason <text>', 'told to whoever wonders later')
		.option('--wait', 'wait for the answer of an absent node as well')
		.option('--no-wait', 'queue it, and wait for no answer')
		.option(
			'--timeout <time>',
			command.name() === 'drain'
				? 'longest wait until nothing runs (for ever; 10s for the answer)'
				: 'longest wait for the answer (10s)',
		);
}
