/**
 * Owns the answer to "what became of this one command?", from its own records, without a centre.
 * Promises that nothing is missed that moves in between: stream, then claim, then report, then ledger are asked in this order.
 * Reads only.
 */

import { StewardError } from '../base/errors.ts';
import { entryFor, foldClaim, foldReport, type LedgerEntry } from '../domain/ledger.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import type { Result } from '../domain/result.ts';
import { isFinal } from '../domain/state.ts';
import { type CommandView, ledgerView } from '../domain/view.ts';
import { isLocal, isSameCommand } from '../domain/wire.ts';
import type { Claims } from '../jetstream/claims.ts';
import type { Commands } from '../jetstream/commands.ts';
import type { LedgerStore } from '../jetstream/ledger-store.ts';
import type { Reports } from '../jetstream/reports.ts';

type Sources = { commands: Commands; claims: Claims; reports: Reports; ledger: LedgerStore };

/** Undefined when nobody knows the command: never enqueued, or its entry has reached its age. */
export async function lookUp(sources: Sources, handle: Handle): Promise<CommandView | undefined> {
	const waiting = await sources.commands.find(handle.node, handle.id);
	const claim = await sources.claims.read(handle);
	const report = await sources.reports.last(handle);
	const record = await sources.ledger.read(handle);

	// A tick that its node has fired itself is told as it was there, though the centre may have queued it as well.
	const firedAnew = waiting && report && !claim && isLocal(report.facts);
	const queued = firedAnew && isSameCommand(report.facts, waiting.facts) ? undefined : waiting;
	let entry: LedgerEntry | undefined = record?.entry ?? (queued && entryFor(handle, queued.facts));
	if (claim) entry = foldClaim(handle, entry, claim);
	const settled = entry !== undefined && isFinal(entry.state);
	// What the node has reported and no centre has written down yet.
	const isOfThis = report && (!entry || isSameCommand(report.facts, entry));
	if (report && isOfThis && !settled) entry = foldReport(handle, entry, report);
	if (!entry) return justQueued(sources, handle);
	return ledgerView(entry, await resultOf(sources, entry, settled || !isOfThis ? undefined : report?.result));
}

/** What was acknowledged a moment ago may not have come to the replica that was asked. */
async function justQueued(sources: Sources, handle: Handle): Promise<CommandView | undefined> {
	const waiting = await sources.commands.findForCertain(handle.node, handle.id);
	return waiting && ledgerView(entryFor(handle, waiting.facts), null);
}

/** As {@link lookUp}. @throws StewardError `not-found` */
export async function lookUpKnown(sources: Sources, handle: Handle): Promise<CommandView> {
	const view = await lookUp(sources, handle);
	if (!view) throw unknownCommand(handle);
	return view;
}

/** The error of a command that nobody knows. */
export function unknownCommand(handle: Handle): StewardError {
	const text = formatHandle(handle);
	return new StewardError(
		'not-found',
		`${text} is not known: never queued, or settled more than 30 days ago`,
		{
			details: { handle: text },
		},
	);
}

async function resultOf(
	sources: Sources,
	entry: LedgerEntry,
	reported: Result | undefined,
): Promise<Result | null> {
	if (!isFinal(entry.state)) return null;
	return reported ?? (await sources.ledger.readEnd(entry))?.result ?? null;
}
