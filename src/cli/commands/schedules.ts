/**
 * Owns the commands that ask about schedules: schedules ls, show, next, history.
 * Promises arrays under --json, and that a name which is not there is told with the one that was probably meant.
 * Reads only.
 */

import { StewardError } from '../../base/errors.ts';
import { counted, neutralise } from '../../base/text.ts';
import type { Fleet } from '../../client/fleet.ts';
import type { ScheduleView } from '../../domain/schedule-view.ts';
import type { Cli } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { changeTable, printSchedule, scheduleTable, tickTable } from '../render/schedule.ts';
import { type AskFlags, parseLimit } from './ask.ts';

export type ShowScheduleFlags = AskFlags & { readonly form?: boolean };
export type NextFlags = AskFlags & { readonly count?: string };

export async function listSchedules(cli: Cli, flags: AskFlags): Promise<number> {
	const config = await brokerSettings(cli, flags);
	const views = await withFleet(cli, config, (fleet) => fleet.schedules.list());
	if (flags.json) cli.stdout.line(JSON.stringify(views));
	else if (views.length > 0) cli.stdout.line(scheduleTable(views, cli.stdout, cli.clock.now()));
	const silent = views.filter(({ problem }) => problem !== null).length;
	if (silent > 0 && !flags.json)
		cli.stderr.line(
			`${counted(silent, 'schedule fires', 'schedules fire')} nothing: steward schedules show NAME says why`,
		);
	if (views.length === 0)
		cli.stderr.line('no schedules: steward schedules add hourly ship1 shellCommand --every 1h -- uptime');
	return exitCodes.done;
}

export async function showSchedules(
	cli: Cli,
	names: readonly string[],
	flags: ShowScheduleFlags,
): Promise<number> {
	const config = await brokerSettings(cli, flags);
	if (flags.form) return showForms(cli, names, flags);
	const views = await withFleet(cli, config, async (fleet) => {
		const found: ScheduleView[] = [];
		for (const name of names) found.push(await viewOf(cli, fleet, name));
		return found;
	});
	if (flags.json) cli.stdout.line(JSON.stringify(views));
	else {
		for (const [index, view] of views.entries()) {
			if (index > 0) cli.stdout.line();
			printSchedule(cli.stdout, view, cli.clock.now());
		}
	}
	return exitCodes.done;
}

async function showForms(cli: Cli, names: readonly string[], flags: ShowScheduleFlags): Promise<number> {
	const config = await brokerSettings(cli, flags);
	const forms = await withFleet(cli, config, (fleet) =>
		Promise.all(names.map((name) => fleet.schedules.form(name))),
	);
	const value = forms.length === 1 ? forms[0] : forms;
	cli.stdout.line(flags.json ? JSON.stringify(value) : neutralise(JSON.stringify(value, null, '\t')));
	return exitCodes.done;
}

const centreTries = 20;
const centreEveryMs = 100;

/** What was added a moment ago may not have come to the centre's ears. @throws StewardError `not-found` */
async function viewOf(cli: Cli, { schedules }: Fleet, name: string): Promise<ScheduleView> {
	for (let attempt = 1; attempt <= centreTries; attempt++) {
		const view = await schedules.get(name);
		if (view) return view;
		await schedules.form(name);
		await cli.clock.sleep(centreEveryMs);
	}
	throw new StewardError(
		'no-centre',
		`the schedule ${name} is stored, and the centre does not know it: is it older than what stored it? (steward schedules show --form ${name} needs none)`,
		{ details: { name } },
	);
}

export async function nextTicksOf(cli: Cli, name: string, flags: NextFlags): Promise<number> {
	const count = flags.count === undefined ? 10 : parseLimit(flags.count, '--count');
	const config = await brokerSettings(cli, flags);
	const [ticks, form] = await withFleet(cli, config, (fleet) =>
		Promise.all([fleet.schedules.next(name, count), fleet.schedules.form(name)]),
	);
	if (flags.json) cli.stdout.line(JSON.stringify(ticks));
	else if (ticks.length > 0) cli.stdout.line(tickTable(ticks, cli.stdout, cli.clock.now(), cli.timeZone));
	if (form.paused === true)
		cli.stderr.line(`${name} is paused: nothing fires before steward schedules resume ${name}`);
	else if (ticks.length === 0) cli.stderr.line(`${name} is over: no tick is to come`);
	return exitCodes.done;
}

export async function historyOfSchedule(cli: Cli, name: string, flags: AskFlags): Promise<number> {
	const config = await brokerSettings(cli, flags);
	const changes = await withFleet(cli, config, (fleet) => fleet.schedules.history(name));
	if (flags.json) cli.stdout.line(JSON.stringify(changes));
	else cli.stdout.line(changeTable(changes, cli.stdout, cli.clock.now()));
	return exitCodes.done;
}
