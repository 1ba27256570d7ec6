/**
 * Owns reading what was stated about a command, a claim or a report, and folding many of them into its entry.
 * Promises to say which of them made the entry final, and which came too late.
 * Pure; who reads them acknowledges them.
 */

import { foldClaim, foldReport, type LedgerEntry, type SignatureVerdict } from '../domain/ledger.ts';
import type { Handle } from '../domain/names.ts';
import type { Result } from '../domain/result.ts';
import { isFinal } from '../domain/state.ts';
import { isClaimSubject } from '../domain/subject.ts';
import { type CommandFacts, claimSchema, decode, reportSchema } from '../domain/wire.ts';
import type { Delivery } from '../jetstream/pull.ts';

export type Statement = {
	readonly delivery: Delivery;
	readonly facts: CommandFacts;
	readonly fold: (entry: LedgerEntry | undefined) => LedgerEntry;
	readonly result: Result | undefined;
	/** The command's body, where the statement brings it along. */
	readonly message: string | undefined;
};

/** Undefined for what is neither. `signature`: what came of its check. */
export function readStatement(
	handle: Handle,
	delivery: Delivery,
	signature: SignatureVerdict | null,
): Statement | undefined {
	const isClaim = isClaimSubject(delivery.subject);
	const claim = isClaim ? decode(claimSchema, delivery.data) : undefined;
	if (claim) {
		const message = claim.by === 'centre' && typeof claim.envelope === 'string' ? claim.envelope : undefined;
		const { facts } = claim;
		const fold = (entry: LedgerEntry | undefined) => foldClaim(handle, entry, claim, signature);
		return { delivery, facts, result: undefined, message, fold };
	}
	const report = isClaim ? undefined : decode(reportSchema, delivery.data);
	if (!report) return undefined;
	const { facts, result } = report;
	const fold = (entry: LedgerEntry | undefined) => foldReport(handle, entry, report, signature);
	return { delivery, facts, result, message: undefined, fold };
}

/** The entry after all statements, the one among them that made it final, and the last one that came too late. */
export function foldAll(
	before: LedgerEntry | undefined,
	statements: readonly Statement[],
): { entry: LedgerEntry | undefined; settling: Statement | undefined; late: Statement | undefined } {
	let entry = before;
	let settling: Statement | undefined;
	let late: Statement | undefined;
	for (const statement of statements) {
		const known = entry;
		const wasFinal = known !== undefined && isFinal(known.state);
		entry = statement.fold(known);
		if (!wasFinal && isFinal(entry.state)) settling = statement;
		if (wasFinal && entry !== known) late = statement;
	}
	return { entry, settling, late };
}
