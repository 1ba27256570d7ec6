/**
 * Owns firing the ticks of schedules whose place is the centre: what is due is decided, queued, and written down as done.
 * Promises that each tick fires once for each node, in whatever order leaders come and go: its command's id is its own, what was
 * closed or queued before a crash is found again, and how far a schedule has come is written last, by compare-and-set.
 * A crash leaves the last progress, and the next leader decides from there.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import type { Envelope } from '../domain/envelope.ts';
import { formatHandle } from '../domain/names.ts';
import { laneOfMethod, matchesLabels } from '../domain/node-state.ts';
import type { Schedule } from '../domain/schedule.ts';
import { tickEnvelope, tickId } from '../domain/ticks.ts';
import type { StoredCommand } from '../jetstream/commands.ts';
import type { Schedules } from '../jetstream/schedules.ts';
import { type Closing, closeCommand } from './close.ts';
import type { CentreIndex } from './index.ts';
import { type Resolved, resolveOverlap } from './overlap.ts';
import { type NodeDecision, planOf, type SchedulePlan } from './schedule-plan.ts';
import type { TickWriter, Written } from './tick-writer.ts';

/** Longest sleep; a change wakes it. */
const lookAgainMs = 1000;
/** What could not be done is tried again after this time. */
const retryMs = 1000;
/** Plans that are made before others have their turn. */
const replannedAtOnce = 1000;
/** Of an index that is being built. */
const notReadyMs = 50;

export type SchedulerOptions = Closing & {
	index: Pick<CentreIndex, 'isComplete' | 'schedules' | 'nodes' | 'presence' | 'ledger'>;
	schedules: Pick<Schedules, 'writeProgress' | 'readProgress'>;
	writer: Pick<TickWriter, 'write'>;
	/** Whether this centre still leads, for certain. */
	mayFire: () => boolean;
	clock: Clock;
	log: Log;
};

/** What one round did: ticks for nodes. */
export type Fired = { readonly fired: number; readonly missed: number; readonly skipped: number };

/** A tick that fires for a node now. */
type Firing = { readonly plan: SchedulePlan; readonly node: string; readonly tick: number };
/** What a round is to do for one schedule. */
type Round = {
	readonly plan: SchedulePlan;
	readonly now: number;
	readonly firing: readonly Firing[];
	readonly missed: number;
	readonly skipped: number;
	/** Commands that one of the firing takes the place of. */
	readonly superseded: readonly { readonly command: StoredCommand; readonly by: string }[];
};

export class Scheduler implements Service {
	readonly name = 'scheduler';
	readonly #options: SchedulerOptions;
	readonly #lifecycle: Lifecycle;
	readonly #plans = new Map<string, SchedulePlan>();
	/** Schedules whose record is new or another. */
	readonly #changed = new Set<string>();
	#stopping = new AbortController();
	#wake: () => void = () => undefined;
	#off: () => void = () => undefined;
	#loop: Promise<void> = Promise.resolve();

	constructor(options: SchedulerOptions) {
		this.#options = options;
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
		const { schedules } = this.#options.index;
		this.#off();
		this.#plans.clear();
		for (const name of schedules.records.keys()) this.#changed.add(name);
		this.#off = schedules.onChange((name) => {
			this.#changed.add(name);
			this.#wake();
		});
	}

	/** When there is something to do next, server time; infinite where there is nothing. */
	get nextDue(): number {
		let next = Number.POSITIVE_INFINITY;
		for (const { nextDue } of this.#plans.values()) next = Math.min(next, nextDue);
		return next;
	}

	/** Decides and fires what is due. */
	async runOnce(): Promise<Fired> {
		const { serverNow } = this.#options;
		const done = { fired: 0, missed: 0, skipped: 0 };
		if (!this.#isReady) return done;
		for (const name of [...this.#changed].slice(0, replannedAtOnce)) {
			this.#changed.delete(name);
			this.#replan(name);
		}
		const now = serverNow();
		const due = [...this.#plans.values()].filter(({ nextDue }) => nextDue <= now);
		if (due.length === 0) return done;
		const rounds = due.map((plan) => this.#roundOf(plan, now));
		const closed = await Promise.all(rounds.map((round) => this.#supersede(round)));
		const ready = rounds.filter((_, place) => closed[place]);
		const firing = ready.flatMap((round) => round.firing);
		const written = await this.#options.writer.write(
			firing.map((one) => ({ node: one.node, make: () => this.#envelopeOf(one) })),
		);
		let from = 0;
		const ends = ready.map((round) => {
			const own = written.slice(from, from + round.firing.length);
			from += own.length;
			return this.#finish(round, own);
		});
		for (const { fired, missed, skipped } of await Promise.all(ends)) {
			done.fired += fired;
			done.missed += missed;
			done.skipped += skipped;
		}
		return done;
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
		const known = before
			? { value: before.progress, revision: before.revision }
			: index.schedules.progress.get(name);
		try {
			const plan = planOf(stored, known);
			if (!plan) return;
			plan.aimAt(this.#targetsOf(plan.schedule));
			plan.advance(plan.through, {});
			this.#plans.set(name, plan);
		} catch (error) {
			log.error({ schedule: name, err: messageOf(error) }, 'a schedule cannot be read: it does not fire');
		}
	}

	#targetsOf({ target }: Schedule): readonly string[] {
		if ('nodes' in target) return target.nodes;
		return [...this.#options.index.nodes]
			.filter(([, { state }]) => matchesLabels(target.where, state.labels))
			.map(([node]) => node);
	}

	#roundOf(plan: SchedulePlan, now: number): Round {
		if ('where' in plan.schedule.target) plan.aimAt(this.#targetsOf(plan.schedule));
		const decisions = plan.decide(now);
		const firing: Firing[] = [];
		const superseded: { command: StoredCommand; by: string }[] = [];
		let [missed, skipped] = [0, 0];
		for (const decision of decisions) {
			const { fire, replaced } = this.#resolve(plan, decision);
			missed += decision.missed;
			skipped += decision.fire.length - fire.length;
			firing.push(...fire.map((tick) => ({ plan, node: decision.node, tick })));
			if (replaced.length === 0) continue;
			const id = tickId(plan.record.name, decision.node, fire.at(-1) ?? 0);
			const by = formatHandle({ node: decision.node, id });
			superseded.push(...replaced.map((command) => ({ command, by })));
		}
		return { plan, now, firing, missed, skipped, superseded };
	}

	#resolve({ record, schedule }: SchedulePlan, { node, fire }: NodeDecision): Resolved {
		const { index } = this.#options;
		const { overlap, message } = schedule;
		const isAbsent = index.presence.get(node)?.gone !== false;
		if (message.whenAbsent !== 'queue' && isAbsent) return { fire: [], replaced: [] };
		const open = index.schedules.openCommands(record.name, node);
		const isInLedger = (handle: string) => index.ledger.has(handle);
		return resolveOverlap({ name: record.name, node, overlap, fire, open, isInLedger });
	}

	/** Closes what nobody has started; false where that is not certain now. */
	async #supersede({ plan, superseded }: Round): Promise<boolean> {
		const { serverNow, log } = this.#options;
		const actor = `schedule ${plan.record.name}`;
		try {
			await Promise.all(
				superseded.map(({ command, by }) => {
					const why = { event: 'cancelled', reason: `superseded by ${by}`, actor } as const;
					// Started by its node in this moment: then it is left to run.
					return closeCommand(this.#options, command, why);
				}),
			);
			return true;
		} catch (error) {
			log.warn(
				{ schedule: plan.record.name, err: messageOf(error) },
				'a tick waits: the one before could not be closed',
			);
			plan.nextDue = serverNow() + retryMs;
			return false;
		}
	}

	#envelopeOf({ plan: { schedule, record }, node, tick }: Firing): Envelope {
		const state = this.#options.index.nodes.get(node)?.state;
		const methodLane = state && laneOfMethod(state, schedule.message.method);
		return tickEnvelope(schedule, { node, tick, version: record.version, methodLane });
	}

	/** Writes down how far it came, where all of it is done. */
	async #finish({ plan, now, firing, missed, skipped }: Round, written: readonly Written[]): Promise<Fired> {
		const { serverNow, log } = this.#options;
		const { name } = plan.record;
		const failed = written.find(({ outcome }) => outcome === 'failed');
		if (failed && 'error' in failed) {
			log.warn({ schedule: name, err: messageOf(failed.error) }, 'ticks could not be queued; again soon');
			plan.nextDue = serverNow() + retryMs;
			return { fired: 0, missed: 0, skipped: 0 };
		}
		for (const [place, one] of written.entries()) {
			if (one.outcome !== 'refused') continue;
			const handle = `${firing[place]?.node} ${firing[place]?.tick}`;
			log.error(
				{ schedule: name, tick: handle, err: messageOf('error' in one ? one.error : one) },
				'a tick is refused',
			);
		}
		const refused = written.filter(({ outcome }) => outcome === 'refused').length;
		const fired = firing.length - refused;
		const { progress } = plan;
		const last = firing.reduce<number | null>(
			(latest, { tick }) => Math.max(latest ?? 0, tick),
			progress.last,
		);
		plan.advance(now, {
			last,
			fired: progress.fired + fired,
			missed: progress.missed + missed + refused,
			skipped: progress.skipped + skipped,
		});
		await this.#keep(plan);
		return { fired, missed: missed + refused, skipped };
	}

	/** Another leader may have come further: what it has written counts. */
	async #keep(plan: SchedulePlan): Promise<void> {
		const { schedules, log } = this.#options;
		const { name } = plan.record;
		const revision = await schedules.writeProgress(name, plan.progress, plan.revision);
		if (revision !== undefined) {
			plan.revision = revision;
			return;
		}
		const stored = await schedules.readProgress(name);
		log.warn({ schedule: name }, 'another centre has fired ticks of it: going on from there');
		plan.revision = stored.revision;
		plan.progress = stored.value ?? plan.progress;
		plan.advance(plan.through, {});
	}
}
