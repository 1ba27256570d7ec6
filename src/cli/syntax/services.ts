/**
 * Owns the words of the commands that run something: up, central, node.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { KeygenFlags } from '../commands/join.ts';
import type { CentralFlags, NodeFlags, UpFlags } from '../commands/services.ts';
import { brokerOptions, type Done, examples, jsonOption } from './shared.ts';

const logLevels = 'debug, info, warn, error or silent';

export function addServices(program: Command, cli: Cli, done: Done): void {
	const services = () => import('../commands/services.ts');
	httpOptions(serviceOptions(program.command('up')))
		.summary('run broker, centre and the node central in one process')
		.description('Runs broker, centre and the node central in one process, until SIGINT or SIGTERM.')
		.option('--port <port>', "the broker's port, 0 picks a free one (4222, or what its keys say)")
		.option(
			'--keys <dir>',
			'keys of the fleet: accounts and TLS (keys in the data folder, if they are there)',
		)
		.option('--shards <count>', 'streams that the commands are spread over; fixed by the first start (1)')
		.option('--labels <k=v,…>', 'labels of the node central')
		.option('--inmsg <file>', 'its watched file of messages (inmsg.txt in its data folder)')
		.addHelpText('after', examples('steward up', 'steward up --data ./data --port 4333'))
		.action(async (flags: UpFlags) => done(await (await services()).up(cli, flags)));
	httpOptions(serviceOptions(brokerOptions(program.command('central'))))
		.summary('run a centre on a broker that is there')
		.description('Runs a centre, without broker and node. Several may run: one leads, the others stand by.')
		.option('--shards <count>', 'as in steward init')
		.option('--replicas <count>', 'as in steward init')
		.addHelpText('after', examples('steward central --servers nats://hub.example:4222'))
		.action(async (flags: CentralFlags) => done(await (await services()).central(cli, flags)));
	const node = serviceOptions(brokerOptions(program.command('node')))
		.summary('run a node on this machine')
		.description(
			'Runs a node. It may start without a link, and keeps what it owes on its disk until there is one.',
		)
		.option('--node <name>', 'its name, for example ship1')
		.option('--labels <k=v,…>', 'what --where of send selects by')
		.option('--inmsg <file>', 'watched file of messages (inmsg.txt in its data folder)')
		.option('--metrics <[host:]port>', 'tell its metrics there, 0 picks a free port (nowhere; 127.0.0.1)')
		.addHelpText(
			'after',
			examples(
				'steward node --node ship1',
				'steward node --node ship1 --servers nats://hub.example:4222 --labels role=tug,port=hamburg',
			),
		)
		.action(async (flags: NodeFlags) => done(await (await services()).runNode(cli, flags)));
	addKeygen(node, cli, done);
}

function addKeygen(node: Command, cli: Cli, done: Done): void {
	jsonOption(node.command('keygen'))
		.summary('make a key that never leaves this machine')
		.description(
			'Makes a key for this machine and prints its public half, which steward enrol --public-key takes. The key itself stays ' +
				'in its file.',
		)
		.option('--out <file>', 'where it is kept (node.nk)')
		.addHelpText('after', examples('steward node keygen --out ship1.nk'))
		.action(async (flags: KeygenFlags) =>
			done(await (await import('../commands/join.ts')).keygen(cli, flags)),
		);
}

function httpOptions(command: Command): Command {
	return command
		.option(
			'--http <[host:]port>',
			'where API and dashboard are served, 0 picks a free port (127.0.0.1:7422)',
		)
		.option('--no-http', 'serve neither')
		.option(
			'--http-origin <https://name[:port],…>',
			'under which other names a reverse proxy shows them; then a token is needed from the start',
		);
}

function serviceOptions(command: Command): Command {
	return command
		.option('--data <dir>', 'data folder (~/.local/share/steward)')
		.option('--log-level <level>', `${logLevels} (info)`);
}
