/**
 * Owns the way of a command on the node, up to its start: decode, recall, deadline, guard, claim; the run is handed on.
 * Promises that each step is total and that the ack comes last. Whatever step a crash interrupts, the next delivery
 * finds journal and claim, and goes on from there without a second start that policy does not allow.
 */

import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ProcessIdentity } from '../../base/process.ts';
import { commandDefaults, type Envelope } from '../../domain/message.ts';
import { formatHandle } from '../../domain/names.ts';
import type { FaultRecord } from '../../domain/result.ts';
import type { Claim, NodeClaim } from '../../domain/wire.ts';
import { readEnvelope, readStoredCommand } from '../../jetstream/commands.ts';
import type { Delivery } from '../../jetstream/pull.ts';
import type { ErrorReporter } from '../error-reporter.ts';
import type { KnownMethod, MethodsTable } from '../methods-table.ts';
import type { Identity } from '../node-identity.ts';
import { ProcessPaused } from '../processes/method.ts';
import type { ServerTime } from '../server-time.ts';
import type { Journal, JournalEntry } from '../store/journal.ts';
import { openAttempt } from './attempt-list.ts';
import type { Executor, Policy } from './executor.ts';
import { Turn } from './turn.ts';

/** Writes a claim, or learns whose it is; undefined when the node stops first. */
type WriteClaim = (id: string, claim: NodeClaim, stopping: AbortSignal) => Promise<Claim | undefined>;

export type CommandPipelineOptions = {
	identity: Identity;
	journal: Journal;
	methods: MethodsTable;
	executor: Executor;
	serverTime: ServerTime;
	writeClaim: WriteClaim;
	/** Ends what a run of this command left behind; `child` leads its group, null where nobody wrote it down. */
	endLeftovers: (id: string, child: ProcessIdentity | null) => Promise<void>;
	errors: ErrorReporter;
	/** Called when another machine uses this node's name. */
	onNameUsedTwice: (machine: string) => void;
	clock: Clock;
	log: Log;
};

/** A command whose method's process is paused comes again after this time. */
const notNowMs = 10_000;

/** What a step decided: go on with this attempt, or the turn is over. */
type Step = { readonly go: number } | 'over';

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

	/** Resolves when the turn is over; a delivery of a command whose turn goes on is adopted by it. */
	async handle(delivery: Delivery, holdsSlot: boolean, stopping: AbortSignal): Promise<void> {
		const command = readStoredCommand(delivery);
		if (!command) return delivery.term('not a command of steward');
		const current = this.#turns.get(command.id);
		if (current) {
			this.#options.log.info({ handle: formatHandle(command) }, 'delivered again while it runs: adopted');
			return current.adopt(delivery);
		}
		const turn = new Turn(command, delivery, this.#options.clock);
		this.#turns.set(turn.id, turn);
		try {
			await this.#process(turn, holdsSlot, stopping);
		} finally {
			turn.end();
			this.#turns.delete(turn.id);
		}
	}

	async #process(turn: Turn, holdsSlot: boolean, stopping: AbortSignal): Promise<void> {
		const { command } = turn;
		const envelope = readEnvelope(command, turn.data);
		if (!envelope) {
			const fault = { code: 'undecodable', message: 'the envelope cannot be decoded' };
			await this.#refuse(turn, commandDefaults, stopping, fault);
			return;
		}
		const method = this.#options.methods.find(envelope.method, 'command');
		const policy = policyOf(envelope, method);
		const step =
			(await this.#recall(turn, policy)) ?? (await this.#begin(turn, envelope, method, policy, stopping));
		if (step === 'over') return;
		if (!method) return this.#finishUnknown(turn, envelope);
		if (stopping.aborted) return turn.nak();
		await this.#options.executor.run(turn, envelope, method, policy, step.go, { holdsSlot, stopping });
	}

	/** The journal's word: undefined when it does not know the command. */
	async #recall(turn: Turn, policy: Policy): Promise<Step | undefined> {
		const { journal, executor } = this.#options;
		const entry = journal.get(turn.id);
		if (!entry) return undefined;
		switch (entry.state) {
			case 'finished':
				await journal.reportAgain(entry);
				await executor.acknowledge(turn);
				return 'over';
			case 'retrying':
				return { go: entry.attempts.length + 1 };
			case 'started':
				return this.#afterDeath(turn, entry, policy);
		}
	}

	/** The node died while the method ran: it may have done its work, or half of it. */
	async #afterDeath(turn: Turn, entry: JournalEntry, policy: Policy): Promise<Step> {
		await this.#options.endLeftovers(turn.id, entry.child);
		return this.#options.executor.afterInterruption(
			turn,
			entry.attempts,
			policy,
			'the node died while it ran',
		);
	}

	/** A command that the journal does not know: deadline, guard, claim. */
	async #begin(
		turn: Turn,
		envelope: Envelope,
		method: KnownMethod | undefined,
		policy: Policy,
		stopping: AbortSignal,
	): Promise<Step> {
		const { serverTime } = this.#options;
		const { queuedAt, deliverWithinMs } = turn.command.facts;
		if (deliverWithinMs !== null) {
			await serverTime.known(stopping);
			if (stopping.aborted) return this.#handBack(turn);
			if (serverTime.now() > queuedAt + deliverWithinMs)
				return this.#claim(turn, 'expired', policy, stopping);
		}
		const refusal = await this.#guard(envelope, method);
		if (refusal === 'notNow') return this.#handBack(turn, notNowMs);
		if (refusal) return this.#refuse(turn, policy, stopping, refusal);
		return this.#claim(turn, 'started', policy, stopping);
	}

	/** Why the command may not run here, if so; `notNow` while the method's process is down for longer. */
	async #guard(
		envelope: Envelope,
		method: KnownMethod | undefined,
	): Promise<FaultRecord | 'notNow' | undefined> {
		const { methods } = this.#options;
		if (!method) return { code: 'unknownMethod', message: methods.whyUnknown(envelope.method, 'command') };
		try {
			const problems = await method.process.check(envelope.method, envelope.data);
			if (problems.length === 0) return undefined;
			return { code: 'badData', message: `data does not fit ${envelope.method}: ${problems.join('; ')}` };
		} catch (error) {
			if (error instanceof ProcessPaused) return 'notNow';
			return {
				code: 'badData',
				message: `data could not be checked by ${envelope.method}: ${messageOf(error)}`,
			};
		}
	}

	async #refuse(turn: Turn, policy: Policy, stopping: AbortSignal, fault: FaultRecord): Promise<Step> {
		const kind = fault.code === 'undecodable' || fault.code === 'unknownMethod' ? fault.code : 'badData';
		const step = await this.#claim(turn, 'refused', policy, stopping, fault);
		const where = turn.command.method;
		this.#options.errors.report({ kind, where, message: fault.message, handle: formatHandle(turn.command) });
		if (step === 'over') return 'over';
		// Claimed as started before a crash, and not to be run as it is now.
		await this.#options.executor.reject(turn, fault);
		return 'over';
	}

	/** A method that was there for the first attempt is gone for the next: the command cannot go on. */
	async #finishUnknown(turn: Turn, envelope: Envelope): Promise<void> {
		const message = this.#options.methods.whyUnknown(envelope.method, 'command');
		await this.#options.executor.reject(turn, { code: 'unknownMethod', message });
	}

	/** Writes a claim, and follows the one that holds. */
	async #claim(
		turn: Turn,
		event: NodeClaim['event'],
		policy: Policy,
		stopping: AbortSignal,
		fault?: FaultRecord,
	): Promise<Step> {
		const { identity, executor, log, onNameUsedTwice } = this.#options;
		const handle = formatHandle(turn.command);
		const claim = await this.#write(turn, event, stopping, fault);
		if (!claim) return this.#handBack(turn);
		if (claim.by === 'centre' || claim.event !== 'started') {
			log.info({ handle, event: claim.event }, 'closed before it started here');
			await executor.acknowledge(turn);
			return 'over';
		}
		// Claimed by this journal and not in it: it certainly never ran.
		if (claim.epoch === identity.epoch) return { go: 1 };
		if (claim.machine !== identity.machine) {
			log.error({ handle, machine: claim.machine }, `another machine is using the name ${identity.node}`);
			onNameUsedTwice(claim.machine);
			return 'over';
		}
		return executor.afterInterruption(
			turn,
			[openAttempt(1, claim.at)],
			policy,
			'the node lost its store after it claimed the command',
		);
	}

	/** The claim that holds; undefined when the node stops first. */
	#write(
		turn: Turn,
		event: NodeClaim['event'],
		stopping: AbortSignal,
		fault?: FaultRecord,
	): Promise<Claim | undefined> {
		const { identity, serverTime, writeClaim } = this.#options;
		const claim: NodeClaim = {
			v: 1,
			by: 'node',
			epoch: identity.epoch,
			boot: identity.boot,
			machine: identity.machine,
			event,
			at: serverTime.now(),
			facts: turn.command.facts,
			...(fault ? { fault } : {}),
		};
		return writeClaim(turn.id, claim, stopping);
	}

	#handBack(turn: Turn, delayMs?: number): 'over' {
		turn.nak(delayMs);
		return 'over';
	}
}

function policyOf(envelope: Envelope, method: KnownMethod | undefined): Policy {
	const defaults = method?.description.defaults ?? {};
	return {
		runForMs: envelope.runForMs ?? defaults.runForMs ?? commandDefaults.runForMs,
		attempts: envelope.attempts ?? defaults.attempts ?? commandDefaults.attempts,
		backoff: envelope.backoff ?? defaults.backoff ?? commandDefaults.backoff,
		onInterrupt: envelope.onInterrupt ?? defaults.onInterrupt ?? commandDefaults.onInterrupt,
	};
}
