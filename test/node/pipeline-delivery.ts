/**
 * Owns the form of a delivery in the world of `pipeline-world.ts`, and how its commands are to be treated.
 * Promises what a broker would hand over for such a command.
 * Pure.
 */

import type { OnInterrupt } from '../../src/domain/policy.ts';
import { subjects } from '../../src/domain/subject.ts';
import type { Delivery } from '../../src/jetstream/pull.ts';

/** How an attempt ends; `hangs` ends when it is asked to. */
export const ends = ['succeeds', 'fails', 'throws', 'dies', 'hangs'] as const;

export type CommandSpec = {
	readonly onInterrupt: OnInterrupt;
	readonly attempts: number;
	readonly deliverWithinMs: number | null;
	/** By attempt; the last one goes on. */
	readonly ends: readonly (typeof ends)[number][];
};

/** Longer than clocks may be wrong: what is due is told from what is not. */
const backoffMs = 15_000;

export function deliveryOf(
	{ deliverWithinMs, onInterrupt, attempts }: CommandSpec,
	{ id, seq, storedAt }: Pick<Delivery, 'seq' | 'storedAt'> & { readonly id: string },
	words: Pick<Delivery, 'ackAck' | 'ack' | 'term'>,
): Delivery {
	const headers = new Map([
		['Steward-Digest', `d${id}`],
		['Steward-Sender', '_operator'],
		['Steward-Deliver-Within', deliverWithinMs === null ? 'never' : String(deliverWithinMs)],
	]);
	const address = { node: 'ship1', lane: 'normal', method: 'm', id } as const;
	const policy = { deliverWithinMs, onInterrupt, attempts, runForMs: 8000 };
	const backoff = { kind: 'fixed', initialMs: backoffMs, capMs: backoffMs, jitter: 0 };
	const envelope = { v: 1, ...address, data: null, sender: '_operator', ...policy, backoff };
	return {
		subject: subjects.command(0, address),
		data: Buffer.from(JSON.stringify(envelope)),
		header: (name) => headers.get(name) ?? '',
		reply: `$JS.ACK.stream.consumer.1.${seq}.1.1.0`,
		...{ seq, deliveries: 1, storedAt },
		nak: () => undefined,
		working: () => undefined,
		...words,
	};
}
