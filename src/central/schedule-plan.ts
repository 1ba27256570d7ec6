/**
 * Owns the plan of one schedule at the centre: for which nodes its ticks are, when the next one is due, and what fires now.
 * Promises to decide each tick for each node once, in the order of time, as far as its progress is kept.
 * Pure but for that memory, which is made anew from what is stored.
 */

import { noProgress, type Progress } from '../domain/progress.ts';
import { parseSchedule, type Schedule, type ScheduleRecord } from '../domain/schedule.ts';
import {
	type Decision,
	decide,
	dueTicks,
	firstAfter,
	jitterOf,
	lateAfterMs,
	nextTick,
} from '../domain/ticks.ts';
import type { Revised } from '../jetstream/schedules.ts';

/** Of more ticks than these every node is asked about, instead of those whose turn it is. */
const fewTicks = 16;

/** What is to be done for one node now. */
export type NodeDecision = Decision & { readonly node: string };

/**
 * The plan of what the centre fires; undefined where it fires nothing of it.
 * @throws StewardError `invalid` where this program cannot read its form
 */
export function planOf(
	record: ScheduleRecord,
	known: Revised<Progress> | undefined,
): SchedulePlan | undefined {
	if (record.removed) return undefined;
	const schedule = parseSchedule(record.form);
	if (schedule.paused || schedule.placement !== 'centre') return undefined;
	return new SchedulePlan(record, schedule, progressOf(record, known?.value), known?.revision ?? 0);
}

/** How far the centre has come with it: one of this name that was removed has counts of its own. */
export function progressOf({ changes, since }: ScheduleRecord, known: Progress | undefined): Progress {
	const addedAt = changes.findLast(({ change }) => change === 'added')?.at ?? 0;
	return known && known.through >= addedAt ? known : noProgress(since);
}

export class SchedulePlan {
	readonly record: ScheduleRecord;
	readonly schedule: Schedule;
	/** What is stored of it, and the revision that a write has to replace. */
	progress: Progress;
	revision: number;
	/** When there is something to do next, server time; infinite where there is nothing any more. */
	nextDue = 0;
	/** What is stored is what is here. */
	isSaved = true;
	/** In the order of their shifts. */
	#nodes: readonly string[] = [];
	#shifts: readonly number[] = [];

	constructor(record: ScheduleRecord, schedule: Schedule, progress: Progress, revision: number) {
		this.record = record;
		this.schedule = schedule;
		this.progress = progress;
		this.revision = revision;
	}

	/** Every tick that was due until then is decided. */
	get through(): number {
		return Math.max(this.progress.through, this.record.since);
	}

	/** Says for which nodes the next ticks are. */
	aimAt(nodes: readonly string[]): void {
		const aimed = nodes.map((node) => ({ node, shift: jitterOf(this.schedule, node) }));
		if (this.schedule.jitterMs > 0) aimed.sort((a, b) => a.shift - b.shift);
		this.#nodes = aimed.map(({ node }) => node);
		this.#shifts = aimed.map(({ shift }) => shift);
	}

	/** What is due for each node until `now`; nodes for which nothing is are left out. */
	decide(now: number): readonly NodeDecision[] {
		const { through, schedule } = this;
		// With jitter those that are due now may be from before it counts.
		const ticks = dueTicks(schedule, through, now).filter((tick) => tick > this.record.since);
		if (ticks.length === 0) return [];
		// Without jitter all nodes have the same.
		const shared =
			schedule.jitterMs === 0 ? decide(schedule.missed, ticks, { through, now, shift: 0 }) : undefined;
		const decisions: NodeDecision[] = [];
		for (const index of this.#dueAt(ticks, now)) {
			const [node, shift] = [this.#nodes[index], this.#shifts[index]];
			if (node === undefined || shift === undefined) continue;
			const decision = shared ?? decide(schedule.missed, ticks, { through, now, shift });
			if (decision.fire.length > 0 || decision.missed > 0) decisions.push({ node, ...decision });
		}
		return decisions;
	}

	/** Everything until `now` is decided; looks when there is more to do. */
	advance(now: number, change: Partial<Progress>): void {
		this.progress = { ...this.progress, ...change, through: Math.max(now, this.through) };
		this.nextDue = this.#nextDue();
	}

	/** A clock that was ahead and is right again must not silence it. True where that was so. */
	rewind(now: number): boolean {
		if (this.progress.through <= now + lateAfterMs) return false;
		this.progress = { ...this.progress, through: now };
		this.nextDue = this.#nextDue();
		return true;
	}

	/** Places of the nodes for which at least one of these ticks may be due. */
	#dueAt(ticks: readonly number[], now: number): Iterable<number> {
		if (this.schedule.jitterMs === 0 || ticks.length > fewTicks) return this.#nodes.keys();
		const places = new Set<number>();
		for (const tick of ticks) {
			const to = firstAfter(this.#shifts, now - tick);
			for (let place = firstAfter(this.#shifts, this.through - tick); place < to; place++) places.add(place);
		}
		return places;
	}

	#nextDue(): number {
		const { schedule, through } = this;
		let next = Number.POSITIVE_INFINITY;
		let tick = nextTick(schedule, Math.max(through - schedule.jitterMs, this.record.since));
		for (; tick !== undefined && tick < next; tick = nextTick(schedule, tick)) {
			const shift = this.#shifts[firstAfter(this.#shifts, through - tick)];
			if (shift !== undefined) next = Math.min(next, tick + shift);
			// Who is meant may be others by then.
			else if (tick > through && this.#nodes.length === 0) next = tick;
		}
		return next;
	}
}
