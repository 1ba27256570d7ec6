/**
 * Owns the table of what becomes of a command: what it is, times what happens to its node, gives how it ends, how often it
 * ran, and what `why` says meanwhile. Promises that the page in docs/ is made from it, and that a test drives real
 * nodes through it. Pure.
 */

import type { CommandEvent, FinalState } from './state.ts';
import type { WhyView } from './view.ts';

/** What happens to its node, or to the link, and when. */
export const moments = {
	present: 'its node is there',
	absent: 'its node is away when it is sent, and comes later',
	diesUnclaimed: 'its node dies before it has claimed it, and is started again',
	diesClaimed: 'its node dies when it has claimed it, before it starts, and is started again',
	diesRunning: 'its node dies while it runs, and is started again',
	diesEnded: 'its node dies when it has ended, before that is reported, and is started again',
	cutUnclaimed: 'the link is cut before it is claimed, and comes back',
	cutRunning: 'the link is cut while it runs, and comes back',
	cutEnded: 'the link is cut when it has ended, before that is reported, and comes back',
} as const;
export type Moment = keyof typeof moments;

/** What kind of command it is, and what else happens while its node is away. */
export const fates = {
	succeeds: 'its method ends well',
	fails: 'its method ends badly, and it has one attempt',
	retries: 'its first attempt fails, its second ends well (`--attempts 2`)',
	timesOut: 'its method would run longer than `--run-for`',
	isCancelled: 'it is cancelled: while it runs, or while its node is away',
	isLate: '`--deliver-within` passes while its node is away',
	isRefused: 'its node has no such method',
	reruns: 'it may be started again after a crash (`--on-interrupt rerun --attempts 3`)',
	isGivenUp: '`--patience` passes while its node is away',
} as const;
export type Fate = keyof typeof fates;

export type Expected = {
	readonly state: FinalState;
	/** How often its method was started: counted by what it leaves behind. */
	readonly runs: number;
	/** What `why` says while its node is away; null where it never is. */
	readonly away: WhyView['cause'] | null;
	/** What its node said after the final state. */
	readonly late?: CommandEvent;
};

/** As it ends where nothing else happens to it: only a node that dies in the middle makes the outcome unknown. */
function usual(state: FinalState, runs: number): Record<Moment, Expected> {
	const ends = { state, runs, away: 'nodeAway' } as const;
	return {
		present: { state, runs, away: null },
		absent: { state, runs, away: 'neverSeen' },
		diesUnclaimed: ends,
		diesClaimed: ends,
		// A crash is no failure: without `rerun` nothing is started again after one, whatever attempts are left.
		diesRunning: { state: 'interrupted', runs: 1, away: 'nodeAway' },
		diesEnded: ends,
		cutUnclaimed: ends,
		cutRunning: ends,
		cutEnded: ends,
	};
}

/** A moment that does not exist for a fate is left out. */
export const fateTable: Readonly<Record<Fate, Readonly<Partial<Record<Moment, Expected>>>>> = {
	succeeds: usual('succeeded', 1),
	fails: usual('failed', 1),
	retries: usual('succeeded', 2),
	timesOut: usual('timedOut', 1),
	reruns: { ...usual('succeeded', 1), diesRunning: { state: 'succeeded', runs: 2, away: 'nodeAway' } },
	isCancelled: {
		present: { state: 'cancelled', runs: 1, away: null },
		absent: { state: 'cancelled', runs: 0, away: 'cancelled' },
		diesUnclaimed: { state: 'cancelled', runs: 0, away: 'cancelled' },
		diesClaimed: { state: 'cancelled', runs: 0, away: 'cancelAsked' },
		diesRunning: { state: 'interrupted', runs: 1, away: 'cancelAsked' },
		diesEnded: { state: 'succeeded', runs: 1, away: 'cancelAsked' },
		cutUnclaimed: { state: 'cancelled', runs: 0, away: 'cancelled' },
		cutRunning: { state: 'cancelled', runs: 1, away: 'cancelAsked' },
		cutEnded: { state: 'succeeded', runs: 1, away: 'cancelAsked' },
	},
	// The claim is the start: once its node has claimed it, the deadline is kept.
	isLate: {
		...usual('succeeded', 1),
		absent: { state: 'expired', runs: 0, away: 'expired' },
		diesUnclaimed: { state: 'expired', runs: 0, away: 'expired' },
		cutUnclaimed: { state: 'expired', runs: 0, away: 'expired' },
	},
	isRefused: {
		present: { state: 'rejected', runs: 0, away: null },
		absent: { state: 'rejected', runs: 0, away: 'neverSeen' },
		diesUnclaimed: { state: 'rejected', runs: 0, away: 'nodeAway' },
		diesClaimed: { state: 'rejected', runs: 0, away: 'refused' },
		cutUnclaimed: { state: 'rejected', runs: 0, away: 'nodeAway' },
	},
	// What nobody has claimed is not lost: it waits.
	isGivenUp: {
		...usual('succeeded', 1),
		diesClaimed: { state: 'lost', runs: 0, away: 'lost' },
		diesRunning: { state: 'lost', runs: 1, away: 'lost', late: 'interrupted' },
		diesEnded: { state: 'lost', runs: 1, away: 'lost', late: 'succeeded' },
		cutRunning: { state: 'lost', runs: 1, away: 'lost', late: 'succeeded' },
		cutEnded: { state: 'lost', runs: 1, away: 'lost', late: 'succeeded' },
	},
};
