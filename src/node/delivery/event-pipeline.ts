/**
 * Owns the way of an event on the node: decode, recall, guard, run, record as handled, acknowledge.
 * Promises at least once, and once save for a crash between the method's fsync and the record; what cannot be handled
 * becomes a dead letter, with a statement to the centre, so that the lane goes on. A delivery that was lost on its way
 * costs no attempt; one that a crash interrupted does, from the second on, so that no event kills its node for ever.
 */

import { defaultBackoff } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { isStewardError, messageOf } from '../../base/errors.ts';
import { derivedId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { FaultRecord } from '../../domain/result.ts';
import { parseEventSubject } from '../../domain/subject.ts';
import type { DeadEvent, OutboxKey } from '../../domain/wire.ts';
import { type EventMessage, readEvent } from '../../jetstream/events.ts';
import type { Delivery } from '../../jetstream/pull.ts';
import { decide, type FaultKind } from '../../supervision/error-kernel.ts';
import type { Pauses } from '../control/pauses.ts';
import type { ErrorReporter } from '../error-reporter.ts';
import type { KnownMethod, MethodsTable } from '../methods-table.ts';
import type { Redaction } from '../output/redactor.ts';
import { ProcessDied, ProcessPaused } from '../processes/method.ts';
import { boundedFault } from '../processes/outcome-bounds.ts';
import type { Outbox } from '../store/outbox.ts';
import type { Seen } from '../store/seen.ts';
import type { Store } from '../store/store.ts';
import { DeliveryLease } from './delivery-lease.ts';
import { RunLimits } from './run-limits.ts';

/** An event whose method throws is tried this often before it is a dead letter. */
const eventAttempts = 5;
const runForMs = 60_000;
/** An event whose process is paused comes again after this time. */
const notNowMs = 10_000;

export type EventPipelineOptions = {
	methods: MethodsTable;
	pauses: Pick<Pauses, 'holds'>;
	seen: Seen;
	store: Store;
	outbox: Outbox;
	errors: ErrorReporter;
	/** Told of what was refused because of who sent it. */
	audit: Pick<ErrorReporter, 'report'>;
	/** Why an event may not be handled here, if so. */
	access: (event: EventMessage) => FaultRecord | undefined;
	redaction: Redaction;
	onShutdown: (error: Error) => void;
	/** Ends what is still being handled when the node's grace has passed. */
	graceOver: AbortSignal;
	clock: Clock;
	log: Log;
	random: () => number;
};

/** `name`: of its key, of one length whatever a sender calls its outbox. */
type KeyedEvent = EventMessage & { readonly key: OutboxKey; readonly name: string };
type Failure = { readonly kind: FaultKind; readonly fault: FaultRecord };

export class EventPipeline {
	readonly #options: EventPipelineOptions;
	/** What is being handled, by its sender's key: a repeat that comes meanwhile is adopted. */
	readonly #leases = new Map<string, DeliveryLease>();
	readonly #limits: RunLimits;

	constructor(options: EventPipelineOptions) {
		this.#options = options;
		const { graceOver, clock } = options;
		this.#limits = new RunLimits({ runForMs, graceOver, clock });
	}

	/** Renews the leases of all events that are being handled, when the link is back. */
	renewLeases(): void {
		for (const lease of this.#leases.values()) lease.working();
	}

	async handle(delivery: Delivery, stopping: AbortSignal): Promise<void> {
		if (stopping.aborted) return delivery.nak();
		const event = named(readEvent(delivery));
		const name = event?.name ?? `seq ${delivery.seq}`;
		const current = this.#leases.get(name);
		if (current) return this.#meetAgain(current, delivery);
		const lease = new DeliveryLease(delivery, this.#options.clock);
		this.#leases.set(name, lease);
		try {
			await this.#process(lease, event);
		} catch (error) {
			if (!isStewardError(error, 'storage')) throw error;
			this.#options.onShutdown(error);
		} finally {
			lease.end();
			this.#leases.delete(name);
		}
	}

	/** The same message again carries on the lease; another message under the same key comes later, and is known then. */
	#meetAgain(current: DeliveryLease, delivery: Delivery): void {
		if (current.delivery.seq === delivery.seq) current.adopt(delivery);
		else delivery.nak(1000);
	}

	async #process(lease: DeliveryLease, event: KeyedEvent | undefined): Promise<void> {
		const { seen, store, clock } = this.#options;
		if (!event) {
			const fault = { code: 'undecodable', message: 'the event cannot be decoded' };
			return this.#fail(lease, undefined, 1, { kind: 'undecodable', fault });
		}
		// An ack that is lost is no loss: it comes again, and is known.
		if (seen.has(event.sender, event.key)) return lease.ack();
		if (this.#options.pauses.holds('events', event.method)) return lease.nak();
		const denial = this.#options.access(event);
		if (denial) return this.#fail(lease, event, 1, { kind: 'denied', fault: denial });
		// The first start is not written down: that it took place is known when it fails or comes again.
		const attempt = (store.get<number>('starts', event.name) ?? 0) + 1;
		if (lease.delivery.deliveries > 1 && attempt <= eventAttempts) {
			await store.commit((writes) => writes.put('starts', event.name, attempt));
		}
		if (attempt > eventAttempts) {
			const message = `it was started ${attempt - 1} times, and the node died each time`;
			return this.#bury(lease, event, attempt - 1, { code: 'interrupted', message });
		}
		const failure = await this.#run(event, attempt);
		if (failure === 'notNow') return lease.nak(this.#options.graceOver.aborted ? undefined : notNowMs);
		if (failure) return this.#fail(lease, event, attempt, failure);
		const recorded = seen.record(event.sender, event.key, clock.now());
		// Counted anew if a crash comes between the two: it was handled.
		const uncounted = attempt > 1 && store.commitLazily((writes) => writes.remove('starts', event.name));
		await (uncounted ? Promise.all([recorded, uncounted]) : recorded);
		lease.ack();
	}

	async #run(event: KeyedEvent, attempt: number): Promise<Failure | 'notNow' | undefined> {
		const { methods, graceOver } = this.#options;
		const method = methods.find(event.method, 'event');
		if (!method) {
			const fault = { code: 'unknownMethod', message: methods.whyUnknown(event.method, 'event') };
			return { kind: 'unknownMethod', fault };
		}
		const limit = this.#limits.begin();
		try {
			return await runChecked(method, event, attempt, limit.signal);
		} catch (error) {
			if (isStewardError(error, 'storage')) throw error;
			if (error instanceof ProcessPaused || graceOver.aborted) return 'notNow';
			const kind = error instanceof ProcessDied ? 'processDied' : 'threw';
			return { kind, fault: { code: kind, message: messageOf(error) } };
		} finally {
			limit.end();
		}
	}

	async #fail(
		lease: DeliveryLease,
		event: KeyedEvent | undefined,
		attempt: number,
		{ kind, ...failure }: Failure,
	): Promise<void> {
		const { errors, audit, redaction, random, store } = this.#options;
		const fault = boundedFault(redaction.fault(failure.fault));
		const verdict = decide({ kind, attempt, attempts: eventAttempts, backoff: defaultBackoff }, random);
		const effective = verdict.verdict === 'restart' ? verdict.command : verdict;
		const reporter = kind === 'denied' ? audit : errors;
		reporter.report({ kind, where: event?.method ?? 'events', message: fault.message });
		if (effective.verdict === 'shutdown') return this.#options.onShutdown(new Error(fault.message));
		if (effective.verdict !== 'retry' || !event) return this.#bury(lease, event, attempt, fault);
		await store.commit((writes) => writes.put('starts', event.name, attempt));
		lease.nak(effective.afterMs);
	}

	/** The centre keeps the dead letter; the event counts as handled once the statement is in the outbox. */
	async #bury(
		lease: DeliveryLease,
		event: KeyedEvent | undefined,
		attempts: number,
		fault: FaultRecord,
	): Promise<void> {
		const { store, outbox, seen, clock } = this.#options;
		const { delivery } = lease;
		const address = parseEventSubject(delivery.subject);
		const id = event?.id ?? derivedId('event', delivery.seq);
		await store.commit((writes) => {
			if (event) {
				seen.add(writes, event.sender, event.key, clock.now());
				writes.remove('starts', event.name);
			}
			outbox.addStatement(
				writes,
				id,
				(key): DeadEvent => ({
					v: 1,
					key,
					event: 'deadEvent',
					at: clock.now(),
					sender: address?.sender ?? 'unknown',
					method: address?.method ?? 'unknown',
					data: event?.data ?? null,
					attempts,
					fault,
				}),
			);
		});
		lease.term(fault.code);
	}
}

function named(event: Omit<KeyedEvent, 'name'> | undefined): KeyedEvent | undefined {
	if (!event) return undefined;
	const { node, sender, method, id, key, data } = event;
	return { node, sender, method, id, key, data, name: derivedId(sender, key.epoch, key.n) };
}

async function runChecked(
	method: KnownMethod,
	event: KeyedEvent,
	attempt: number,
	signal: AbortSignal,
): Promise<Failure | undefined> {
	const problems = await method.process.check(event.method, event.data);
	if (problems.length > 0) {
		const message = `data does not fit ${event.method}: ${problems.join('; ')}`;
		return { kind: 'badData', fault: { code: 'badData', message } };
	}
	const input = { sender: event.sender, id: event.id, attempt, data: event.data };
	const outcome = await method.process.run(event.method, input, signal);
	if (outcome.outcome === 'succeeded') return undefined;
	return { kind: 'failed', fault: outcome.fault ?? { code: 'failed', message: 'the method failed' } };
}
