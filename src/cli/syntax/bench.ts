/**
 * Owns the words of `steward bench`.
 * Promises that nothing but commander is loaded before it runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { BenchFlags } from '../commands/bench.ts';
import { brokerOptions, type Done, examples, jsonOption } from './shared.ts';

export function addBench(program: Command, cli: Cli, done: Done): void {
	jsonOption(brokerOptions(program.command('bench')))
		.summary('measure how fast your own fleet is, by pings')
		.description(
			'Measures your own fleet: how soon a ping to one node is on disk and its result can be read, beside the answer of the broker ' +
				'itself; how many go through that node in a second; and how many 64 callers enqueue for a node that is away. It sends ' +
				'pings and nothing else: to the node that you name, and to a name that no node has, where all are called off at the end. ' +
				'Few are under way at a time, so that what others send to the node meanwhile waits but a moment. Interrupted (Ctrl-C), it ' +
				'calls off what waits, and tells what it has. Each ping stays in the ledger for 30 days. Needs a centre.',
		)
		.requiredOption('--node <name>', 'who answers; it has to be present, and idle')
		.option(
			'--pings <number>',
			'through the node, and as many for the one that is away (1000; 10,000 at the most)',
		)
		.option('--samples <number>', 'pings one by one, for the times (100; 1,000 at the most)')
		.option('--lane <lane>', 'urgent, normal or bulk (normal)')
		.option('--longest <time>', 'each part ends after it, with fewer pings (30s)')
		.option(
			'--anyway',
			'also where something waits or runs on the node: then the figures tell of that as well',
		)
		.addHelpText(
			'after',
			`${examples('steward bench --node ship1', 'steward bench --node ship1 --pings 200 --longest 1m', 'steward bench --node central --json')}

What to make of it:
  The broker's own answer is the link: no time can be shorter. A ping is sent, stored, handed over, claimed, run and reported, so its
  result takes several of them, and several writes to disk. What goes through is bound by the lane's capacity (node.lanes in the
  settings of the node): at 1, all of that is done for one before the next. docs/performance.md tells what to compare with.`,
		)
		.action(async (flags: BenchFlags) =>
			done(await (await import('../commands/bench.ts')).bench(cli, flags)),
		);
}
