/**
 * Owns the commands that change what becomes of commands: cancel, retry.
 * Promises that every handle gets an answer of its own, and that a filter which would mean everything has to say so.
 * What was asked before we die stays asked; asking again is safe for cancel, and makes a new command with retry.
 */

import { z } from 'zod';
import { isStewardError, StewardError } from '../../base/errors.ts';
import { counted, oneLine } from '../../base/text.ts';
import type { Fleet } from '../../client/fleet.ts';
import { parseHandle } from '../../domain/names.ts';
import { type CommandState, commandStates, isFinal } from '../../domain/state.ts';
import type { Cancellation, CommandView, Receipt } from '../../domain/view.ts';
import { viewSchemas } from '../../domain/view-schema.ts';
import type { Cli } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { commandTable, endedLine } from '../render/command.ts';
import { receiptLine } from '../render/receipt.ts';
import { type ListFlags, listOptions } from './ask.ts';
import { parseTimeout } from './follow.ts';

type SelectFlags = ListFlags & { readonly dryRun?: boolean };
export type CancelFlags = SelectFlags & { readonly reason?: string; readonly timeout?: string };
export type RetryFlags = SelectFlags;

/** As many as one call takes on. */
const most = 100_000;

export async function cancel(cli: Cli, handles: readonly string[], flags: CancelFlags): Promise<number> {
	const timeoutMs = parseTimeout(flags.timeout);
	const options = {
		...(flags.reason === undefined ? {} : { reason: flags.reason }),
		...(timeoutMs === undefined ? {} : { timeoutMs }),
	};
	const open = commandStates.filter((state) => !isFinal(state));
	return act(cli, handles, flags, open, async (fleet, chosen) => {
		const { told, failure } = await outcomes(viewSchemas.cancellation, fleet.cancel(chosen, options));
		if (flags.json) printMany(cli, told, handles.length === 1);
		else for (const one of told) cli.stdout.line(cancelLine(cli, one));
		if (failure) throw tellFailed(cli, failure, flags);
		const answers = new Set(told.map(({ answer }) => answer));
		if (answers.has('asked')) throw notAnswered(told);
		return answers.has('tooLate') ? exitCodes.notSucceeded : exitCodes.done;
	});
}

export async function retry(cli: Cli, handles: readonly string[], flags: RetryFlags): Promise<number> {
	const failed = commandStates.filter((state) => isFinal(state) && state !== 'succeeded');
	return act(cli, handles, flags, failed, async (fleet, chosen) => {
		const { told, failure } = await outcomes(viewSchemas.receipt, fleet.retry(chosen));
		if (flags.json) printMany(cli, told, handles.length === 1);
		else for (const receipt of told) cli.stdout.line(retryLine(cli, receipt));
		if (failure) throw tellFailed(cli, failure, flags);
		return exitCodes.done;
	});
}

const failedSchema = z.array(z.object({ handle: z.string(), code: z.string(), message: z.string() }));

type Failure = { readonly error: StewardError; readonly failed: z.output<typeof failedSchema> };
type Outcomes<Answer> = { readonly told: readonly Answer[]; readonly failure: Failure | undefined };

/** The answers that there are, also where some of the handles have none. @throws what no handle alone has failed with */
async function outcomes<Answer>(
	answer: z.ZodType<Answer>,
	work: Promise<readonly Answer[]>,
): Promise<Outcomes<Answer>> {
	try {
		return { told: await work, failure: undefined };
	} catch (error) {
		if (!isStewardError(error) || error.details.failed === undefined) throw error;
		const done = z.array(z.object({ answer })).parse(error.details.done);
		const failed = failedSchema.parse(error.details.failed);
		return { told: done.map((one) => one.answer), failure: { error, failed } };
	}
}

/** One line for each; under --json the error holds them. */
function tellFailed({ stderr }: Cli, { error, failed }: Failure, { json }: SelectFlags): StewardError {
	if (json) return error;
	for (const { handle, message } of failed) {
		stderr.line(`${stderr.paint('bold', handle)}  ${stderr.paint('red', 'not done')}: ${oneLine(message)}`);
	}
	return error;
}

/** On the handles, or on what the filters choose; `states`: those meant where none is named. */
async function act(
	cli: Cli,
	handles: readonly string[],
	flags: SelectFlags,
	states: readonly CommandState[],
	work: (fleet: Fleet, handles: readonly string[]) => Promise<number>,
): Promise<number> {
	for (const handle of handles) parseHandle(handle);
	const filters = listOptions(cli, flags);
	const isFiltered = Object.keys(filters).length > 0;
	if (isFiltered === handles.length > 0) {
		throw new StewardError(
			'usage',
			'expected handles, or filters (--node, --method, --state, --since), and not both: steward list shows what they choose',
		);
	}
	const config = await brokerSettings(cli, flags);
	return withFleet(cli, config, async (fleet) => {
		if (!isFiltered) return work(fleet, handles);
		const views = await fleet.list({ states, limit: most, ...filters });
		const chosen = views.filter(({ lane }) => lane !== 'control');
		if (chosen.length === 0) {
			if (flags.json) cli.stdout.line('[]');
			cli.stderr.line('no command matches: nothing was done');
			return exitCodes.done;
		}
		if (flags.dryRun) return tellChosen(cli, chosen, flags);
		if (!flags.json)
			cli.stderr.line(
				cli.stderr.paint('dim', `${counted(chosen.length, 'command matches', 'commands match')}`),
			);
		return work(
			fleet,
			chosen.map(({ handle }) => handle),
		);
	});
}

function tellChosen(cli: Cli, chosen: readonly CommandView[], flags: SelectFlags): number {
	if (flags.json) cli.stdout.line(JSON.stringify(chosen));
	else cli.stdout.line(commandTable(chosen, cli.stdout, cli.clock.now()));
	cli.stderr.line(
		`${counted(chosen.length, 'command matches', 'commands match')}; nothing was done (--dry-run)`,
	);
	return exitCodes.done;
}

const answerText = {
	beforeStart: 'cancelled before it started: it certainly never ran',
	whileRunning: 'cancelled while running',
	tooLate: 'too late',
	asked: 'asked, and not answered yet',
} as const satisfies Record<Cancellation['answer'], string>;

function cancelLine(cli: Cli, { answer, command }: Cancellation): string {
	const style = answer === 'tooLate' || answer === 'asked' ? 'yellow' : 'green';
	const text = cli.stdout.paint(style, answerText[answer]);
	const line = `${cli.stdout.paint('bold', command.handle)}  ${text}`;
	return answer === 'tooLate' ? `${line}: ${endedLine(command, cli.stdout)}` : line;
}

function retryLine(cli: Cli, receipt: Receipt): string {
	return `${receiptLine(receipt, cli.stdout, cli.clock.now(), cli.timeZone)}  (retry of ${receipt.lineage?.of ?? 'an earlier one'})`;
}

function notAnswered(told: readonly Cancellation[]): StewardError {
	const pending = told.filter(({ answer }) => answer === 'asked').map(({ command }) => command.handle);
	return new StewardError(
		'waited-too-long',
		`started, and not ended yet: ${pending.join(', ')}; the node is asked to end it as soon as it hears of it (steward why tells where it stands)`,
		{ details: { pending } },
	);
}

function printMany(cli: Cli, values: readonly unknown[], isOne: boolean): void {
	cli.stdout.line(JSON.stringify(isOne ? values[0] : values));
}
