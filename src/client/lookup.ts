/**
 * Owns the answer to "what became of this command?", of one or of many, from their own records, without a centre.
 * Promises that nothing is missed that moves in between: stream, then claim, then report, then ledger are asked in this order.
 * Reads only.
 */

import { StewardError } from '../base/errors.ts';
import { entryFor, foldClaim, foldReport, type LedgerEntry } from '../domain/ledger.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import type { Result } from '../domain/result.ts';
import { isFinal } from '../domain/state.ts';
import { type CommandView, ledgerView } from '../domain/view.ts';
import { type Claim, isLocal, isSameCommand, type Report } from '../domain/wire.ts';
import type { Claims } from '../jetstream/claims.ts';
import type { Commands } from '../jetstream/commands.ts';
import { type LedgerRecord, type LedgerStore, unreadableEntry } from '../jetstream/ledger-store.ts';
import type { Reports } from '../jetstream/reports.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';

type Sources = { commands: Commands; claims: Claims; reports: Reports; ledger: LedgerStore };

/** Undefined when nobody knows the command: never enqueued, or its entry has reached its age. */
export async function lookUp(sources: Sources, handle: Handle): Promise<CommandView | undefined> {
	return (await lookUpMany(sources, [handle])).get(formatHandle(handle));
}

/** As {@link lookUp}, by handle, with as many questions as for one; what nobody knows is left out. */
async function lookUpMany(
	sources: Sources,
	handles: readonly Handle[],
): Promise<ReadonlyMap<string, CommandView>> {
	const waiting = await sources.commands.findMany(handles);
	const claims = await sources.claims.readMany(handles);
	const reports = await sources.reports.lastOfMany(handles);
	const records = await sources.ledger.readMany(handles.map(formatHandle));
	return viewsOf(sources, handles, { waiting, claims, reports, records });
}

/**
 * As {@link lookUpMany}, in one round trip. For who hears of what moves in between, and looks again: it may be told as it was. Only
 * what nothing is found of is asked for one after the other.
 */
export async function lookUpAtOnce(
	sources: Sources,
	handles: readonly Handle[],
): Promise<ReadonlyMap<string, CommandView>> {
	// In one write: those that may ask together with others wait for a turn of the event loop.
	const [claims, reports, records, waiting] = await Promise.all([
		sources.claims.readMany(handles),
		sources.reports.lastOfMany(handles),
		sources.ledger.readMany(handles.map(formatHandle)),
		sources.commands.findMany(handles),
	]);
	const found = { waiting, claims, reports, records };
	const isFound = (handle: Handle) => Object.values(found).some((one) => one.has(formatHandle(handle)));
	const missing = handles.filter((handle) => !isFound(handle));
	const views = await viewsOf(sources, handles.filter(isFound), found);
	return missing.length === 0 ? views : new Map([...views, ...(await lookUpMany(sources, missing))]);
}

/** What each source says, by handle. */
type Found = {
	readonly waiting: ReadonlyMap<string, StoredCommand>;
	readonly claims: ReadonlyMap<string, Claim>;
	readonly reports: ReadonlyMap<string, Report>;
	readonly records: ReadonlyMap<string, LedgerRecord | 'unreadable'>;
};

async function viewsOf(
	sources: Sources,
	handles: readonly Handle[],
	{ waiting, claims, reports, records }: Found,
): Promise<ReadonlyMap<string, CommandView>> {
	const keys = handles.map(formatHandle);
	const told = handles.map((handle, index) => {
		const key = keys[index] ?? '';
		const record = records.get(key);
		if (record === 'unreadable') throw unreadableEntry(key);
		return toldOf(handle, waiting.get(key), claims.get(key), reports.get(key), record?.entry);
	});
	const ended = told.filter(({ entry }) => entry && isFinal(entry.state));
	const unread = ended.filter(({ reported }) => reported === undefined).map(({ handle }) => handle);
	const ends = await sources.ledger.readEnds(unread.map(formatHandle));
	const views = await Promise.all(
		told.map(async ({ handle, entry, reported }) => {
			if (!entry) return justQueued(sources, handle);
			const result = reported ?? ends.get(formatHandle(handle))?.result ?? null;
			return ledgerView(entry, isFinal(entry.state) ? result : null);
		}),
	);
	return new Map(views.flatMap((view) => (view ? [[view.handle, view] as const] : [])));
}

type Told = {
	readonly handle: Handle;
	/** Undefined where nobody says anything of it. */
	readonly entry: LedgerEntry | undefined;
	/** What its node has reported, and no centre has written down yet. */
	readonly reported: Result | undefined;
};

function toldOf(
	handle: Handle,
	waiting: StoredCommand | undefined,
	claim: Claim | undefined,
	report: Report | undefined,
	known: LedgerEntry | undefined,
): Told {
	// A tick that its node has fired itself is told as it was there, though the centre may have queued it as well.
	const firedAnew = waiting && report && !claim && isLocal(report.facts);
	const queued = firedAnew && isSameCommand(report.facts, waiting.facts) ? undefined : waiting;
	let entry = known ?? (queued && entryFor(handle, queued.facts));
	if (claim) entry = foldClaim(handle, entry, claim);
	const settled = entry !== undefined && isFinal(entry.state);
	const isOfThis = report && (!entry || isSameCommand(report.facts, entry));
	if (!report || !isOfThis || settled) return { handle, entry, reported: undefined };
	return { handle, entry: foldReport(handle, entry, report), reported: report.result };
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
