/**
 * Owns the way of a command on the node, up to its start: decode, recall, deadline, trust, data, claim; the run is handed on.
 * Promises that each step is total and that the ack comes last. Whatever step a crash interrupts, the next delivery
 * finds journal and claim, and goes on from there without a second start that policy does not allow.
 */

import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { ProcessIdentity } from '../../base/process.ts';
import type { Envelope } from '../../domain/envelope.ts';
import { formatHandle } from '../../domain/names.ts';
import { commandDefaults } from '../../domain/policy.ts';
import type { FaultRecord } from '../../domain/result.ts';
import { type Closed, type CommandFacts, isLocal, isSameTime } from '../../domain/wire.ts';
import type { Delivery } from '../../jetstream/pull.ts';
import { readEnvelope, readStoredCommand, type StoredCommand } from '../../jetstream/stored-command.ts';
import type { CalledOff } from '../control/control-methods.ts';
import type { Pauses } from '../control/pauses.ts';
import type { ErrorReporter } from '../error-reporter.ts';
import type { KnownMethod, MethodsTable } from '../methods-table.ts';
import type { Redaction } from '../output/redactor.ts';
import { boundedFault } from '../processes/outcome-bounds.ts';
import type { ServerTime } from '../server-time.ts';
import type { Cancellations } from '../store/cancellations.ts';
import type { Journal, JournalEntry } from '../store/journal.ts';
import type { Guard } from '../trust/guard.ts';
import { lastAttempt } from './attempt-list.ts';
import { type Claimant, hasExpired, type Step } from './claimant.ts';
import type { Executor } from './executor.ts';
import { type Policy, policyOf } from './policy.ts';
import { reportRefusal, whyUnfit } from './refusal.ts';
import { nodeDied, type Settlement } from './settlement.ts';
import { Turn } from './turn.ts';

export type CommandPipelineOptions = {
	journal: Journal;
	methods: MethodsTable;
	/** Those of the control lane, which has no others. */
	controls: MethodsTable;
	executor: Executor;
	settlement: Settlement;
	cancellations: Cancellations;
	pauses: Pauses;
	serverTime: ServerTime;
	claimant: Claimant;
	/** Whether it may be started at all. */
	guard: Guard;
	/** Ends what a run of this command left behind; `child` leads its group, null where nobody wrote it down. */
	endLeftovers: (id: string, child: ProcessIdentity | null) => Promise<void>;
	/** Takes secrets out of what a refusal quotes. */
	redaction: Pick<Redaction, 'fault'>;
	errors: ErrorReporter;
	/** Told of what was refused because of who sent it. */
	audit: Pick<ErrorReporter, 'report'>;
	clock: Clock;
	log: Log;
};

/** A command whose method's process is paused comes again after this time. */
const notNowMs = 10_000;
/** What has the id of a command that is at work here, and may be another command, comes again after this time. */
const afterwardsMs = 1000;

export class CommandPipeline {
	readonly #options: CommandPipelineOptions;
	readonly #turns = new Map<string, Turn>();

	constructor(options: CommandPipelineOptions) {
		this.#options = options;
	}

	/** Renews the leases of all turns, when the link is back. */
	renewLeases(): void {
		for (const turn of this.#turns.values()) turn.working();
	}

	/** No delivery that is here is fresh any more. */
	linkLost(): void {
		for (const turn of this.#turns.values()) turn.linkLost();
	}

	/** Resolves when the turn is over; a delivery of a command whose turn goes on is adopted by it. */
	async handle(delivery: Delivery, holdsSlot: boolean, stopping: AbortSignal): Promise<void> {
		const command = readStoredCommand(delivery);
		if (!command) {
			this.#options.log.warn(
				{ subject: delivery.subject.slice(0, 200) },
				'not a command of steward: left out',
			);
			return delivery.term('not a command of steward');
		}
		const current = this.#turns.get(command.id);
		if (current) return this.#meetAgain(current, command, delivery);
		const turn = new Turn(command, delivery, this.#options.clock);
		this.#turns.set(turn.id, turn);
		const calledOff = this.#options.cancellations.find(command);
		if (calledOff) turn.callOff(calledOff);
		try {
			await this.#process(turn, holdsSlot, stopping);
		} finally {
			turn.end();
			this.#turns.delete(turn.id);
		}
	}

	/** Its delivery is here. */
	isAtWork(id: string): boolean {
		return this.#turns.has(id);
	}

	/** Written down before it is acted on: what a crash or a lost link delays meets it later. @throws StewardError `storage` */
	async callOff(id: string, queuedAt: number, closed: Closed): Promise<CalledOff> {
		const { journal, cancellations, settlement } = this.#options;
		const isMeant = ({ facts }: { readonly facts: CommandFacts }) => isSameTime(facts.queuedAt, queuedAt);
		await cancellations.note(id, queuedAt, closed);
		const turn = this.#turns.get(id);
		if (turn && isMeant(turn.command)) {
			turn.callOff(closed);
			return 'aborting';
		}
		const entry = journal.get(id);
		if (turn || !entry || !isMeant(entry)) return 'noted';
		if (entry.state === 'finished') {
			cancellations.forget(id);
			return 'tooLate';
		}
		if (!journal.isOfThisMachine(entry)) return 'noted';
		if (entry.state === 'retrying') await settlement.cancelWaiting(entry, closed);
		else if (!journal.isLeft(entry)) return 'noted';
		else await settlement.interruptWaiting(entry);
		return 'cancelled';
	}

	/** A wish to call it off was written down: its turn, where there is one, learns of it before it starts anything more. */
	recallWish(id: string): void {
		const turn = this.#turns.get(id);
		const wish = turn && this.#options.cancellations.find(turn.command);
		if (wish) turn.callOff(wish);
	}

	/**
	 * The same message carries on the turn; a command that was sent anew is answered by the run of the first. The same tick, fired
	 * here and queued by the centre, is answered by the journal when the first of both has ended.
	 */
	#meetAgain(current: Turn, command: StoredCommand, delivery: Delivery): void {
		if (current.isLocal || isLocal(command.facts)) return delivery.nak(afterwardsMs);
		const isSameMessage = current.command.facts.seq === command.facts.seq;
		if (!isSameMessage && !this.#options.journal.find(command)) return delivery.nak(afterwardsMs);
		this.#options.log.info({ handle: formatHandle(command) }, 'delivered again while it runs: adopted');
		current.adopt(delivery);
	}

	async #process(turn: Turn, holdsSlot: boolean, stopping: AbortSignal): Promise<void> {
		const { command } = turn;
		const envelope = readEnvelope(command, turn.data);
		if (!envelope) {
			const fault = { code: 'undecodable', message: 'the envelope cannot be decoded' };
			await this.#refuse(turn, commandDefaults, stopping, fault);
			return;
		}
		const method = this.#methodsOf(envelope).find(envelope.method, 'command');
		const policy = policyOf(envelope, method);
		const recalled = await this.#recall(turn, policy, stopping);
		// What comes again is checked again: another body may stand in its place.
		const refusal = recalled && recalled !== 'over' && (await this.#mistrust(turn, envelope, true));
		if (refusal) return this.#refuseBegun(turn, refusal);
		const step = recalled ?? (await this.#begin(turn, envelope, method, policy, stopping));
		if (step === 'over') return;
		if (!method) return this.#finishUnknown(turn, envelope);
		if (stopping.aborted) return turn.nak();
		const mayGoOn = async () => {
			const fault = await this.#mistrust(turn, envelope, true);
			if (fault) await this.#refuseBegun(turn, fault);
			return !fault;
		};
		await this.#options.executor.run(turn, envelope, method, policy, step.go, {
			...{ holdsSlot, stopping, mayGoOn },
		});
	}

	#methodsOf({ lane }: Envelope): MethodsTable {
		return lane === 'control' ? this.#options.controls : this.#options.methods;
	}

	/** The journal's word: undefined when it does not know the command. */
	async #recall(turn: Turn, policy: Policy, stopping: AbortSignal): Promise<Step | undefined> {
		const { journal, settlement, serverTime, claimant } = this.#options;
		const entry = journal.find(turn.command);
		if (!entry) return this.#forgetOther(turn);
		if (entry.state === 'finished') {
			if (!(await journal.reportAgain(entry))) return this.#handBack(turn);
			await settlement.acknowledge(turn);
			return 'over';
		}
		// When an attempt is due, and when one ended, is said in server time.
		if (!turn.isLocal) await serverTime.known(stopping);
		if (stopping.aborted) return this.#handBack(turn);
		// A copy of this store may be about to start the same attempt.
		if (!journal.isOfThisMachine(entry) && !claimant.mayTakeFrom(turn, entry.machine ?? '')) return 'over';
		if (entry.state === 'retrying') return { go: lastAttempt(entry.attempts) + 1 };
		return this.#afterDeath(turn, entry, policy);
	}

	/** Another command had this id and ran here: what it left behind goes, and its entry is overwritten by the next start. */
	async #forgetOther(turn: Turn): Promise<undefined> {
		const other = this.#options.journal.get(turn.id);
		if (other && this.#options.journal.isLeft(other)) {
			await this.#options.endLeftovers(turn.id, other.child);
		}
		return undefined;
	}

	/** The node died while the method ran: it may have done its work, or half of it. */
	async #afterDeath(turn: Turn, entry: JournalEntry, policy: Policy): Promise<Step> {
		if (this.#options.journal.isOfThisMachine(entry)) {
			await this.#options.endLeftovers(turn.id, entry.child);
		}
		return this.#options.settlement.afterInterruption(turn, entry.attempts, policy, nodeDied);
	}

	/** A command that the journal does not know: deadline, trust, data, claim. */
	async #begin(
		turn: Turn,
		envelope: Envelope,
		method: KnownMethod | undefined,
		policy: Policy,
		stopping: AbortSignal,
	): Promise<Step> {
		const { serverTime, claimant, settlement } = this.#options;
		// Nobody but this node knows of it, so nobody else can close it while it is held back.
		if (turn.isLocal && turn.calledOff) return settlement.cancel(turn, turn.calledOff).then(() => 'over');
		if (turn.isLocal && hasExpired(turn, serverTime))
			return claimant.claim(turn, { event: 'expired' }, policy, stopping);
		// Unclaimed, it can still be cancelled for certain, and expires.
		if (this.#isHeld(turn, envelope)) return this.#handBack(turn);
		if (!turn.isLocal) await serverTime.known(stopping);
		if (stopping.aborted) return this.#handBack(turn);
		if (hasExpired(turn, serverTime)) return claimant.claim(turn, { event: 'expired' }, policy, stopping);
		const refusal =
			(await this.#mistrust(turn, envelope, false)) ??
			(await whyUnfit(this.#methodsOf(envelope), method, envelope));
		if (refusal === 'notNow') return this.#handBack(turn, notNowMs);
		if (refusal) return this.#refuse(turn, policy, stopping, refusal);
		// Paused while its data was checked.
		if (this.#isHeld(turn, envelope)) return this.#handBack(turn);
		return claimant.claim(turn, { event: 'started' }, policy, stopping);
	}

	#isHeld({ isLocal }: Turn, { lane, method }: Envelope): boolean {
		return this.#options.pauses.holds(lane, method, isLocal);
	}

	/** Why nobody is trusted with it here, if so. */
	async #mistrust(turn: Turn, envelope: Envelope, began: boolean): Promise<FaultRecord | undefined> {
		const { guard, serverTime } = this.#options;
		const answer = await guard(envelope, turn.command.facts, serverTime.now(), began);
		if (!answer.allowed) return answer.fault;
		turn.spends = answer.spends;
		return undefined;
	}

	async #refuse(turn: Turn, policy: Policy, stopping: AbortSignal, refusal: FaultRecord): Promise<Step> {
		const fault = boundedFault(this.#options.redaction.fault(refusal));
		const step = await this.#options.claimant.claim(turn, { event: 'refused', fault }, policy, stopping);
		reportRefusal(this.#options, turn.command, fault);
		if (step === 'over') return 'over';
		// Claimed as started before a crash, and not to be run as it is now.
		await this.#options.settlement.reject(turn, fault);
		return 'over';
	}

	/** Between two attempts it turned out that nobody is trusted with it: it goes on no more. */
	async #refuseBegun(turn: Turn, refusal: FaultRecord): Promise<void> {
		const fault = boundedFault(this.#options.redaction.fault(refusal));
		reportRefusal(this.#options, turn.command, fault);
		await this.#options.settlement.reject(turn, fault);
	}

	/** A method that was there for the first attempt is gone for the next: the command cannot go on. */
	async #finishUnknown(turn: Turn, envelope: Envelope): Promise<void> {
		const message = this.#methodsOf(envelope).whyUnknown(envelope.method, 'command');
		await this.#options.settlement.reject(turn, { code: 'unknownMethod', message });
	}

	#handBack(turn: Turn, delayMs?: number): 'over' {
		turn.nak(delayMs);
		return 'over';
	}
}
