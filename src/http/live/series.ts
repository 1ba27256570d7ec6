/**
 * Owns what charts show: how much waited, ran, ended and was delivered, in steps of five seconds for two hours and of a minute for a day.
 * Promises to say since when it has watched, and to make nothing up before that.
 * In memory: a restart begins anew.
 */

import {
	type IndexedCommand,
	type IndexListener,
	isWaiting,
	stateOf,
} from '../../central/index-listeners.ts';
import { isFailing } from '../../domain/row.ts';
import type { Totals } from '../../domain/row-schema.ts';
import { isFinal } from '../../domain/state.ts';

export const sampleEveryMs = 5000;
const coarseEveryMs = 60_000;
const fineForMs = 2 * 3_600_000;
const coarseForMs = 24 * 3_600_000;
/** Delivery times of one step that its percentiles are made of: the last ones. */
const mostTimes = 1000;

/** One step; times in milliseconds, null where nothing waited or nothing was delivered. */
export type Sample = {
	readonly at: number;
	readonly queued: number;
	readonly running: number;
	readonly succeeded: number;
	readonly failed: number;
	readonly oldestMs: number | null;
	readonly deliveryP50Ms: number | null;
	readonly deliveryP95Ms: number | null;
};

/** What happened in a step so far. */
class Step {
	readonly beganAt: number;
	succeeded = 0;
	failed = 0;
	/** From being queued to the first start. */
	readonly times: number[] = [];
	#delivered = 0;

	constructor(beganAt: number) {
		this.beganAt = beganAt;
	}

	delivered(ms: number): void {
		this.times[this.#delivered % mostTimes] = ms;
		this.#delivered += 1;
	}
}

export class Series implements IndexListener {
	readonly since: number;
	readonly #serverNow: () => number;
	/** What is told while the index is read has happened before. */
	#isWatching = false;
	#fine: Step;
	#coarse: Step;
	readonly #fineSamples: Sample[] = [];
	readonly #coarseSamples: Sample[] = [];

	constructor(serverNow: () => number) {
		this.#serverNow = serverNow;
		this.since = serverNow();
		this.#fine = new Step(this.since);
		this.#coarse = new Step(this.since);
	}

	/** Ends a step with what is there now. `isComplete`: the index is read whole. */
	sample(totals: Totals, isComplete: boolean): void {
		this.#isWatching = isComplete;
		if (!isComplete) return;
		const now = this.#serverNow();
		this.#fineSamples.push(sampleOf(this.#fine, totals, now));
		this.#fine = new Step(now);
		if (now - this.#coarse.beganAt >= coarseEveryMs) {
			this.#coarseSamples.push(sampleOf(this.#coarse, totals, now));
			this.#coarse = new Step(now);
		}
		dropBefore(this.#fineSamples, now - fineForMs);
		dropBefore(this.#coarseSamples, now - coarseForMs);
	}

	/** Up to two hours in fine steps, more in coarse ones. */
	of(windowMs: number): { readonly stepMs: number; readonly samples: readonly Sample[] } {
		const isFine = windowMs <= fineForMs;
		const from = this.#serverNow() - windowMs;
		const samples = isFine ? this.#fineSamples : this.#coarseSamples;
		return {
			stepMs: isFine ? sampleEveryMs : coarseEveryMs,
			samples: samples.filter(({ at }) => at > from),
		};
	}

	command(_handle: string, before: IndexedCommand | undefined, after: IndexedCommand | undefined): void {
		if (!this.#isWatching || !after || isWaiting(after)) return;
		const steps = [this.#fine, this.#coarse];
		const had = before && !isWaiting(before) ? before : undefined;
		if (after.startedAt !== null && (had?.startedAt ?? null) === null) {
			const ms = Math.max(0, after.startedAt - after.queuedAt);
			for (const step of steps) step.delivered(ms);
		}
		const hadEnded = before !== undefined && isFinal(stateOf(before));
		if (!isFinal(after.state) || hadEnded) return;
		for (const step of steps) {
			if (after.state === 'succeeded') step.succeeded += 1;
			else if (isFailing(after.state)) step.failed += 1;
		}
	}

	taken(): void {
		// What it was about is told as a command.
	}

	/** What is read again has not happened again. */
	reset(): void {
		this.#isWatching = false;
	}
}

function sampleOf(
	{ succeeded, failed, times }: Step,
	{ commands, oldestQueuedAt }: Totals,
	at: number,
): Sample {
	const sorted = times.toSorted((a, b) => a - b);
	const rank = (part: number) =>
		sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? null;
	return {
		at,
		queued: commands.queued ?? 0,
		running: commands.running ?? 0,
		succeeded,
		failed,
		oldestMs: oldestQueuedAt === null ? null : Math.max(0, at - Date.parse(oldestQueuedAt)),
		deliveryP50Ms: rank(0.5),
		deliveryP95Ms: rank(0.95),
	};
}

function dropBefore(samples: Sample[], moment: number): void {
	const first = samples.findIndex(({ at }) => at > moment);
	samples.splice(0, first < 0 ? samples.length : first);
}
