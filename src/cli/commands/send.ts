/**
 * Owns `steward send`: messages to the broker or, when none answers, to the local node; and following them.
 * Promises that all messages are checked before the first is sent, and that every receipt is printed before the wait.
 * If we die while we wait, the commands go on: `steward wait` takes the wait up again.
 */

import { isStewardError, StewardError } from '../../base/errors.ts';
import { ulidFactory } from '../../base/ids.ts';
import type { Fleet } from '../../client/fleet.ts';
import { checkForms, sendForms } from '../../client/forms.ts';
import { type MessageForm, parseMessage } from '../../domain/message.ts';
import type { Receipt } from '../../domain/view.ts';
import { localTime } from '../../domain/zone.ts';
import type { BrokerFlags, Cli, JsonFlag } from '../cli.ts';
import { brokerSettings, withFleet } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { endedLine } from '../render/command.ts';
import { printOutput } from '../render/output.ts';
import { Progress } from '../render/progress.ts';
import { receiptLine } from '../render/receipt.ts';
import { followToEnd, parseTimeout } from './follow.ts';
import { checkWhere, type Forms, readForms, type SendOptions } from './send-form.ts';

export type SendFlags = SendOptions &
	BrokerFlags &
	JsonFlag & { readonly wait?: boolean; readonly timeout?: string; readonly raw?: boolean };

/** @param after How many of the words stood after "--". */
export async function send(
	cli: Cli,
	words: readonly string[],
	flags: SendFlags,
	after: number,
): Promise<number> {
	checkWhere(flags, words.slice(0, words.length - after), ['a method']);
	const timeoutMs = parseTimeout(flags.timeout);
	if (timeoutMs !== undefined && !flags.wait) {
		throw new StewardError('usage', '--timeout is for --wait: add it, or leave --timeout out');
	}
	const config = await brokerSettings(cli, flags);
	const { forms: written, many } = await readForms(cli, words, flags);
	const forms = checkAll(written);
	const telling = { many, json: flags.json === true, timeZone: flags.timeZone ?? cli.timeZone };
	let connected = false;
	try {
		return await withFleet(cli, config, async (fleet) => {
			connected = true;
			const receipts = await sendAll(cli, fleet, forms, telling.json);
			return flags.wait
				? await waitFor(cli, fleet, receipts, { ...telling, timeoutMs, raw: flags.raw })
				: told(cli, receipts, telling);
		});
	} catch (error) {
		// Once there was a connection, something may have been sent: then the caller decides, with the same id.
		if (connected || !isStewardError(error) || !isForLocalNode(error)) throw error;
		// One id for every repeat, so that whoever takes it in the end takes it once.
		const newId = ulidFactory(() => cli.clock.now());
		const identified = forms.map((form) => ({ ...form, id: form.id ?? newId() }));
		const { handToLocalNode } = await import('./send-local.ts');
		const receipts = await handToLocalNode(cli, config, identified, error);
		const code = told(cli, receipts, telling);
		if (!flags.wait) return code;
		throw new StewardError(
			error.code,
			`${error.code === 'unauthorized' ? 'with these credentials' : 'without a broker'} nothing can be waited for: later, steward wait ${receipts.map(({ handle }) => handle).join(' ')}`,
			{ cause: error },
		);
	}
}

/** What a ship's own credentials may not send its node may, in its own name. */
function isForLocalNode({ code, details }: StewardError): boolean {
	return code === 'no-broker' || (code === 'unauthorized' && details.role === 'node');
}

/** @throws StewardError `invalid` with the problems of all of them */
function checkAll(forms: Forms['forms']): MessageForm[] {
	checkForms(forms, parseMessage, 'nothing was sent');
	return forms as MessageForm[];
}

/** With a line of progress, where there are several. */
async function sendAll(
	{ stderr, clock }: Cli,
	fleet: Fleet,
	forms: readonly MessageForm[],
	quiet: boolean,
): Promise<Receipt[]> {
	let progress: Progress | undefined;
	try {
		return await sendForms(fleet, forms, (done, of) => {
			if (of < 2) return;
			progress ??= new Progress({ screen: stderr, clock, label: 'sending', total: of, quiet });
			progress.at(done);
		});
	} finally {
		progress?.end();
	}
}

type Telling = { readonly many: boolean; readonly json: boolean; readonly timeZone: string };

/** Prints receipts, and what to ask next. */
export function told(cli: Cli, receipts: readonly Receipt[], { many, json, timeZone }: Telling): number {
	if (json) cli.stdout.line(JSON.stringify(many ? receipts : (receipts[0] ?? null)));
	else
		for (const receipt of receipts)
			cli.stdout.line(receiptLine(receipt, cli.stdout, cli.clock.now(), timeZone));
	if (!json) tellPassed(cli, receipts, timeZone);
	hintNext(cli, receipts, json);
	return exitCodes.done;
}

/** Whoever named a time did not mean one that has been. */
function tellPassed(cli: Cli, receipts: readonly Receipt[], timeZone: string): void {
	const passed = receipts.filter(
		({ notBefore, state, duplicate }) => notBefore && state === 'queued' && !duplicate,
	);
	for (const time of new Set(passed.map(({ notBefore }) => notBefore ?? ''))) {
		const text = localTime(Date.parse(time), timeZone);
		cli.stderr.line(`${text} has passed: what was to wait for it was queued at once`);
	}
}

function hintNext(cli: Cli, receipts: readonly Receipt[], json: boolean): void {
	if (receipts.length === 0) {
		cli.stderr.line('nothing was sent: no target is present (--when-absent skip)');
		return;
	}
	const commands = receipts.filter(({ kind }) => kind === 'command').map(({ handle }) => handle);
	if (json || commands.length === 0) return;
	const some = commands.slice(0, 3).join(' ');
	cli.stderr.line(
		cli.stderr.paint('dim', `next: ${cli.program} show ${some}, or ${cli.program} wait ${some}`),
	);
}

/** Output goes to stdout alone, so that it can be piped; everything about it to stderr. */
async function waitFor(
	cli: Cli,
	fleet: Fleet,
	receipts: readonly Receipt[],
	{
		many,
		json,
		timeZone,
		timeoutMs,
		raw,
	}: Telling & { timeoutMs: number | undefined; raw?: boolean | undefined },
): Promise<number> {
	if (receipts.length === 0) return told(cli, receipts, { many, json, timeZone });
	if (!json) {
		for (const receipt of receipts)
			cli.stderr.line(receiptLine(receipt, cli.stderr, cli.clock.now(), timeZone));
		tellPassed(cli, receipts, timeZone);
	}
	const { views, pending } = await followToEnd(cli, fleet, receipts, { quiet: json, timeoutMs });
	if (json) {
		const ended = receipts.map((receipt, index) => ({ ...receipt, ...views[index] }));
		cli.stdout.line(JSON.stringify(many ? ended : ended[0]));
	} else {
		for (const view of views.filter(({ handle }) => !pending.includes(handle))) {
			const { stdout, stderr, value } = view.result ?? {};
			if (stdout) printOutput(cli.stdout, stdout, raw);
			if (stderr) printOutput(cli.stderr, stderr, raw);
			if (value !== undefined) cli.stdout.line(JSON.stringify(value, null, 2));
			cli.stderr.line(endedLine(view, cli.stderr));
		}
	}
	if (pending.length > 0) {
		throw new StewardError(
			'waited-too-long',
			`not settled in time: ${pending.join(', ')}; ${receipts[0]?.kind === 'event' ? 'they stay on their way' : `nothing was cancelled: steward wait ${pending.join(' ')}`}`,
			{ details: { pending } },
		);
	}
	const good = views.every(({ state }) => state === 'succeeded' || state === 'delivered');
	return good ? exitCodes.done : exitCodes.notSucceeded;
}
