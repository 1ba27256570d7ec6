/**
 * Owns claiming a command, and what follows from the claim that holds: whether its turn goes on here, and with which attempt.
 * Promises that nothing is claimed on a delivery whose message may be gone, because the centre closes, sweeps and forgets
 * commands while a node is away; and nothing is touched that somebody else may be running.
 * After a crash the next delivery finds the claim, and is judged by it again.
 */

import { isStewardError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatHandle } from '../../domain/names.ts';
import type { FaultRecord } from '../../domain/result.ts';
import type { Claim, NodeClaim } from '../../domain/wire.ts';
import type { ErrorReporter } from '../error-reporter.ts';
import type { Identity } from '../node-identity.ts';
import type { ServerTime } from '../server-time.ts';
import { openAttempt } from './attempt-list.ts';
import type { NextClaim } from './claim-writer.ts';
import type { HeldDeliveries } from './held-deliveries.ts';
import type { Policy } from './policy.ts';
import type { Settlement } from './settlement.ts';
import type { Turn } from './turn.ts';

/** What a step decided: go on with this attempt, or the turn is over. */
export type Step = { readonly go: number } | 'over';

/** What is to be claimed, once its moment has come. */
type Intent = { readonly event: NodeClaim['event']; readonly fault?: FaultRecord };

/** Writes a claim, or learns whose it is; undefined when there is no certain answer. */
type WriteClaim = (id: string, next: NextClaim, stopping: AbortSignal) => Promise<Claim | undefined>;

export type ClaimantOptions = {
	identity: Identity;
	/** The processes of the node that worked with this journal. */
	boots: { has(boot: string): boolean };
	settlement: Settlement;
	held: Pick<HeldDeliveries, 'giveBack'>;
	serverTime: ServerTime;
	writeClaim: WriteClaim;
	/** Ends what a command left running of which nothing was written down, or what was is lost. */
	endLeftovers: (id: string) => Promise<void>;
	/** Nobody else has used this node's name for long. */
	isAlone: () => boolean;
	/** Called when another machine uses this node's name. */
	onNameUsedTwice: (machine: string) => void;
	errors: ErrorReporter;
	log: Log;
};

export class Claimant {
	readonly #options: ClaimantOptions;

	constructor(options: ClaimantOptions) {
		this.#options = options;
	}

	/** Writes a claim, and follows the one that holds. */
	async claim(turn: Turn, intent: Intent, policy: Policy, stopping: AbortSignal): Promise<Step> {
		const { identity, settlement, log } = this.#options;
		if (turn.isLocal) return this.#decideAlone(turn, intent);
		const handle = formatHandle(turn.command);
		const claim = await this.#write(turn, intent, policy, stopping);
		if (claim === 'unreadable') {
			await settlement.acknowledge(turn);
			return 'over';
		}
		if (!claim) return this.#leaveToNext(turn, stopping);
		if (claim.by === 'centre' || claim.event !== 'started') {
			log.info({ handle, event: claim.event }, 'closed before it started here');
			await settlement.acknowledge(turn);
			return 'over';
		}
		// That the command is still there, only a fresh delivery says; the next one finds this claim.
		if (!turn.isFresh) return this.#leaveToNext(turn, stopping);
		const isOwnEpoch = claim.epoch === identity.epoch;
		// Claimed by this journal and not in it: it certainly never ran.
		const isHere = claim.machine === identity.machine;
		if (isOwnEpoch && isHere && this.#options.boots.has(claim.boot)) return { go: 1 };
		if (isOwnEpoch || !isHere) return this.#afterOther(turn, claim, policy);
		// What it started may still run: nothing else knows of it.
		await this.#options.endLeftovers(turn.id);
		const why = 'the node lost its store after it claimed the command';
		return settlement.afterInterruption(turn, [openAttempt(1, claim.at)], policy, why);
	}

	/** Nobody else may start what this node made itself, so nobody is asked. */
	async #decideAlone(turn: Turn, intent: Intent): Promise<Step> {
		const { settlement, serverTime } = this.#options;
		const event = intent.event === 'started' && hasExpired(turn, serverTime) ? 'expired' : intent.event;
		if (event === 'started') return { go: 1 };
		await settlement.settle(turn, { event, attempts: [], result: null, fault: intent.fault ?? null });
		return 'over';
	}

	/**
	 * Another machine, or a copy of this one's store, claimed the command. While it may be alive, nothing is touched;
	 * when it is gone, nobody knows how far it came.
	 */
	async #afterOther(turn: Turn, { machine, at }: NodeClaim, policy: Policy): Promise<Step> {
		const { settlement } = this.#options;
		if (!this.mayTakeFrom(turn, machine)) return 'over';
		const why = `machine ${machine} claimed it under this node's name, and is gone`;
		return settlement.afterInterruption(turn, [openAttempt(1, at)], policy, why);
	}

	/** Whether the machine that had it is gone: while it may be alive, nothing of it is touched. */
	mayTakeFrom({ command }: Turn, machine: string): boolean {
		const { identity, log, isAlone, onNameUsedTwice } = this.#options;
		const handle = formatHandle(command);
		if (isAlone()) {
			log.warn({ handle, machine }, 'taken from a machine that is gone');
			return true;
		}
		log.error({ handle, machine }, `another machine is using the name ${identity.node}`);
		onNameUsedTwice(machine);
		return false;
	}

	/** The claim that holds; undefined when none is certain. */
	async #write(
		turn: Turn,
		intent: Intent,
		policy: Policy,
		stopping: AbortSignal,
	): Promise<Claim | 'unreadable' | undefined> {
		const { writeClaim, errors } = this.#options;
		try {
			return await writeClaim(turn.id, () => this.#nextClaim(turn, intent, policy, stopping), stopping);
		} catch (error) {
			if (!isStewardError(error, 'schema-newer')) throw error;
			const message = `closed by something newer: ${messageOf(error)}`;
			errors.report({ kind: 'undecodable', where: 'claim', message, handle: formatHandle(turn.command) });
			return 'unreadable';
		}
	}

	/** What is to be claimed now; nothing when the delivery is not fresh: the message may be gone, its claim as well. */
	async #nextClaim(
		turn: Turn,
		intent: Intent,
		policy: Policy,
		stopping: AbortSignal,
	): Promise<NodeClaim | undefined> {
		const { identity, serverTime } = this.#options;
		await serverTime.known(stopping);
		if (stopping.aborted || !turn.isFresh) return undefined;
		const { event, fault } = intent;
		return {
			v: 1,
			by: 'node',
			epoch: identity.epoch,
			boot: identity.boot,
			machine: identity.machine,
			event: event === 'started' && hasExpired(turn, serverTime) ? 'expired' : event,
			at: serverTime.now(),
			// The centre does not know what the method says of itself, and has to know when it is lost.
			facts: { ...turn.command.facts, runForMs: policy.runForMs },
			...(fault ? { fault } : {}),
		};
	}

	/** If the message still exists, it is delivered again. */
	#leaveToNext(turn: Turn, stopping: AbortSignal): 'over' {
		if (stopping.aborted) turn.nak();
		else this.#options.held.giveBack(turn.delivery);
		const handle = formatHandle(turn.command);
		this.#options.log.info({ handle }, 'the link was away, or time was: left to the next delivery');
		return 'over';
	}
}

/** Its deadline has passed, in server time. */
export function hasExpired({ command }: Turn, serverTime: ServerTime): boolean {
	const { queuedAt, deliverWithinMs } = command.facts;
	return deliverWithinMs !== null && serverTime.now() > queuedAt + deliverWithinMs;
}
