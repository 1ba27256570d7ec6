/**
 * Owns one round of firing: what is due of a plan is resolved, queued, and only then does it take the place of what it supersedes; last
 * its progress is written down. Promises that no schedule keeps another from firing, and that a step which fails is done again.
 * A crash between two steps leaves the progress as it was: the same round again finds what was queued, and closes what is left.
 */

import { isStewardError, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type Closing, closeCommand } from '../client/close.ts';
import type { Envelope } from '../domain/envelope.ts';
import { formatHandle } from '../domain/names.ts';
import { laneOfMethod } from '../domain/node-state.ts';
import { refusalOf } from '../domain/standing.ts';
import { tickEnvelope, tickId } from '../domain/ticks.ts';
import type { Schedules } from '../jetstream/schedules.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';
import type { CentreIndex } from './index.ts';
import { type Resolved, resolveOverlap } from './overlap.ts';
import type { NodeDecision, SchedulePlan } from './schedule-plan.ts';
import type { TickWriter, Written } from './tick-writer.ts';

/** What could not be done is tried again after this time. */
export const retryMs = 1000;
/** Commands that are closed at once: each body is read. */
const closedAtOnce = 64;

export type TickRoundOptions = Closing & {
	readonly index: Pick<CentreIndex, 'schedules' | 'nodes' | 'serving' | 'standings' | 'presence' | 'ledger'>;
	readonly schedules: Pick<Schedules, 'writeProgress' | 'readProgress'>;
	readonly writer: Pick<TickWriter, 'write'>;
	/** Whether this centre still leads, for certain. */
	readonly mayFire: () => boolean;
	readonly log: Log;
};

/** What a round did: ticks for nodes. */
export type Fired = { readonly fired: number; readonly missed: number; readonly skipped: number };

/** A tick that fires for a node now. */
type Firing = { readonly plan: SchedulePlan; readonly node: string; readonly tick: number };

/** What is to be done for one schedule. */
export type Round = {
	readonly plan: SchedulePlan;
	readonly now: number;
	readonly firing: readonly Firing[];
	readonly missed: number;
	readonly skipped: number;
	/** Commands that one of the firing takes the place of. */
	readonly superseded: readonly { readonly command: StoredCommand; readonly by: string }[];
};

export const nothing: Fired = { fired: 0, missed: 0, skipped: 0 };

export class TickRounds {
	readonly #options: TickRoundOptions;

	constructor(options: TickRoundOptions) {
		this.#options = options;
	}

	/** What is due of a plan, and what that means for what is open. */
	decide(plan: SchedulePlan, now: number): Round {
		const firing: Firing[] = [];
		const superseded: { command: StoredCommand; by: string }[] = [];
		let [missed, skipped] = [0, 0];
		for (const decision of plan.decide(now)) {
			const { node } = decision;
			const { fire, replaced } = this.#resolve(plan, decision);
			missed += decision.missed;
			skipped += decision.fire.length - fire.length;
			for (const tick of fire) firing.push({ plan, node, tick });
			if (replaced.length === 0) continue;
			const by = formatHandle({ node, id: tickId(plan.record.name, node, fire.at(-1) ?? 0) });
			for (const command of replaced) superseded.push({ command, by });
		}
		return { plan, now, firing, missed, skipped, superseded };
	}

	/** Does what was decided, for all of them together. */
	async fire(rounds: readonly Round[]): Promise<Fired> {
		const firing = rounds.flatMap((round) => round.firing);
		const written = await this.#options.writer.write(
			firing.map((one) => ({ node: one.node, make: () => this.#envelopeOf(one) })),
		);
		let from = 0;
		const ends = rounds.map((round) => {
			const own = written.slice(from, from + round.firing.length);
			from += own.length;
			return this.#finish(round, own);
		});
		return (await Promise.all(ends)).reduce(added, nothing);
	}

	#resolve({ record, schedule }: SchedulePlan, { node, fire }: NodeDecision): Resolved {
		const { index } = this.#options;
		const { overlap, message } = schedule;
		const standing = index.standings.get(node);
		const refusal = standing && fire.length > 0 && refusalOf(node, standing, { kind: 'command' });
		// One that takes the place of another makes no queue longer.
		if (refusal && (standing.decommissioned || overlap !== 'replace')) {
			this.#options.log.warn({ schedule: record.name, node, err: refusal.message }, 'ticks are left out');
			return { fire: [], replaced: [] };
		}
		const isAbsent = index.presence.get(node)?.gone !== false;
		if (message.whenAbsent !== 'queue' && isAbsent) return { fire: [], replaced: [] };
		const open = index.schedules.openCommands(record.name, node);
		const isInLedger = (handle: string) => index.ledger.has(handle);
		return resolveOverlap({ name: record.name, node, overlap, fire, open, isInLedger });
	}

	/** Closes what nobody has started. @throws PublishError where that is not certain now */
	async #supersede({ plan, superseded }: Round): Promise<void> {
		const actor = `schedule ${plan.record.name}`;
		for (let from = 0; from < superseded.length; from += closedAtOnce) {
			if (!this.#options.mayFire()) throw new Error('this centre does not lead any more');
			const some = superseded.slice(from, from + closedAtOnce).map(async ({ command, by }) => {
				const why = { event: 'cancelled', reason: `superseded by ${by}`, actor } as const;
				try {
					// Started by its node in this moment: then it is left to run.
					await closeCommand(this.#options, command, why);
				} catch (error) {
					// Claimed by something newer: it is started, or closed.
					if (!isStewardError(error, 'schema-newer')) throw error;
				}
			});
			await Promise.all(some);
		}
	}

	#envelopeOf({ plan: { schedule, record }, node, tick }: Firing): Envelope {
		const state = this.#options.index.nodes.get(node)?.state;
		const methodLane = state && laneOfMethod(state, schedule.message.method);
		return tickEnvelope(schedule, { node, tick, version: record.version, methodLane });
	}

	/** What this round took the place of goes, and how far it came is written down; else all of it is done again. */
	async #finish(round: Round, written: readonly Written[]): Promise<Fired> {
		const { serverNow, log } = this.#options;
		const { plan } = round;
		const { name } = plan.record;
		try {
			const failed = written.find(({ outcome }) => outcome === 'failed');
			if (failed && 'error' in failed) throw failed.error;
			await this.#supersede(round);
		} catch (error) {
			log.warn({ schedule: name, err: messageOf(error) }, 'ticks could not be fired; again soon');
			plan.nextDue = serverNow() + retryMs;
			return nothing;
		}
		const done = this.#count(round, written);
		await this.save(plan);
		return done;
	}

	#count({ plan, now, firing, missed, skipped }: Round, written: readonly Written[]): Fired {
		const { log } = this.#options;
		const { name } = plan.record;
		let refused = 0;
		for (const [place, one] of written.entries()) {
			if (one.outcome !== 'refused') continue;
			refused += 1;
			const tick = `${firing[place]?.node} ${firing[place]?.tick}`;
			log.error(
				{ schedule: name, tick, err: messageOf('error' in one ? one.error : one) },
				'a tick is refused',
			);
		}
		const { progress } = plan;
		const done = { fired: firing.length - refused, missed: missed + refused, skipped };
		const last = firing.reduce<number | null>(
			(latest, { tick }) => Math.max(latest ?? 0, tick),
			progress.last,
		);
		plan.advance(now, { last, ...added(progress, done) });
		return done;
	}

	/** Writes its progress down. Another leader may have come further: what that has written counts. */
	async save(plan: SchedulePlan): Promise<void> {
		const { schedules, serverNow, log } = this.#options;
		const { name } = plan.record;
		try {
			const revision = await schedules.writeProgress(name, plan.progress, plan.revision);
			plan.isSaved = true;
			if (revision !== undefined) {
				plan.revision = revision;
				return;
			}
			const stored = await schedules.readProgress(name);
			log.warn({ schedule: name }, 'another centre has fired ticks of it: going on from there');
			plan.revision = stored.revision;
			plan.progress = stored.value ?? plan.progress;
			plan.advance(plan.through, {});
		} catch (error) {
			log.warn(
				{ schedule: name, err: messageOf(error) },
				'what was fired is not written down yet; again soon',
			);
			plan.isSaved = false;
			plan.nextDue = Math.min(plan.nextDue, serverNow() + retryMs);
		}
	}
}

export function added(one: Fired, other: Fired): Fired {
	return {
		fired: one.fired + other.fired,
		missed: one.missed + other.missed,
		skipped: one.skipped + other.skipped,
	};
}
