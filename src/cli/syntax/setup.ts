/**
 * Owns the words of the commands that set the broker up: init, streams.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import { StewardError } from '../../base/errors.ts';
import type { Cli } from '../cli.ts';
import type { AskFlags } from '../commands/ask.ts';
import { brokerOptions, type Done, examples, jsonOption } from './shared.ts';

/** What init takes for a new fleet alone: without --secure nobody would notice that it was not meant so. */
const secureOnly = ['keys', 'host', 'port', 'serverName'];

export function addSetup(program: Command, cli: Cli, done: Done): void {
	jsonOption(brokerOptions(program.command('init')))
		.summary("make steward's streams on a broker")
		.description(
			"Makes steward's streams on a broker. Safe to run again; up and central do it by themselves. With --secure: makes what a " +
				'broker with accounts and TLS needs.',
		)
		.option('--shards <count>', 'streams that the commands are spread over; fixed by the first time (1)')
		.option(
			'--replicas <count>',
			'servers of a cluster that hold each stream: 1, 3 or 5 (what the broker has, else 1)',
		)
		.option('--budget <size>', 'room of all streams on disk together, such as 8GiB')
		.option(
			'--secure',
			"makes a fleet's keys, accounts, certificates and server configuration instead; needs no broker",
		)
		.option('--keys <dir>', 'with --secure: where (keys in the data folder)')
		.option('--host <address>', 'with --secure: where the broker listens (0.0.0.0)')
		.option('--port <port>', 'with --secure: its port (4222)')
		.option(
			'--server-name <names>',
			'with --secure: host names and addresses that ships reach it by (this host)',
		)
		.addHelpText(
			'after',
			examples(
				'steward init',
				'steward init --shards 16     # from a thousand nodes on',
				'steward init --replicas 3    # on a cluster of three servers',
				'steward init --secure --server-name hub.example.org,203.0.113.7',
			),
		)
		.action(async ({ secure, ...flags }) => {
			const meant = secure ? ['replicas', 'budget', 'servers', 'domain'] : secureOnly;
			const wrong = meant.find((flag) => flag in flags);
			if (wrong !== undefined) {
				const word = wrong.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
				throw new StewardError('usage', `--${word}: ${secure ? 'not' : 'only'} with --secure`);
			}
			done(
				secure
					? await (await import('../commands/init-secure.ts')).initSecure(cli, flags)
					: await (await import('../commands/streams.ts')).init(cli, flags),
			);
		});
	const streams = program
		.command('streams')
		.summary('show what the broker holds')
		.description("Shows steward's streams on the broker; ls if nothing else is said.");
	jsonOption(brokerOptions(streams.command('ls', { isDefault: true })))
		.description('Lists the streams: how much they hold, and of how much.')
		.action(async (flags: AskFlags) =>
			done(await (await import('../commands/streams.ts')).listStreams(cli, flags)),
		);
	topologyFlags(jsonOption(brokerOptions(streams.command('plan'))))
		.description('Shows how the streams differ from what this release says. Changes nothing.')
		.option('--check', 'exit code 11 if there is a difference')
		.addHelpText('after', examples('steward streams plan', 'steward streams plan --check --json'))
		.action(async (flags) => done(await (await import('../commands/streams.ts')).planStreams(cli, flags)));
	topologyFlags(jsonOption(brokerOptions(streams.command('apply'))))
		.description(
			'Brings the streams to what this release says, as a centre does when it starts. What loses something is refused.',
		)
		.option('--allow-destructive', 'also where plan says that something is lost')
		.addHelpText('after', examples('steward streams apply', 'steward streams apply --replicas 3'))
		.action(async (flags) => done(await (await import('../commands/streams.ts')).applyStreams(cli, flags)));
}

function topologyFlags(command: Command): Command {
	return command
		.option('--replicas <count>', 'as in steward init')
		.option('--budget <size>', 'as in steward init; also for streams that are there');
}
