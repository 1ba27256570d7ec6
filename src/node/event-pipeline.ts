/**
 * Owns the way of an event on the node: decode, recall, guard, run, record as handled, acknowledge.
 * Promises at least once, and once save for a crash between the method's fsync and the record; what cannot be handled
 * becomes a dead letter, with a statement to the centre, so that the lane goes on.
 */

import { defaultBackoff } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { isStewardError, messageOf } from '../base/errors.ts';
import { derivedId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { FaultRecord } from '../domain/result.ts';
import { parseEventSubject } from '../domain/subject.ts';
import type { DeadEvent } from '../domain/wire.ts';
import { type EventMessage, readEvent } from '../jetstream/events.ts';
import type { Delivery } from '../jetstream/pull.ts';
import { decide, type FaultKind } from '../supervision/error-kernel.ts';
import type { ErrorReporter } from './error-reporter.ts';
import { ProcessDied } from './method.ts';
import type { MethodsTable } from './methods-table.ts';
import type { Outbox } from './outbox.ts';
import type { Seen } from './seen.ts';
import type { Store } from './store.ts';

/** An event whose method throws is tried this often before it is a dead letter. */
const eventAttempts = 5;
const runForMs = 60_000;

export type EventPipelineOptions = {
	methods: MethodsTable;
	seen: Seen;
	store: Store;
	outbox: Outbox;
	errors: ErrorReporter;
	onShutdown: (error: Error) => void;
	clock: Clock;
	log: Log;
	random: () => number;
};

type Failure = { kind: FaultKind; fault: FaultRecord };

export class EventPipeline {
	readonly #options: EventPipelineOptions;

	constructor(options: EventPipelineOptions) {
		this.#options = options;
	}

	async handle(delivery: Delivery, stopping: AbortSignal): Promise<void> {
		if (stopping.aborted) return delivery.nak();
		try {
			await this.#process(delivery);
		} catch (error) {
			if (!isStewardError(error, 'storage')) throw error;
			this.#options.onShutdown(error);
		}
	}

	async #process(delivery: Delivery): Promise<void> {
		const { seen, store, clock } = this.#options;
		const event = readEvent(delivery);
		if (!event) {
			const fault = { code: 'undecodable', message: 'the event cannot be decoded' };
			return this.#fail(delivery, undefined, { kind: 'undecodable', fault });
		}
		if (seen.has(event.sender, event.key)) return delivery.ack();
		const failure = await this.#run(delivery, event);
		if (failure) return this.#fail(delivery, event, failure);
		await store.commit((writes) => seen.add(writes, event.sender, event.key, clock.now()));
		await delivery.ackAck();
	}

	async #run(delivery: Delivery, event: EventMessage): Promise<Failure | undefined> {
		const { methods, clock } = this.#options;
		const method = methods.find(event.method, 'event');
		if (!method) {
			const fault = { code: 'unknownMethod', message: methods.whyUnknown(event.method, 'event') };
			return { kind: 'unknownMethod', fault };
		}
		const controller = new AbortController();
		const cancel = clock.after(runForMs, () => controller.abort(new Error('the event took too long')));
		try {
			const problems = await method.process.check(event.method, event.data);
			if (problems.length > 0) {
				const message = `data does not fit ${event.method}: ${problems.join('; ')}`;
				return { kind: 'badData', fault: { code: 'badData', message } };
			}
			const input = { sender: event.sender, id: event.id, attempt: delivery.deliveries, data: event.data };
			const outcome = await method.process.run(event.method, input, controller.signal);
			if (outcome.outcome === 'succeeded') return undefined;
			return { kind: 'failed', fault: outcome.fault ?? { code: 'failed', message: 'the method failed' } };
		} catch (error) {
			if (isStewardError(error, 'storage')) throw error;
			const kind = error instanceof ProcessDied ? 'processDied' : 'threw';
			return { kind, fault: { code: kind, message: messageOf(error) } };
		} finally {
			cancel();
		}
	}

	async #fail(delivery: Delivery, event: EventMessage | undefined, { kind, fault }: Failure): Promise<void> {
		const { errors, random } = this.#options;
		const attempt = delivery.deliveries;
		const verdict = decide({ kind, attempt, attempts: eventAttempts, backoff: defaultBackoff }, random);
		const effective = verdict.verdict === 'restart' ? verdict.command : verdict;
		errors.report({ kind, where: event?.method ?? 'events', message: fault.message });
		if (effective.verdict === 'retry') return delivery.nak(effective.afterMs);
		if (effective.verdict === 'shutdown') return this.#options.onShutdown(new Error(fault.message));
		await this.#bury(delivery, event, fault);
	}

	/** The centre keeps the dead letter; the event counts as handled once the statement is in the outbox. */
	async #bury(delivery: Delivery, event: EventMessage | undefined, fault: FaultRecord): Promise<void> {
		const { store, outbox, seen, clock } = this.#options;
		const address = parseEventSubject(delivery.subject);
		const id = event?.id ?? derivedId('event', delivery.seq);
		await store.commit((writes) => {
			const keyed = event && readEvent(delivery);
			if (keyed) seen.add(writes, keyed.sender, keyed.key, clock.now());
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
					attempts: delivery.deliveries,
					fault,
				}),
			);
		});
		outbox.flush();
		delivery.term(fault.code);
	}
}
