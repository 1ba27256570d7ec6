/**
 * Owns the JSON contract of `--json`, of the library and of the centre's answers: commands, receipts, nodes.
 * Promises times in RFC 3339 UTC and fields that are always there, null where nothing is known.
 * Pure. The shapes themselves are in view-schema.ts, and described in docs/json.md.
 */

import { rfc3339 } from '../base/clock.ts';
import { beginningsOf } from './delay.ts';
import type { Lineage } from './envelope.ts';
import { beginning, historyOf, type Transition } from './history.ts';
import type { LedgerEntry } from './ledger.ts';
import { formatHandle, type Handle, type Kind, type Lane } from './names.ts';
import type { NodeRecord, Pause } from './node-state.ts';
import type { Attempt, Result } from './result.ts';
import type { ScheduleRef } from './schedule-ref.ts';
import { goodStanding, type Standing } from './standing.ts';
import { standingView } from './standing-view.ts';
import type { AttemptView, CommandView, NodeView, Presence, TransitionView } from './view-schema.ts';
import type { CommandFacts } from './wire.ts';

export type {
	AttemptView,
	Cancellation,
	CommandView,
	NodeView,
	Presence,
	Receipt,
	TransitionView,
	WhyView,
} from './view-schema.ts';

/** What waits on the stream, as far as its headers and subject tell. */
export type QueuedCommand = {
	node: string;
	id: string;
	kind?: Kind;
	method: string;
	lane: Lane;
	sender: string;
	/** Null while it is on no lane; `scheduledAt`: when it was accepted before its time. */
	queuedAt: number | null;
	scheduledAt?: number | null | undefined;
	notBefore?: number | undefined;
	deadlineAt: number | null;
	lineage?: Lineage | undefined;
	schedule?: ScheduleRef | undefined;
};

export function timeOrNull(ms: number | null | undefined): string | null {
	return ms == null ? null : rfc3339(ms);
}

export function queuedView(command: QueuedCommand): CommandView {
	return {
		handle: formatHandle(command),
		id: command.id,
		node: command.node,
		kind: command.kind ?? 'command',
		method: command.method,
		lane: command.lane,
		state: stateOfQueued(command),
		sender: command.sender,
		queuedAt: timeOrNull(command.queuedAt),
		notBefore: timeOrNull(command.notBefore),
		startedAt: null,
		endedAt: null,
		deadline: timeOrNull(command.deadlineAt),
		runForMs: null,
		nextAttemptAt: null,
		attempt: 0,
		attempts: [],
		fault: null,
		closed: null,
		signature: null,
		late: [],
		lineage: command.lineage ?? null,
		schedule: scheduleView(command.lane === 'control' ? null : command.schedule),
		history: beginning(command).map(transitionView),
		result: null,
	};
}

function stateOfQueued({ kind, queuedAt, scheduledAt }: QueuedCommand): CommandView['state'] {
	if (kind === 'event') return 'waiting';
	return queuedAt === null && scheduledAt != null ? 'scheduled' : 'queued';
}

/** A command that waits on its stream, as its headers tell it. */
export function waitingView(
	command: Handle & { method: string; lane: Lane; facts: CommandFacts },
): CommandView {
	const { deliverWithinMs, sender, lineage, schedule, notBefore } = command.facts;
	const { queuedAt, scheduledAt } = beginningsOf(command.facts);
	const deadlineAt = deliverWithinMs === null || queuedAt === null ? null : queuedAt + deliverWithinMs;
	const times = { queuedAt, scheduledAt, notBefore, deadlineAt };
	return queuedView({ ...command, sender, ...times, lineage, schedule });
}

export function ledgerView(entry: LedgerEntry, result: Result | null): CommandView {
	return {
		handle: formatHandle(entry),
		id: entry.id,
		node: entry.node,
		kind: 'command',
		method: entry.method,
		lane: entry.lane,
		state: entry.state,
		sender: entry.sender,
		queuedAt: timeOrNull(beginningsOf(entry).queuedAt),
		notBefore: timeOrNull(entry.notBefore),
		startedAt: timeOrNull(entry.startedAt),
		endedAt: timeOrNull(entry.endedAt),
		deadline: timeOrNull(entry.deadlineAt),
		runForMs: entry.runForMs,
		nextAttemptAt: timeOrNull(entry.nextAttemptAt),
		attempt: entry.attempts.at(-1)?.attempt ?? 0,
		attempts: entry.attempts.map(attemptView),
		fault: entry.fault,
		closed: entry.closed,
		signature: entry.signature,
		late: entry.late.map(({ event, at }) => ({ event, at: rfc3339(at) })),
		lineage: entry.lineage,
		schedule: scheduleView(entry.schedule),
		history: historyOf(entry).map(transitionView),
		result,
	};
}

function scheduleView(ref: ScheduleRef | null | undefined): CommandView['schedule'] {
	return ref ? { ...ref, tick: timeOrNull(ref.tick) } : null;
}

function transitionView(transition: Transition): TransitionView {
	return { ...transition, at: rfc3339(transition.at) };
}

function attemptView(attempt: Attempt): AttemptView {
	return { ...attempt, startedAt: rfc3339(attempt.startedAt), endedAt: timeOrNull(attempt.endedAt) };
}

export function nodeView(
	node: string,
	record: NodeRecord | undefined,
	presence: Presence,
	queued: number | null,
	standing: Standing = goodStanding,
): NodeView {
	const state = record?.state;
	return {
		node,
		presence: presence.status,
		since: presence.since,
		lastSeenAt: timeOrNull(record?.lastSeenAt),
		version: state?.version ?? null,
		labels: state?.labels ?? {},
		platform: state?.platform ?? null,
		startedAt: timeOrNull(state?.startedAt),
		clockOffsetMs: state?.clockOffsetMs ?? null,
		methods: state?.methods ?? [],
		lanes: (state?.lanes ?? []).map((lane) => ({ ...lane, pause: lane.pause && pauseView(lane.pause) })),
		stopped: (state?.stopped ?? []).map((stopped) => ({ ...stopped, ...pauseView(stopped) })),
		running: (state?.running ?? []).map((run) => ({
			handle: formatHandle({ node, id: run.id }),
			method: run.method,
			lane: run.lane,
			startedAt: rfc3339(run.startedAt),
			attempt: run.attempt,
			runForMs: run.runForMs,
		})),
		unreported: (state?.unreported ?? []).map((id) => formatHandle({ node, id })),
		trust: state?.trust?.version ?? null,
		access: state?.access?.version ?? null,
		queued,
		outbox: state?.outbox ?? null,
		conflict: record?.conflict
			? { machines: record.conflict.machines, noticedAt: rfc3339(record.conflict.noticedAt) }
			: null,
		...standingView(standing),
	};
}

function pauseView({ kind, by, reason, since }: Pause) {
	return { kind, by, reason, since: rfc3339(since) };
}
