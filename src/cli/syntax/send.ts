/**
 * Owns the words of send.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { SendFlags } from '../commands/send.ts';
import { brokerOptions, type Done, examples, jsonOption, policyOptions } from './shared.ts';

/** @param after How many words stand after "--". */
export function addSend(program: Command, cli: Cli, done: Done, after: number): void {
	policyOptions(jsonOption(brokerOptions(program.command('send'))))
		.summary('send a command (or an event) to nodes, there or not')
		.description(
			'Sends a command to one node or to many. It is queued when the broker has it on disk, and runs when its node is there. ' +
				'When no broker answers, a node on this machine takes it.',
		)
		.usage('<node[,node…]> <method> [options] [-- data…]')
		.argument('[nodes]', 'names of nodes; left out with --where and --file')
		.argument('[method]', 'for example shellCommand, ping, textLogging')
		.argument('[data...]', 'words after "--": the data, as an array of strings')
		.option('--data <json>', 'the data, as any JSON')
		.option('--file <file>', 'the whole message as JSON, or an array of messages; "-" is stdin')
		.option('--event', 'an event: delivered and acknowledged, without an outcome')
		.option('--where <k=v,…>', 'every node with these labels, instead of names')
		.option('--id <id>', 'an id of your own: sent again with it, the command is there once')
		.option('--in <time>', 'queue it after this time, such as 2h: it is scheduled until then')
		.option('--at <time>', 'queue it at this time, such as 2026-12-24T08:00')
		.option('--time-zone <zone>', "with --at: IANA zone of that time (this machine's)")
		.option('--wait', 'wait for the end, and print the output')
		.option('--timeout <time>', 'with --wait: longest wait, such as 30s')
		.option('--raw', 'with --wait: the output as it was, also on a terminal, which it may steer')
		.addHelpText(
			'after',
			examples(
				'steward send ship1 shellCommand -- uname -a',
				"steward send ship1,ship2 shellCommand --wait --timeout 30s -- bash -c 'ls -l | head'",
				'steward send --where role=tug shellCommand --when-absent skip -- systemctl restart radio',
				'steward send ship1 shellCommand --deliver-within 1h --run-for 5m --attempts 3 -- ./backup',
				'steward send ship1 shellCommand --attempts 5 --backoff fixed,initial=1m --on-interrupt rerun -- ./fetch',
				'steward send ship1 shellCommand --at 2026-12-24T08:00 --time-zone Europe/Oslo -- ./jingle',
				'steward send ship1 ping --data \'{"n":1}\' --wait',
				'steward send central textLogging --event -- "engine is warm"',
				'steward send --file messages.json',
			),
		)
		.action(
			async (nodes: string | undefined, method: string | undefined, data: string[], flags: SendFlags) => {
				const words = [nodes, method, ...data].filter((word) => word !== undefined);
				done(await (await import('../commands/send.ts')).send(cli, words, flags, after));
			},
		);
}
