/**
 * Owns how the rows of live tables are made of what nodes and the ledger say.
 * Promises that a node which says more than a row holds costs its row only what is cut.
 * Pure. The shapes are in row-schema.ts.
 */

import { cutText } from '../base/text.ts';
import type { NodeRecord } from './node-state.ts';
import type { CommandRow, NodeRow } from './row-schema.ts';
import type { Standing } from './standing.ts';
import type { CommandState } from './state.ts';
import { type CommandView, type Presence, timeOrNull } from './view.ts';

/** A command that ended so has failed somebody for so long. */
export const failingForMs = 24 * 60 * 60 * 1000;
const mostLabels = 50;
const longestLabel = 200;

const failing: ReadonlySet<CommandState> = new Set(['failed', 'timedOut', 'interrupted', 'lost', 'rejected']);

export function isFailing(state: CommandState): boolean {
	return failing.has(state);
}

export type NodeCounts = {
	readonly queued: number;
	/** Server time; null where nothing waits. */
	readonly oldestQueuedAt: number | null;
	readonly failing: number;
};

export function nodeRow(
	node: string,
	record: NodeRecord | undefined,
	presence: Presence,
	standing: Standing | undefined,
	counts: NodeCounts,
): NodeRow {
	const state = record?.state;
	return {
		node,
		presence: presence.status,
		since: presence.since,
		version: state ? cutText(state.version, longestLabel) : null,
		labels: boundedLabels(state?.labels ?? {}),
		queued: counts.queued,
		oldestQueuedAt: timeOrNull(counts.oldestQueuedAt),
		running: state?.running.length ?? 0,
		failing: counts.failing,
		clockOffsetMs: state?.clockOffsetMs ?? null,
		outbox: state?.outbox ?? null,
		paused:
			state !== undefined && (state.stopped.length > 0 || state.lanes.some(({ pause }) => pause !== null)),
		conflict: record?.conflict != null,
		decommissioned: standing?.decommissioned != null,
	};
}

function boundedLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
	const entries = Object.entries(labels).slice(0, mostLabels);
	return Object.fromEntries(
		entries.map(([key, value]) => [cutText(key, longestLabel), cutText(value, longestLabel)]),
	);
}

export function commandRow(view: CommandView): CommandRow {
	const { handle, id, node, kind, method, lane, state, sender, queuedAt, notBefore, startedAt } = view;
	const { endedAt, deadline, nextAttemptAt, attempt, fault, schedule } = view;
	return {
		...{ handle, id, node, kind, method, lane, state, sender, queuedAt, notBefore, startedAt },
		...{ endedAt, deadline, nextAttemptAt, attempt, fault, schedule },
	};
}
