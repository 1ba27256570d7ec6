/**
 * Owns a command's history: each state that it went through, with its time and its author.
 * Promises that it is told by the ledger's entry alone, so that it says the same whatever order the statements came in;
 * it is as long as the entry's attempts, which are bounded. Pure.
 */

import { rfc3339 } from '../base/clock.ts';
import { beginningsOf } from './delay.ts';
import type { Lineage } from './envelope.ts';
import type { LedgerEntry } from './ledger.ts';
import { centralNode } from './names.ts';
import type { Attempt } from './result.ts';
import type { ScheduleRef } from './schedule-ref.ts';
import { advance, type CommandState, isFinal } from './state.ts';
import { isLocal } from './wire.ts';

export type Transition = {
	readonly state: CommandState;
	/** Server time, milliseconds since the epoch. */
	readonly at: number;
	/** A node, `central`, or who sent or cancelled it. */
	readonly by: string;
	/** Why, or how it came to be; empty where the state says it all. */
	readonly note: string;
	/** It came after the final state, and changed nothing. */
	readonly late: boolean;
};

/** In the order of what happened. */
export function historyOf(entry: LedgerEntry): Transition[] {
	return [
		// What a node made itself was queued by nobody else.
		...beginning({ ...entry, ...beginningsOf(entry), sender: isLocal(entry) ? entry.node : entry.sender }),
		...entry.attempts.flatMap((attempt, index) => ofAttempt(entry, attempt, index)),
		...ending(entry),
		...entry.late.map(({ event, at }) => ({
			...on(advance('queued', event).state, at, entry.node, 'it came too late to count'),
			late: true,
		})),
	];
}

/** How a command begins: what has not happened is null. */
export function beginning({
	scheduledAt = null,
	queuedAt,
	sender,
	lineage,
	schedule,
}: {
	/** Accepted before its time. */
	readonly scheduledAt?: number | null | undefined;
	readonly queuedAt: number | null;
	readonly sender: string;
	readonly lineage?: Lineage | null | undefined;
	readonly schedule?: ScheduleRef | null | undefined;
}): Transition[] {
	const made = howMade(lineage, schedule);
	if (scheduledAt === null) return queuedAt === null ? [] : [on('queued', queuedAt, sender, made)];
	const accepted = on('scheduled', scheduledAt, sender, made);
	return queuedAt === null
		? [accepted]
		: [accepted, on('queued', queuedAt, centralNode, 'its time had come')];
}

function howMade(lineage: Lineage | null | undefined, schedule: ScheduleRef | null | undefined): string {
	if (lineage) return `${lineage.kind} of ${lineage.of}`;
	if (!schedule) return '';
	const { name, tick, version } = schedule;
	const which = tick === null ? 'run now' : `tick ${rfc3339(tick)}`;
	return `${which} of schedule ${name}, version ${version}`;
}

function ofAttempt(entry: LedgerEntry, attempt: Attempt, index: number): Transition[] {
	const before = entry.attempts[index - 1]?.attempt ?? 0;
	const leftOut =
		attempt.attempt > before + 1 ? `, ${before + 1} to ${attempt.attempt - 1} are not kept` : '';
	const started = on('running', attempt.startedAt, entry.node, `attempt ${attempt.attempt}${leftOut}`);
	if (attempt.endedAt === null || !hasNext(entry, index)) return [started];
	return [started, on('retrying', attempt.endedAt, entry.node, howItEnded(attempt))];
}

/** Another attempt followed the one at `index`, or was due when the command ended. */
function hasNext({ attempts, state }: LedgerEntry, index: number): boolean {
	if (index < attempts.length - 1) return true;
	switch (state) {
		case 'retrying':
		// Neither is the end of an attempt: with one that had ended, the next was due.
		case 'rejected':
		case 'lost':
			return true;
		case 'cancelled':
			// Between two attempts, and not in the last of them.
			return attempts[index]?.outcome !== 'cancelled';
		default:
			return false;
	}
}

function howItEnded({ attempt, outcome, exitCode, signal, fault }: Attempt): string {
	const how = signal !== null ? `signal ${signal}` : exitCode !== null ? `exit ${exitCode}` : undefined;
	return [`attempt ${attempt} ${outcome ?? 'has no outcome'}`, how, fault?.message]
		.filter(Boolean)
		.join(', ');
}

function ending(entry: LedgerEntry): Transition[] {
	const { state, endedAt, closed, fault, node } = entry;
	if (!isFinal(state) || endedAt === null) return [];
	return [on(state, endedAt, closed?.actor ?? node, closed?.reason ?? fault?.message ?? '')];
}

function on(state: CommandState, at: number, by: string, note: string): Transition {
	return { state, at, by, note, late: false };
}
