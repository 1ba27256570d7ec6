/**
 * Owns the commands that change what becomes of commands: cancel, retry.
 * Promises that every handle gets an answer of its own, and that a filter which would mean everything has to say so.
 * What was asked before we die stays asked; asking again is safe for cancel, and makes a new command with retry.
 */

import { StewardError } from '../../base/errors.ts';
import type { Fleet } from '../../client/fleet.ts';
import { parseHandle } from '../../domain/names.ts';
import { type CommandState, commandStates, isFinal } from '../../domain/state.ts';
import type { Cancellation, CommandView, Receipt } from '../../domain/view.ts';
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
		const told = await fleet.cancel(chosen, options);
		if (flags.json) printMany(cli, told, handles.length === 1);
		else for (const one of told) cli.stdout.line(cancelLine(cli, one));
		const answers = new Set(told.map(({ answer }) => answer));
		if (answers.has('asked')) throw notAnswered(told);
		return answers.has('tooLate') ? exitCodes.notSucceeded : exitCodes.done;
	});
}

export async function retry(cli: Cli, handles: readonly string[], flags: RetryFlags): Promise<number> {
	const failed = commandStates.filter((state) => isFinal(state) && state !== 'succeeded');
	return act(cli, handles, flags, failed, async (fleet, chosen) => {
		const receipts: Receipt[] = await fleet.retry(chosen);
		if (flags.json) printMany(cli, receipts, handles.length === 1);
		else for (const receipt of receipts) cli.stdout.line(retryLine(cli, receipt));
		return exitCodes.done;
	});
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
		if (!flags.json) cli.stderr.line(cli.stderr.paint('dim', `${chosen.length} commands match`));
		return work(
			fleet,
			chosen.map(({ handle }) => handle),
		);
	});
}

function tellChosen(cli: Cli, chosen: readonly CommandView[], flags: SelectFlags): number {
	if (flags.json) cli.stdout.line(JSON.stringify(chosen));
	else cli.stdout.line(commandTable(chosen, cli.stdout, cli.clock.now()));
	cli.stderr.line(`${chosen.length} commands match; nothing was done (--dry-run)`);
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
	return `${receiptLine(receipt, cli.stdout, cli.clock.now())}  (retry of ${receipt.lineage?.of ?? 'an earlier one'})`;
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
