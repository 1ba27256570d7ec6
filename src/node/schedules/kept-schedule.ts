/**
 * Owns a schedule as its node keeps it: the form as it was written, its version, how far it has come, and when its next tick is due.
 * Promises that a form which cannot be read (an older program wrote it, or a newer one) is told, and never fires.
 * What is on disk is the record; the rest is read from it anew.
 */

import { messageOf } from '../../base/errors.ts';
import type { Progress } from '../../domain/progress.ts';
import { parseSchedule, type Schedule } from '../../domain/schedule.ts';
import { jitterOf, lateAfterMs, nextTick } from '../../domain/ticks.ts';
import { journalAgeMs } from '../store/journal.ts';

export type KeptSchedule = {
	readonly v: 1;
	readonly name: string;
	readonly version: number;
	readonly form: Readonly<Record<string, unknown>>;
	/** Server time from which its ticks count, milliseconds since the epoch. */
	readonly since: number;
	readonly progress: Progress;
};

/** `schedule` is undefined where the form cannot be read: `problem` says why. */
export type ReadSchedule = {
	readonly kept: KeptSchedule;
	readonly schedule: Schedule | undefined;
	readonly problem: string | undefined;
};

export function readKept(kept: KeptSchedule): ReadSchedule {
	try {
		return { kept, schedule: parseSchedule(kept.form), problem: undefined };
	} catch (error) {
		return { kept, schedule: undefined, problem: messageOf(error) };
	}
}

/** Server time as far as it is known; `isSure` where the server said it, and no step of the clock came after that. */
export type Now = { readonly at: number; readonly isSure: boolean };

/**
 * Until when its ticks are decided. A clock that was ahead and is right again must not silence it; but one that is behind by more
 * than the journal remembers (a machine that boots at 1970) is wrong, and a tick that fired might fire again.
 */
export function decidedThrough({ through }: Progress, { at, isSure }: Now): number {
	const aheadMs = through - at;
	return aheadMs > lateAfterMs && (isSure || aheadMs <= journalAgeMs) ? at : through;
}

/** The first tick to fire that is not decided, and when. */
export function nextDue(
	{ since, progress }: KeptSchedule,
	schedule: Schedule,
	node: string,
	now: Now,
): { readonly tick: number; readonly at: number } | undefined {
	const shift = jitterOf(schedule, node);
	const tick = nextTick(schedule, Math.max(since, decidedThrough(progress, now) - shift));
	return tick === undefined ? undefined : { tick, at: tick + shift };
}
