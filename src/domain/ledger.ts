/**
 * Owns a command's entry in the ledger and how claims and reports are folded into it.
 * Promises that folding is harmless when it happens twice or out of order, and that a final state stays.
 * Pure; the projector keeps what comes out of here.
 */

import { z } from 'zod';
import { unreachable } from '../base/errors.ts';
import { acceptedSchema, isLater } from './delay.ts';
import { lineageSchema } from './envelope.ts';
import { centralNode, type Handle, lanes } from './names.ts';
import { commandDefaults } from './policy.ts';
import { type Attempt, attemptSchema, faultSchema } from './result.ts';
import { scheduleRefSchema } from './schedule-ref.ts';
import { advance, type CommandEvent, commandEvents, commandStates, isFinal } from './state.ts';
import { type Claim, type CommandFacts, closedSchema, isLocal, type Report } from './wire.ts';

/**
 * Of the node's signature on the statement that made the entry what it is. `broken`: it does not hold, or not by the node's key;
 * `none`: there is none.
 */
export const signatureVerdicts = ['held', 'broken', 'none'] as const;
export type SignatureVerdict = (typeof signatureVerdicts)[number];

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
	/** Longest run and longest silence, milliseconds; null is {@link commandDefaults}. */
	runForMs: z.number().nullable().default(null),
	patienceMs: z.number().nullable().default(null),
	lineage: lineageSchema.nullable().default(null),
	schedule: scheduleRefSchema.nullable().default(null),
	notBefore: z.number().nullable().default(null),
	accepted: acceptedSchema.nullable().default(null),
	/** Store of the node that made it itself, of which no claim tells; null of all others. */
	epoch: z.string().nullable().default(null),
	startedAt: z.number().nullable(),
	endedAt: z.number().nullable(),
	nextAttemptAt: z.number().nullable(),
	attempts: z.array(attemptSchema),
	fault: faultSchema.nullable(),
	/** Why and by whom it was called off or given up, where it was. */
	closed: closedSchema.nullable(),
	/** When it became final in the ledger: from here on its age is counted, however late its report came. */
	settledAt: z.number().nullable(),
	/** What made it final: `<epoch>:<n>` of the report, or `claim`. Its repeats are not late. */
	settledBy: z.string().nullable(),
	/** Null where nothing was checked, or no node said it. */
	signature: z.enum(signatureVerdicts).nullable().default(null),
	/** What came after the final state: in the order of its times, the newest 8. */
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
		state: isLater(facts) ? 'scheduled' : 'queued',
		queuedAt: facts.queuedAt,
		// Counted from when it is queued: before its time nothing is too late.
		deadlineAt:
			facts.deliverWithinMs === null || isLater(facts) ? null : facts.queuedAt + facts.deliverWithinMs,
		runForMs: facts.runForMs ?? null,
		patienceMs: facts.patienceMs ?? null,
		lineage: facts.lineage ?? null,
		schedule: facts.lane === 'control' ? null : (facts.schedule ?? null),
		notBefore: facts.notBefore ?? null,
		accepted: facts.accepted ?? null,
		epoch: null,
		startedAt: null,
		endedAt: null,
		nextAttemptAt: null,
		attempts: [],
		fault: null,
		closed: null,
		settledAt: null,
		settledBy: null,
		signature: null,
		late: [],
	};
}

/**
 * What a statement is folded into. One that waited for its time was queued since, where the statement says so.
 * @param epoch Of the store that states it.
 */
function knownBefore(
	handle: Handle,
	entry: LedgerEntry | undefined,
	facts: CommandFacts,
	epoch: string | null = null,
): LedgerEntry {
	if (!entry || (entry.state === 'scheduled' && !isLater(facts))) {
		return { ...entryFor(handle, facts), epoch: isLocal(facts) ? epoch : null };
	}
	return entry;
}

/** The entry after a claim; the same object when the claim says nothing new. */
export function foldClaim(
	handle: Handle,
	entry: LedgerEntry | undefined,
	claim: Claim,
	signature: SignatureVerdict | null = null,
): LedgerEntry {
	const current = knownBefore(handle, entry, claim.facts);
	if (claim.by === 'node' && claim.event === 'started') {
		// A report that overtook its claim knows the start better: from the journal, where it was written down after.
		if (current.startedAt !== null) return current;
		return apply(current, 'started', claim.at, 'claim', {
			...{ startedAt: claim.at, signature },
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
		fault: claim.by === 'node' ? (claim.fault ?? null) : null,
		closed: claim.by === 'centre' ? { reason: claim.reason, actor: claim.actor } : null,
		signature: claim.by === 'node' ? signature : null,
	});
}

/** The entry after a report; the same object when it was known. A report stands alone: it tells the whole story. */
export function foldReport(
	handle: Handle,
	entry: LedgerEntry | undefined,
	report: Report,
	signature: SignatureVerdict | null = null,
): LedgerEntry {
	const current = knownBefore(handle, entry, report.facts, report.key.epoch);
	if (!isEnding(report.event) && !isFurther(report.attempts, current.attempts)) return current;
	return apply(current, report.event, report.at, `${report.key.epoch}:${report.key.n}`, {
		startedAt: report.attempts[0]?.startedAt ?? null,
		nextAttemptAt: report.event === 'retryDue' ? (report.nextAttemptAt ?? null) : null,
		attempts: report.attempts,
		fault: report.fault ?? null,
		closed: report.closed ?? null,
		signature,
	});
}

/** Faults of a command whose every start ended in a crash, of its node or of its process. */
const crashes: readonly string[] = ['attemptsExhausted', 'processDied'];

/** Whether its message is kept as evidence: it was refused, or its starts were used up by crashes. */
export function isDeadLetter({ state, fault }: LedgerEntry): boolean {
	return state === 'rejected' || (isFinal(state) && fault !== null && crashes.includes(fault.code));
}

/** When silence makes it lost, server time; null where it is not with its node. */
export function lostAt(entry: LedgerEntry): number | null {
	if (entry.state !== 'running' && entry.state !== 'retrying') return null;
	const last = entry.attempts.at(-1);
	const heardAt = Math.max(
		entry.queuedAt,
		last?.startedAt ?? 0,
		last?.endedAt ?? 0,
		entry.nextAttemptAt ?? 0,
	);
	const { runForMs, patienceMs } = commandDefaults;
	return heardAt + (entry.runForMs ?? runForMs) + (entry.patienceMs ?? patienceMs);
}

/** The entry after its node was silent for too long; the same object when that is not news. */
export function foldLost(entry: LedgerEntry, at: number): LedgerEntry {
	const closed = { reason: 'its node said nothing of it for longer than its patience', actor: centralNode };
	return apply(entry, 'unheard', at, 'unheard', { closed, nextAttemptAt: null });
}

/** The entry after its node was taken out of service; the same object when that is not news. */
export function foldGivenUp(
	entry: LedgerEntry,
	at: number,
	closed: NonNullable<LedgerEntry['closed']>,
): LedgerEntry {
	return apply(entry, 'unheard', at, 'unheard', { closed, nextAttemptAt: null });
}

/** An ending is news however far the attempts were known, for it may come between two of them. */
function isEnding(event: CommandEvent): boolean {
	return event !== 'due' && event !== 'started' && event !== 'retryDue';
}

/** A later attempt, or the end of the one that was known as running. */
function isFurther(said: readonly Attempt[], known: readonly Attempt[]): boolean {
	const [saidLast, knownLast] = [said.at(-1), known.at(-1)];
	if (!knownLast) return true;
	if (!saidLast || saidLast.attempt !== knownLast.attempt) {
		return (saidLast?.attempt ?? 0) > knownLast.attempt;
	}
	return saidLast.outcome !== null && knownLast.outcome === null;
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
			return event === 'started' || isSettling(current, event, at, key)
				? current
				: withLate(current, { event, at, key });
		case 'moved': {
			const settled = isFinal(state);
			return {
				...current,
				...change,
				state,
				endedAt: settled ? at : null,
				settledBy: settled ? key : null,
			};
		}
		default:
			return unreachable(effect);
	}
}

/** Whether it is what made the entry final, said again: a node says it under a new key when its ack was lost. */
function isSettling(entry: LedgerEntry, event: CommandEvent, at: number, key: string): boolean {
	return entry.settledBy === key || (entry.endedAt === at && advance('queued', event).state === entry.state);
}

/** In the order of their times, so that the order of their coming does not matter. */
function withLate(entry: LedgerEntry, late: LedgerEntry['late'][number]): LedgerEntry {
	if (entry.late.some(({ event, at }) => event === late.event && at === late.at)) return entry;
	const kept = [...entry.late, late]
		.sort((a, b) => a.at - b.at || (a.event < b.event ? -1 : 1))
		.slice(-keptLate);
	return kept.includes(late) ? { ...entry, late: kept } : entry;
}
