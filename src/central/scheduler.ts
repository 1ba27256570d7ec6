/**
 * Owns firing the ticks of schedules whose place is the centre: what is due is decided, queued, and written down as done.
 * Promises that each tick fires once for each node, in whatever order leaders come and go: its command's id is its own, what was
 * closed or queued before a crash is found again, and how far a schedule has come is written last, by compare-and-set.
 * A crash leaves the last progress, and the next leader decides from there.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { ScheduleRecord } from '../domain/schedule.ts';
import { nodesOf } from '../domain/target.ts';
import type { CentreIndex } from './index.ts';
import { planOf, type SchedulePlan } from './schedule-plan.ts';
import {
	added,
	type Fired,
	nothing,
	type Round,
	retryMs,
	type TickRoundOptions,
	TickRounds,
} from './tick-round.ts';

/** Longest sleep; a change wakes it. */
const lookAgainMs = 1000;
/** Plans that are made before others have their turn. */
const replannedAtOnce = 1000;
/** Ticks that are fired together, where each schedule has fewer. */
const firedAtOnce = 50_000;
/** Of an index that is being built. */
const notReadyMs = 50;
const clockWasAhead =
	'its ticks were decided beyond now, by a clock that was ahead: they are decided anew, and what has run is known';

export type SchedulerOptions = TickRoundOptions & {
	index: TickRoundOptions['index'] &
		Pick<CentreIndex, 'isComplete' | 'onNode' | 'onPresenceLost' | 'scheduleTrust'>;
	/** A present node beats at least once in this time. */
	presenceTtlMs: number;
	clock: Clock;
};

export class Scheduler implements Service {
	readonly name = 'scheduler';
	readonly #options: SchedulerOptions;
	readonly #lifecycle: Lifecycle;
	readonly #rounds: TickRounds;
	readonly #plans = new Map<string, SchedulePlan>();
	/** Schedules whose record is new or another. */
	readonly #changed = new Set<string>();
	#stopping = new AbortController();
	#nodesChanged = false;
	#aimedAt = Number.NEGATIVE_INFINITY;
	/** From when on an absence means something, by the monotonic clock. */
	#presenceKnownAt = 0;
	#wake: () => void = () => undefined;
	#off: () => void = () => undefined;
	#loop: Promise<void> = Promise.resolve();

	constructor(options: SchedulerOptions) {
		this.#options = options;
		this.#rounds = new TickRounds(options);
		options.index.onPresenceLost(() => this.#waitForPresence());
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#stopping = new AbortController();
				this.begin();
				this.#loop = this.#run(this.#stopping.signal);
			},
			async () => {
				this.#stopping.abort();
				this.#off();
				await this.#loop;
				this.#plans.clear();
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Looks at every schedule that there is, and from then on at what changes; `start` calls it. */
	begin(): void {
		const { index } = this.#options;
		this.#off();
		this.#plans.clear();
		this.#waitForPresence();
		for (const name of index.schedules.records.keys()) this.#changed.add(name);
		const offs = [
			index.schedules.onChange((name) => {
				this.#changed.add(name);
				this.#wake();
			}),
			index.onNode(() => {
				this.#nodesChanged = true;
			}),
		];
		this.#off = () => {
			for (const off of offs.splice(0)) off();
		};
	}

	#waitForPresence(): void {
		const { clock, presenceTtlMs } = this.#options;
		this.#presenceKnownAt = clock.monotonic() + presenceTtlMs;
	}

	/** When there is something to do next, server time; infinite where there is nothing. */
	get nextDue(): number {
		let next = Number.POSITIVE_INFINITY;
		for (const { nextDue } of this.#plans.values()) next = Math.min(next, nextDue);
		return next;
	}

	/** By how much the tick that waits longest is late, milliseconds; 0 where none does. */
	get lateMs(): number {
		return this.#isReady ? Math.max(0, this.#options.serverNow() - this.nextDue) : 0;
	}

	/** Decides and fires what is due. */
	async runOnce(): Promise<Fired> {
		let done = nothing;
		if (!this.#isReady) return done;
		for (const name of [...this.#changed].slice(0, replannedAtOnce)) {
			this.#changed.delete(name);
			this.#replan(name);
		}
		this.#aimAnew();
		const now = this.#options.serverNow();
		let rounds: Round[] = [];
		let ticks = 0;
		const fire = async () => {
			done = added(done, await this.#rounds.fire(rounds));
			[rounds, ticks] = [[], 0];
		};
		for (const plan of this.#plans.values()) {
			if (plan.rewind(now)) this.#options.log.warn({ schedule: plan.record.name }, clockWasAhead);
			if (plan.nextDue > now) continue;
			const round = await this.#decide(plan, now);
			if (!round) continue;
			rounds.push(round);
			ticks += round.firing.length;
			if (ticks >= firedAtOnce) await fire();
		}
		if (rounds.length > 0) await fire();
		return done;
	}

	/** One that cannot be decided does not keep the others. */
	async #decide(plan: SchedulePlan, now: number): Promise<Round | undefined> {
		const { clock, log } = this.#options;
		if (!this.#isVouched(plan.record, now)) {
			plan.nextDue = now + retryMs;
			return undefined;
		}
		if (!plan.isSaved) await this.#rounds.save(plan);
		if (!plan.isSaved) return undefined;
		// Who is there is known once every node has had the time to say so.
		const waits = plan.schedule.message.whenAbsent !== 'queue' && clock.monotonic() < this.#presenceKnownAt;
		try {
			if (!waits) {
				if ('where' in plan.schedule.target)
					plan.aimAt(nodesOf(plan.schedule.target, this.#options.index.serving));
				return this.#rounds.decide(plan, now);
			}
		} catch (error) {
			log.error(
				{ schedule: plan.record.name, err: messageOf(error) },
				'what is due cannot be decided; again soon',
			);
		}
		plan.nextDue = now + retryMs;
		return undefined;
	}

	/** Asked at each moment anew: a key may count no more, or again. What is due meanwhile is missed. */
	#isVouched(record: ScheduleRecord, now: number): boolean {
		const { index, log } = this.#options;
		const problem = index.scheduleTrust.problemOf(record, now);
		if (index.scheduleTrust.isNews(record.name, problem)) {
			const { name: schedule } = record;
			if (problem === undefined) log.info({ schedule }, 'a schedule is vouched for, and fires');
			else log.error({ schedule, err: problem }, 'a schedule is not to be trusted: it does not fire');
		}
		return problem === undefined;
	}

	/** Who has come to a schedule with jitter may have a turn before those that it was aimed at. */
	#aimAnew(): void {
		const { clock } = this.#options;
		if (!this.#nodesChanged || clock.monotonic() < this.#aimedAt + lookAgainMs) return;
		this.#nodesChanged = false;
		this.#aimedAt = clock.monotonic();
		for (const plan of this.#plans.values()) {
			const { schedule } = plan;
			if (schedule.jitterMs === 0 || !('where' in schedule.target) || !plan.isSaved) continue;
			plan.aimAt(nodesOf(schedule.target, this.#options.index.serving));
			plan.advance(plan.through, {});
		}
	}

	/** What is open, and how far each came, is known. */
	get #isReady(): boolean {
		const { index, mayFire } = this.#options;
		return index.isComplete && mayFire();
	}

	async #run(stopping: AbortSignal): Promise<void> {
		const { serverNow, clock, log } = this.#options;
		while (!stopping.aborted) {
			try {
				await this.runOnce();
			} catch (error) {
				log.warn({ err: messageOf(error) }, 'ticks could not be fired; again soon');
				await clock.sleep(retryMs, stopping);
			}
			const woken = new AbortController();
			this.#wake = () => woken.abort();
			const isBehind = this.#changed.size > 0;
			const restMs = !this.#isReady ? notReadyMs : isBehind ? 0 : Math.max(this.nextDue - serverNow(), 1);
			await clock.sleep(Math.min(restMs, lookAgainMs), AbortSignal.any([stopping, woken.signal]));
		}
	}

	/** Makes the plan of a schedule anew: from what it says now, and from how far it came. */
	#replan(name: string): void {
		const { index, log } = this.#options;
		const stored = index.schedules.records.get(name)?.value;
		const before = this.#plans.get(name);
		this.#plans.delete(name);
		if (!stored) return;
		// What this centre has seen once, the broker cannot take back.
		index.scheduleTrust.problemOf(stored, this.#options.serverNow());
		const known = before
			? { value: before.progress, revision: before.revision }
			: index.schedules.progress.get(name);
		try {
			const plan = planOf(stored, known);
			if (!plan) return;
			plan.aimAt(nodesOf(plan.schedule.target, this.#options.index.serving));
			plan.advance(plan.through, {});
			this.#plans.set(name, plan);
		} catch (error) {
			log.error({ schedule: name, err: messageOf(error) }, 'a schedule cannot be read: it does not fire');
		}
	}
}
