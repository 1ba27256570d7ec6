/**
 * Owns the JSON contract of `--json`, of the library and of the centre's answers: commands, receipts, nodes.
 * Promises times in RFC 3339 UTC and fields that are always there, null where nothing is known.
 * Pure. docs/json.md describes the same shapes.
 */

import { rfc3339 } from '../base/clock.ts';
import type { LedgerEntry } from './ledger.ts';
import { formatHandle, type Kind, type Lane } from './names.ts';
import type { NodeRecord, NodeState } from './node-state.ts';
import type { Attempt, FaultRecord, Result } from './result.ts';
import type { CommandState } from './state.ts';

export type AttemptView = {
	attempt: number;
	startedAt: string;
	endedAt: string | null;
	outcome: string | null;
	exitCode: number | null;
	signal: string | null;
	fault: FaultRecord | null;
};

export type CommandView = {
	handle: string;
	id: string;
	node: string;
	kind: Kind;
	method: string;
	lane: Lane;
	state: CommandState | 'waiting' | 'delivered' | 'accepted';
	sender: string;
	queuedAt: string | null;
	startedAt: string | null;
	endedAt: string | null;
	deadline: string | null;
	nextAttemptAt: string | null;
	attempt: number;
	attempts: AttemptView[];
	fault: FaultRecord | null;
	closed: { reason: string; actor: string } | null;
	late: { event: string; at: string }[];
	result: Result | null;
};

/** Whether the node is there: `unknown` when no centre watches, `never` when nobody ever heard of it. */
export type Presence = {
	status: 'present' | 'absent' | 'never' | 'unknown';
	/** Absent or unknown since; null when present, never seen, or not known. */
	since: string | null;
};

export type Receipt = CommandView & {
	/** The same command was there before: nothing was added. */
	duplicate: boolean;
	presence: Presence;
	/** 1 is the next to run on its lane; null when not known. */
	position: number | null;
	/** Sequence on its stream; null when it is not there yet. */
	seq: number | null;
	/** `outbox`: kept by the local node, delivered when a broker answers. */
	via: 'broker' | 'outbox';
};

export type NodeView = {
	node: string;
	presence: Presence['status'];
	since: string | null;
	lastSeenAt: string | null;
	version: string | null;
	labels: Record<string, string>;
	platform: NodeState['platform'] | null;
	startedAt: string | null;
	clockOffsetMs: number | null;
	methods: NodeState['methods'];
	lanes: NodeState['lanes'];
	running: { handle: string; method: string; lane: Lane; startedAt: string; attempt: number }[];
	/** Commands that wait for it; null when no centre was asked. */
	queued: number | null;
	outbox: number | null;
	conflict: { machines: string[]; noticedAt: string } | null;
};

/** What waits on the stream, as far as its headers and subject tell. */
export type QueuedCommand = {
	node: string;
	id: string;
	kind?: Kind;
	method: string;
	lane: Lane;
	sender: string;
	queuedAt: number;
	deadlineAt: number | null;
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
		state: command.kind === 'event' ? 'waiting' : 'queued',
		sender: command.sender,
		queuedAt: rfc3339(command.queuedAt),
		startedAt: null,
		endedAt: null,
		deadline: timeOrNull(command.deadlineAt),
		nextAttemptAt: null,
		attempt: 0,
		attempts: [],
		fault: null,
		closed: null,
		late: [],
		result: null,
	};
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
		queuedAt: rfc3339(entry.queuedAt),
		startedAt: timeOrNull(entry.startedAt),
		endedAt: timeOrNull(entry.endedAt),
		deadline: timeOrNull(entry.deadlineAt),
		nextAttemptAt: timeOrNull(entry.nextAttemptAt),
		attempt: entry.attempts.at(-1)?.attempt ?? 0,
		attempts: entry.attempts.map(attemptView),
		fault: entry.fault,
		closed: entry.closed,
		late: entry.late.map(({ event, at }) => ({ event, at: rfc3339(at) })),
		result,
	};
}

function attemptView(attempt: Attempt): AttemptView {
	return { ...attempt, startedAt: rfc3339(attempt.startedAt), endedAt: timeOrNull(attempt.endedAt) };
}

export function nodeView(
	node: string,
	record: NodeRecord | undefined,
	presence: Presence,
	queued: number | null,
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
		lanes: state?.lanes ?? [],
		running: (state?.running ?? []).map((run) => ({
			handle: formatHandle({ node, id: run.id }),
			method: run.method,
			lane: run.lane,
			startedAt: rfc3339(run.startedAt),
			attempt: run.attempt,
		})),
		queued,
		outbox: state?.outbox ?? null,
		conflict: record?.conflict
			? { machines: record.conflict.machines, noticedAt: rfc3339(record.conflict.noticedAt) }
			: null,
	};
}
