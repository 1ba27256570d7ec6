/**
 * Owns the words of the commands about schedules.
 * Promises that nothing but commander is loaded before one of them runs.
 * Has no state.
 */

import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import type { AskFlags } from '../commands/ask.ts';
import type { NextFlags, ShowScheduleFlags } from '../commands/schedules.ts';
import type { AddFlags, ReasonFlags, RunNowFlags, SignFlags } from '../commands/schedules-change.ts';
import { brokerOptions, type Done, examples, jsonOption, policyOptions } from './shared.ts';

/** @param after How many words stand after "--". */
export function addSchedules(program: Command, cli: Cli, done: Done, after: number): void {
	const group = program
		.command('schedules')
		.alias('schedule')
		.summary('schedules: what is sent again and again')
		.description(
			'Schedules: a command that is sent again and again, by cron or at an interval, by the centre or by the nodes themselves ' +
				'(without any link); ls if nothing else is said. docs/schedules.md tells what fires after an outage.',
		);
	addReading(group, cli, done);
	addAdding(group, cli, done, after);
	addChanging(group, cli, done);
}

function addReading(group: Command, cli: Cli, done: Done): void {
	const schedules = () => import('../commands/schedules.ts');
	jsonOption(brokerOptions(group.command('ls', { isDefault: true })))
		.description(
			'Lists schedules: the next tick, the last one with its outcome on each node. Needs a centre.',
		)
		.action(async (flags: AskFlags) => done(await (await schedules()).listSchedules(cli, flags)));
	jsonOption(brokerOptions(group.command('show')))
		.description('Shows schedules in full. Needs a centre, except with --form.')
		.argument('<name...>')
		.option('--form', 'only the form, as JSON, to be changed and added again with --file')
		.addHelpText(
			'after',
			examples('steward schedules show nightly', 'steward schedules show nightly --form > nightly.json'),
		)
		.action(async (names: string[], flags: ShowScheduleFlags) =>
			done(await (await schedules()).showSchedules(cli, names, flags)),
		);
	jsonOption(brokerOptions(group.command('next')))
		.description("Shows its next ticks, in its own time zone and in this machine's, also where it is paused.")
		.argument('<name>')
		.option('-n, --count <number>', 'this many (10)')
		.addHelpText('after', examples('steward schedules next nightly -n 3'))
		.action(async (name: string, flags: NextFlags) =>
			done(await (await schedules()).nextTicksOf(cli, name, flags)),
		);
	jsonOption(brokerOptions(group.command('history')))
		.description('Shows who changed it and when, the newest first; also of one that was removed.')
		.argument('<name>')
		.addHelpText('after', examples('steward schedules history nightly'))
		.action(async (name: string, flags: AskFlags) =>
			done(await (await schedules()).historyOfSchedule(cli, name, flags)),
		);
}

function addAdding(group: Command, cli: Cli, done: Done, after: number): void {
	policyOptions(jsonOption(brokerOptions(group.command('add'))))
		.summary('add a schedule, or change one')
		.description(
			'Adds a schedule, from words and options or from a file. One that means the same already stays as it is; with --replace ' +
				'one of that name is changed. The data may hold {{node}}, {{tick}} and {{schedule}}.',
		)
		.usage('<name> <node[,node…]> <method> --cron <expression> | --every <time> [options] [-- data…]')
		.argument('[name]', 'of the schedule')
		.argument('[nodes]', 'names of nodes; left out with --where')
		.argument('[method]', 'for example shellCommand, ping')
		.argument('[data...]', 'words after "--": the data, as an array of strings')
		.option(
			'--cron <expression>',
			'minute hour day month weekday (seconds before them, if there are six), or @daily',
		)
		.option('--every <time>', 'an interval such as 15m, counted from --start-at, else from the epoch')
		.option('--time-zone <zone>', "IANA zone of the clocks (this machine's; UTC in a file)")
		.option('--where <k=v,…>', 'every node with these labels, instead of names')
		.option('--placement <who>', 'who fires it: centre, or node, without any link (centre)')
		.option(
			'--missed <policy>',
			'what could not fire in time: skip, once, or all,max=10,not-older-than=1d (once)',
		)
		.option('--overlap <policy>', 'the one before is not done: allow, skip or replace (skip)')
		.option('--jitter <time>', 'each node fires up to this much later, always by the same')
		.option('--start-at <time>', 'no tick before, such as 2026-12-24T08:00')
		.option('--end-at <time>', 'no tick after')
		.option('--paused', 'fires nothing until it is resumed')
		.option('--no-paused', 'with --replace: goes on, if it is paused')
		.option('--note <text>', 'for whoever wonders later')
		.option('--data <json>', 'the data, as any JSON')
		.option('--file <file>', 'schedules in JSON or YAML, one or an array; "-" is stdin')
		.option('--replace', 'change the one of that name')
		.option('--dry-run', 'only check it, and show its next ten ticks; needs no broker')
		.addHelpText(
			'after',
			examples(
				"steward schedules add nightly ship1 shellCommand --cron '0 3 * * *' --time-zone Europe/Oslo -- ./backup",
				'steward schedules add tanks --where role=tug readTank --every 15m --placement node --data \'{"tank":1}\'',
				"steward schedules add nightly ship1,ship2 shellCommand --cron '0 4 * * *' --replace --dry-run -- ./backup {{node}}",
				'steward schedules add --file schedules.yaml --replace',
			),
		)
		.action(async (...[name, nodes, method, data, flags]: AddWords) => {
			const words = [name, nodes, method, ...data].filter((word) => word !== undefined);
			done(await (await import('../commands/schedules-change.ts')).addSchedules(cli, words, flags, after));
		});
}

type AddWords = [
	name: string | undefined,
	nodes: string | undefined,
	method: string | undefined,
	data: string[],
	flags: AddFlags,
];

function addChanging(group: Command, cli: Cli, done: Done): void {
	const change = () => import('../commands/schedules-change.ts');
	reasonOption(jsonOption(brokerOptions(group.command('pause'))))
		.description('Fires nothing more until it is resumed. What is queued already stays.')
		.argument('<name...>')
		.addHelpText('after', examples('steward schedules pause nightly --reason "in the dry dock"'))
		.action(async (names: string[], flags: ReasonFlags) =>
			done(await (await change()).pauseSchedules(cli, names, flags)),
		);
	reasonOption(jsonOption(brokerOptions(group.command('resume'))))
		.description('Fires again; the ticks of the pause were not missed.')
		.argument('<name...>')
		.addHelpText('after', examples('steward schedules resume nightly'))
		.action(async (names: string[], flags: ReasonFlags) =>
			done(await (await change()).resumeSchedules(cli, names, flags)),
		);
	jsonOption(brokerOptions(group.command('sign')))
		.summary('vouch for schedules that nobody vouches for')
		.description(
			'Signs with the key of your credentials what is stored and nobody whom the trust list names vouches for: until then nothing of it ' +
				'fires. All such if none is named. Shows each in full; --yes signs them. Needs no centre.',
		)
		.argument('[name...]')
		.option('--yes', 'sign them')
		.addHelpText('after', examples('steward schedules sign', 'steward schedules sign nightly --yes'))
		.action(async (names: string[], flags: SignFlags) =>
			done(await (await change()).signSchedules(cli, names, flags)),
		);
	jsonOption(brokerOptions(group.command('run-now')))
		.description('Sends at once what a tick sends, beside its ticks; also where it is paused.')
		.argument('<name>')
		.option('--node <names>', 'some of its nodes, such as ship1,ship2')
		.option('--id <id>', 'an id of your own: run again with it, the commands are there once')
		.addHelpText('after', examples('steward schedules run-now nightly --node ship1'))
		.action(async (name: string, flags: RunNowFlags) =>
			done(await (await change()).runScheduleNow(cli, name, flags)),
		);
	reasonOption(jsonOption(brokerOptions(group.command('rm'))))
		.description('Removes schedules. What is queued already stays.')
		.argument('<name...>')
		.addHelpText('after', examples('steward schedules rm nightly'))
		.action(async (names: string[], flags: ReasonFlags) =>
			done(await (await change()).removeSchedules(cli, names, flags)),
		);
}

function reasonOption(command: Command): Command {
	return command.option('--reason <text>', 'told to whoever wonders later');
}
