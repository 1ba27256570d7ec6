/**
 * Owns a command's entry in the ledger and how claims and reports are folded into it.
 * Promises that folding is harmless when it happens twice or out of order, and that a final state stays.
 * Pure; the projector keeps what comes out of here.
 */

import { z } from 'zod';
import { type Handle, lanes } from './names.ts';
import { attemptSchema, faultSchema } from './result.ts';
import { advance, type CommandEvent, commandEvents, commandStates } from './state.ts';
import type { Claim, CommandFacts, Report } from './wire.ts';

const lateSchema = z.object({ event: z.enum(commandEvents), at: z.number(), key: z.string() });

export const ledgerEntrySchema = z.object({
	v: z.literal(1),
	id: z.string(),
	node: z.string(),
	method: z.string(),
	lane: z.enum(lanes),
	sender: z.string(),
	digest: z.string(),
	seq: z.number(),
	state: z.enum(commandStates),
	/** Server time, milliseconds since the epoch, as all times here. */
	queuedAt: z.number(),
	/** Latest start; null is never too late. */
	deadlineAt: z.number().nullable(),
	startedAt: z.number().nullable(),
	endedAt: z.number().nullable(),
	nextAttemptAt: z.number().nullable(),
	attempts: z.array(attemptSchema),
	fault: faultSchema.nullable(),
	/** Why and by whom it was closed, where the centre closed it. */
	closed: z.object({ reason: z.string(), actor: z.string() }).nullable(),
	/** The report that made it final, `<epoch>:<n>`: its repeats are not late. */
	settledBy: z.string().nullable(),
	/** What came after the final state: kept, newest last, at most 8. */
	late: z.array(lateSchema),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

const keptLate = 8;

export function entryFor(handle: Handle, facts: CommandFacts): LedgerEntry {
	return {
		v: 1,
		id: handle.id,
		node: handle.node,
		method: facts.method,
		lane: facts.lane,
		sender: facts.sender,
		digest: facts.digest,
		seq: facts.seq,
		state: 'queued',
		queuedAt: facts.queuedAt,
		deadlineAt: facts.deliverWithinMs === null ? null : facts.queuedAt + facts.deliverWithinMs,
		startedAt: null,
		endedAt: null,
		nextAttemptAt: null,
		attempts: [],
		fault: null,
		closed: null,
		settledBy: null,
		late: [],
	};
}

/** The entry after a claim; the same object when the claim says nothing new. */
export function foldClaim(handle: Handle, entry: LedgerEntry | undefined, claim: Claim): LedgerEntry {
	const current = entry ?? entryFor(handle, claim.facts);
	if (claim.by === 'node' && claim.event === 'started') {
		if (current.startedAt !== null) return current;
		return apply(current, 'started', claim.at, 'claim', {
			startedAt: claim.at,
			attempts: [
				{
					attempt: 1,
					startedAt: claim.at,
					endedAt: null,
					outcome: null,
					exitCode: null,
					signal: null,
					fault: null,
				},
			],
		});
	}
	return apply(current, claim.event, claim.at, 'claim', {
		endedAt: claim.at,
		fault: claim.by === 'node' ? (claim.fault ?? null) : null,
		closed: claim.by === 'centre' ? { reason: claim.reason, actor: claim.actor } : null,
	});
}

/** The entry after a report; the same object when it was known. */
export function foldReport(handle: Handle, entry: LedgerEntry | undefined, report: Report): LedgerEntry {
	const current = entry ?? entryFor(handle, report.facts);
	const attempt = report.attempts.at(-1)?.attempt ?? 0;
	const known = current.attempts.at(-1);
	const older =
		known !== undefined && (attempt < known.attempt || (attempt === known.attempt && known.outcome !== null));
	if (older && !advancesTo(current, report)) return current;
	const ended = report.event !== 'started' && report.event !== 'retryDue';
	return apply(current, report.event, report.at, `${report.key.epoch}:${report.key.n}`, {
		startedAt: current.startedAt ?? report.attempts[0]?.startedAt ?? null,
		endedAt: ended ? report.at : null,
		nextAttemptAt: report.event === 'retryDue' ? (report.nextAttemptAt ?? null) : null,
		attempts: report.attempts,
		fault: report.fault ?? null,
	});
}

/** A report of an attempt that is already known to have ended still counts where it ends the command. */
function advancesTo(current: LedgerEntry, report: Report): boolean {
	return report.event !== 'started' && report.event !== 'retryDue' && current.settledBy === null;
}

function apply(
	current: LedgerEntry,
	event: CommandEvent,
	at: number,
	key: string,
	change: Partial<LedgerEntry>,
): LedgerEntry {
	const { state, effect } = advance(current.state, event);
	switch (effect) {
		case 'ignored':
			return current;
		case 'late':
			if (event === 'started' || current.settledBy === key || current.late.some((late) => late.key === key)) {
				return current;
			}
			return { ...current, late: [...current.late, { event, at, key }].slice(-keptLate) };
		case 'moved':
			return { ...current, ...change, state, settledBy: change.endedAt == null ? current.settledBy : key };
	}
}
