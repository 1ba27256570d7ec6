/**
 * Owns the way of a command on the node, up to its start: decode, recall, deadline, guard, claim; the run is handed on.
 * Promises that each step is total and that the ack comes last. Whatever step a crash interrupts, the next delivery
 * finds journal and claim, and goes on from there without a second start that policy does not allow.
 */

import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { ProcessIdentity } from '../base/process.ts';
import { commandDefaults, type Envelope } from '../domain/message.ts';
import { formatHandle } from '../domain/names.ts';
import type { FaultRecord } from '../domain/result.ts';
import type { Claim, NodeClaim } from '../domain/wire.ts';
import { readEnvelope, readStoredCommand } from '../jetstream/commands.ts';
import type { Delivery } from '../jetstream/pull.ts';
import type { ErrorReporter } from './error-reporter.ts';
import type { Executor, Policy } from './executor.ts';
import type { Journal, JournalEntry } from './journal.ts';
import type { KnownMethod, MethodsTable } from './methods-table.ts';
import type { ServerTime } from './server-time.ts';
import { Turn } from './turn.ts';

export type Identity = {
	readonly node: string;
	readonly machine: string;
	/** This process of the node. */
	readonly boot: string;
	/** This journal: another epoch has never run what this one claimed. */
	readonly epoch: string;
};

/** Writes a claim, or learns whose it is; undefined when the node stops first. */
type WriteClaim = (id: string, claim: NodeClaim, stopping: AbortSignal) => Promise<Claim | undefined>;

export type CommandPipelineOptions = {
	identity: Identity;
	journal: Journal;
	methods: MethodsTable;
	executor: Executor;
	serverTime: ServerTime;
	writeClaim: WriteClaim;
	endGroup: (child: ProcessIdentity) => Promise<void>;
	errors: ErrorReporter;
	/** Called when another machine uses this node's name. */
	onNameUsedTwice: (machine: string) => void;
	clock: Clock;
	log: Log;
};

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
			return this.#refuse(turn, stopping, { code: 'undecodable', message: 'the envelope cannot be decoded' });
		}
		const method = this.#options.methods.find(envelope.method, 'command');
		const policy = policyOf(envelope, method);
		let step = await this.#recall(turn, policy);
		if (step === undefined) {
			if (!(await this.#checkDeadline(turn, stopping))) return;
			const refusal = await this.#guard(envelope, method);
			if (refusal) return this.#refuse(turn, stopping, refusal);
			step = await this.#claim(turn, policy, stopping);
		}
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
		if (entry.child) await this.#options.endGroup(entry.child);
		return this.#options.executor.afterInterruption(
			turn,
			entry.attempts,
			policy,
			'the node died while it ran',
		);
	}

	/** False when the deadline has passed and the turn is over. */
	async #checkDeadline(turn: Turn, stopping: AbortSignal): Promise<boolean> {
		const { serverTime } = this.#options;
		const { queuedAt, deliverWithinMs } = turn.command.facts;
		if (deliverWithinMs === null) return true;
		await serverTime.known(stopping);
		if (stopping.aborted) {
			turn.nak();
			return false;
		}
		if (serverTime.now() <= queuedAt + deliverWithinMs) return true;
		const claim = await this.#write(turn, 'expired', stopping);
		if (claim) await this.#options.executor.acknowledge(turn);
		return false;
	}

	/** Why the command may not run here, if so. */
	async #guard(envelope: Envelope, method: KnownMethod | undefined): Promise<FaultRecord | undefined> {
		const { methods } = this.#options;
		if (!method) return { code: 'unknownMethod', message: methods.whyUnknown(envelope.method, 'command') };
		const problems = await method.process.check(envelope.method, envelope.data);
		if (problems.length === 0) return undefined;
		return { code: 'badData', message: `data does not fit ${envelope.method}: ${problems.join('; ')}` };
	}

	async #refuse(turn: Turn, stopping: AbortSignal, fault: FaultRecord): Promise<void> {
		const { errors } = this.#options;
		const kind = fault.code === 'undecodable' || fault.code === 'unknownMethod' ? fault.code : 'badData';
		const claim = await this.#write(turn, 'refused', stopping, fault);
		if (!claim) return;
		errors.report({
			kind,
			where: turn.command.method,
			message: fault.message,
			handle: formatHandle(turn.command),
		});
		turn.term(fault.code);
	}

	/** A method that was there for the first attempt is gone for the next: the command cannot go on. */
	async #finishUnknown(turn: Turn, envelope: Envelope): Promise<void> {
		const message = this.#options.methods.whyUnknown(envelope.method, 'command');
		await this.#options.executor.reject(turn, { code: 'unknownMethod', message });
	}

	async #claim(turn: Turn, policy: Policy, stopping: AbortSignal): Promise<Step> {
		const { identity, executor, log, onNameUsedTwice } = this.#options;
		const handle = formatHandle(turn.command);
		const claim = await this.#write(turn, 'started', stopping);
		if (!claim) return 'over';
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
		const lost = {
			attempt: 1,
			startedAt: claim.at,
			endedAt: null,
			outcome: null,
			exitCode: null,
			signal: null,
			fault: null,
		};
		return executor.afterInterruption(
			turn,
			[lost],
			policy,
			'the node lost its store after it claimed the command',
		);
	}

	/** Writes a claim; undefined when the node stops first, and the delivery is handed back. */
	async #write(
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
		const held = await writeClaim(turn.id, claim, stopping);
		if (!held) turn.nak();
		return held;
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
