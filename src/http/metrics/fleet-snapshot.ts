/**
 * Owns what a scrape tells of a fleet, read once for all of its lines.
 * Promises one look at each node and none at a command.
 * Pure.
 */

import type { CentreWindow } from '../../central/central.ts';
import type { Totals } from '../../domain/row-schema.ts';
import type { CommandState } from '../../domain/state.ts';
import type { CommandCounts } from './command-counts.ts';

/** A centre, and what is counted of it. */
export type Watched = {
	readonly window: CentreWindow;
	readonly counts: CommandCounts;
};

type Queue = { readonly node: string; readonly depth: number; readonly oldestSeconds: number };

export type FleetSnapshot = {
	readonly isUp: boolean;
	readonly leads: boolean;
	readonly isComplete: boolean;
	readonly broker: ReturnType<CentreWindow['brokerFigures']>;
	readonly scheduleLateSeconds: number | undefined;
	readonly totals: Totals;
	readonly methods: ReadonlyMap<string, ReadonlyMap<CommandState, number>>;
	/** The deepest first, and those where somebody waits longest. */
	readonly deepest: readonly Queue[];
	readonly oldest: readonly Queue[];
	readonly longestAbsenceSeconds: number;
	readonly outbox: { readonly sum: number; readonly max: number };
	readonly farthestClockSeconds: number;
};

const mostMethods = 50;
const mostQueues = 20;

export function snapshotOf({ window, counts }: Watched): FleetSnapshot {
	const { index, rows, serverNow, isUp, leads, brokerFigures, scheduleLateMs } = window;
	const now = serverNow();
	const queues = [...rows.queues()].map(([node, { size, oldest }]) => ({
		...{ node, depth: size, oldestSeconds: Math.max(0, now - (oldest ?? now)) / 1000 },
	}));
	const absences = queues.map(({ node }) => absentSince(index.presenceOf(node)) ?? now);
	const lateMs = scheduleLateMs();
	return {
		...{ isUp: isUp(), leads: leads(), isComplete: index.isComplete, broker: brokerFigures() },
		scheduleLateSeconds: lateMs === undefined ? undefined : lateMs / 1000,
		totals: rows.totals(),
		methods: counts.byMethod(mostMethods),
		deepest: queues.toSorted((a, b) => b.depth - a.depth).slice(0, mostQueues),
		oldest: queues.toSorted((a, b) => b.oldestSeconds - a.oldestSeconds).slice(0, mostQueues),
		longestAbsenceSeconds: Math.max(0, now - least(absences, now)) / 1000,
		...ofNodes(index),
	};
}

/** Undefined for one that is present, and for one that nobody has ever heard of. */
function absentSince({ status, since }: ReturnType<CentreWindow['index']['presenceOf']>): number | undefined {
	return status === 'absent' && since !== null ? Date.parse(since) : undefined;
}

function least(times: readonly number[], otherwise: number): number {
	return times.reduce((one, other) => Math.min(one, other), otherwise);
}

/** What each node said of itself last; whose clock is wrong counts while it is present. */
function ofNodes(index: CentreWindow['index']): Pick<FleetSnapshot, 'outbox' | 'farthestClockSeconds'> {
	let [sum, max, farthest] = [0, 0, 0];
	for (const [node, { state }] of index.nodes) {
		sum += state.outbox;
		max = Math.max(max, state.outbox);
		if (index.presenceOf(node).status !== 'present') continue;
		farthest = Math.max(farthest, Math.abs(state.clockOffsetMs ?? 0));
	}
	return { outbox: { sum, max }, farthestClockSeconds: farthest / 1000 };
}
