/**
 * Owns the commands that change schedules: schedules add, pause, resume, rm, and run-now.
 * Promises that all forms are checked before the first is stored, arrays under --json, and an outcome for each of several names.
 * Asking again after a crash is safe: what is so already stays as it is.
 */

import { type ErrorCode, isStewardError, StewardError } from '../../base/errors.ts';
import { counted, oneLine } from '../../base/text.ts';
import type { Fleet } from '../../client/fleet.ts';
import { checkForms } from '../../client/forms.ts';
import { parseSchedule, type Schedule, type ScheduleForm } from '../../domain/schedule.ts';
import { previewOf, type ScheduleOutcome } from '../../domain/schedule-view.ts';
import type { Cli } from '../cli.ts';
import { brokerSettings, withFleet, withoutBroker } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { againLine, outcomeLine, printDryRun, printUnsigned } from '../render/schedule.ts';
import { type AskFlags, nodeName } from './ask.ts';
import { readScheduleForms, type ScheduleOptions } from './schedule-form.ts';
import { told as tellReceipts } from './send.ts';
import { checkWhere } from './send-form.ts';

export type AddFlags = AskFlags & ScheduleOptions & { readonly replace?: boolean; readonly dryRun?: boolean };
export type ReasonFlags = AskFlags & { readonly reason?: string };
export type SignFlags = AskFlags & { readonly yes?: boolean };
export type RunNowFlags = AskFlags & { readonly node?: string; readonly id?: string };

/** @param after How many of the words stood after "--". */
export async function addSchedules(
	cli: Cli,
	words: readonly string[],
	flags: AddFlags,
	after: number,
): Promise<number> {
	checkWhere(flags, words.slice(0, words.length - after), ['a name', 'a method']);
	const { json = false, replace = false, dryRun, ...options } = withoutBroker(flags);
	const { forms, ownZone } = await readScheduleForms(cli, words, options);
	const schedules = checkForms(forms, parseSchedule, 'nothing was stored');
	checkNames(schedules);
	if (ownZone && !json) {
		cli.stderr.line(`in the time zone of this machine, ${cli.timeZone} (--time-zone names another)`);
	}
	if (dryRun) return tellDryRun(cli, forms, json);
	const config = await brokerSettings(cli, flags);
	const adding = (fleet: Fleet) =>
		each(schedules, ({ name }, index) =>
			named(name, () => fleet.schedules.add(forms[index] as ScheduleForm, { replace })),
		);
	return tell(cli, await withFleet(cli, config, adding), json);
}

/** @throws StewardError `invalid` */
function checkNames(schedules: readonly Schedule[]): void {
	const names = schedules.map(({ name }) => name);
	const twice = names.filter((name, index) => names.indexOf(name) !== index);
	if (twice.length === 0) return;
	throw new StewardError(
		'invalid',
		`not valid, nothing was stored: ${[...new Set(twice)].join(', ')}: twice`,
		{
			details: { problems: twice.map((name) => `name: ${name} is there twice`) },
		},
	);
}

function tellDryRun(cli: Cli, forms: readonly unknown[], json: boolean): number {
	const now = cli.clock.now();
	const outcomes = forms.map((form) => previewOf(form, now));
	if (json) cli.stdout.line(JSON.stringify(outcomes));
	else for (const outcome of outcomes) printDryRun(cli.stdout, outcome, now, cli.timeZone);
	cli.stderr.line('nothing was stored (--dry-run)');
	return exitCodes.done;
}

export function pauseSchedules(cli: Cli, names: readonly string[], flags: ReasonFlags): Promise<number> {
	return change(cli, names, flags, ({ schedules }, name, reason) => schedules.pause(name, reason));
}

export function resumeSchedules(cli: Cli, names: readonly string[], flags: ReasonFlags): Promise<number> {
	return change(cli, names, flags, ({ schedules }, name, reason) => schedules.resume(name, reason));
}

export function removeSchedules(cli: Cli, names: readonly string[], flags: ReasonFlags): Promise<number> {
	return change(cli, names, flags, ({ schedules }, name, reason) => schedules.remove(name, reason));
}

async function change(
	cli: Cli,
	names: readonly string[],
	{ reason, ...flags }: ReasonFlags,
	work: (fleet: Fleet, name: string, reason: { reason?: string }) => Promise<ScheduleOutcome>,
): Promise<number> {
	const config = await brokerSettings(cli, flags);
	const changing = (fleet: Fleet) =>
		each([...new Set(names)], (name) =>
			named(name, () => work(fleet, name, reason === undefined ? {} : { reason })),
		);
	return tell(cli, await withFleet(cli, config, changing), flags.json === true);
}

export async function runScheduleNow(cli: Cli, name: string, flags: RunNowFlags): Promise<number> {
	const nodes = flags.node?.split(',').map((node) => nodeName(node.trim()));
	const config = await brokerSettings(cli, flags);
	const receipts = await withFleet(cli, config, (fleet) =>
		fleet.schedules.runNow(name, {
			...(nodes && { nodes }),
			...(flags.id !== undefined && { id: flags.id }),
		}),
	);
	return tellReceipts(cli, receipts, { many: true, timeZone: cli.timeZone, json: flags.json === true });
}

/** Shows what would be signed, form by form: who signs unread vouches for what somebody else put there. */
export async function signSchedules(cli: Cli, names: readonly string[], flags: SignFlags): Promise<number> {
	const config = await brokerSettings(cli, flags);
	const { json = false, yes = false } = flags;
	return withFleet(cli, config, async ({ schedules }) => {
		for (const name of names) await schedules.history(name);
		const unsigned = (await schedules.unsigned()).filter(
			({ name }) => names.length === 0 || names.includes(name),
		);
		for (const one of json ? [] : unsigned) printUnsigned(yes ? cli.stderr : cli.stdout, one);
		if (unsigned.length === 0) {
			cli.stderr.line('somebody who may vouches for each of them: nothing to sign');
			if (json) cli.stdout.line('[]');
			return exitCodes.done;
		}
		if (!yes) {
			if (json) cli.stdout.line(JSON.stringify(unsigned));
			const many = counted(unsigned.length, 'schedule');
			throw new StewardError('usage', `${many} would be signed with your key: read them, then add --yes`);
		}
		const signing = each(unsigned, ({ name, form }) => named(name, () => schedules.sign(name, { form })));
		return tell(cli, await signing, json);
	});
}

type Failed = { readonly name: string; readonly error: StewardError };

async function named(name: string, work: () => Promise<ScheduleOutcome>): Promise<ScheduleOutcome | Failed> {
	try {
		return await work();
	} catch (error) {
		if (!isStewardError(error)) throw error;
		return { name, error };
	}
}

/** In order: one that fails stops none of the others. */
async function each<Item, Answer>(
	items: readonly Item[],
	work: (item: Item, index: number) => Promise<Answer>,
): Promise<Answer[]> {
	const answers: Answer[] = [];
	for (const [index, item] of items.entries()) answers.push(await work(item, index));
	return answers;
}

/** @throws StewardError what became of those that failed, after the others were told */
function tell(cli: Cli, answers: readonly (ScheduleOutcome | Failed)[], json: boolean): number {
	const outcomes = answers.filter((answer): answer is ScheduleOutcome => 'outcome' in answer);
	const failures = answers.filter((answer): answer is Failed => 'error' in answer);
	if (json) cli.stdout.line(JSON.stringify(outcomes));
	else for (const outcome of outcomes) tellOutcome(cli, outcome);
	const [first] = failures;
	if (!first) return exitCodes.done;
	if (answers.length === 1) throw first.error;
	const failed: { name: string; code: ErrorCode; message: string }[] = [];
	for (const { name, error } of failures) {
		failed.push({ name, code: error.code, message: error.message });
		if (!json) cli.stderr.line(`${name}  ${cli.stderr.paint('red', 'not done')}: ${oneLine(error.message)}`);
	}
	throw new StewardError(first.error.code, `${failures.length} of ${answers.length} not done`, {
		details: { failed },
	});
}

/** What brings it back is shown where it is no longer. */
const longestLine = 1000;

function tellOutcome(cli: Cli, outcome: ScheduleOutcome): void {
	cli.stdout.line(outcomeLine(outcome, cli.stdout, cli.clock.now()));
	const { name, form, next, paused, problem } = outcome;
	if (outcome.outcome === 'removed') {
		cli.stderr.line(
			'what is queued already stays, and a node that fires it by itself goes on until it hears of this',
		);
		const again = againLine(form, cli.program);
		if (again.length <= longestLine) cli.stderr.line(`to have it again: ${again}`);
	} else if (paused && outcome.outcome !== 'paused') {
		cli.stderr.line(`it is paused: nothing fires before ${cli.program} schedules resume ${name}`);
	} else if (!paused && problem === null && next.length === 0) {
		cli.stderr.line(`${name} is over: no tick is to come (--end-at, or a day that never comes)`);
	}
}
