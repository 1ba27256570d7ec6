/**
 * Owns what the projector writes into dead letters: of refused commands, of events, and of statements that help nobody else.
 * Promises that each says where it comes from, so that one message is one letter however often it is read.
 * Pure.
 */

import { derivedId } from '../base/ids.ts';
import type { LedgerEntry } from '../domain/ledger.ts';
import type { Handle } from '../domain/names.ts';
import type { DeadEvent } from '../domain/wire.ts';
import { commandOrigin, type NewDeadLetter } from '../jetstream/dead-letters.ts';
import type { Delivery } from '../jetstream/pull.ts';
import type { Statement } from './statements.ts';

/** `message`: its body; null where it is gone. */
export function commandLetter(entry: LedgerEntry, message: string | null, now: number): NewDeadLetter {
	const { node, id, method, sender, seq, fault, endedAt, attempts, lineage } = entry;
	return {
		...{ node, kind: 'command', method, id, sender, lineage, message, origin: commandOrigin(seq) },
		at: endedAt ?? now,
		attempts: attempts.at(-1)?.attempt ?? 0,
		fault: fault ?? { code: 'refused', message: 'refused' },
	};
}

/** An event that its node could not handle. */
export function eventLetter({ node, id }: Handle, event: DeadEvent): NewDeadLetter {
	const { method, sender, at, attempts, fault, key } = event;
	// What could not be decoded is not in the statement.
	const message = fault.code === 'undecodable' ? null : JSON.stringify(event.data ?? null);
	const origin = `${key.epoch} ${key.n}`;
	return { node, kind: 'event', method, id, sender, at, attempts, fault, origin, message };
}

/** A statement about an earlier command of this id, which the ledger has forgotten. */
export function outdatedLetter(handle: Handle, { delivery, facts }: Statement, now: number): NewDeadLetter {
	const { method, sender } = facts;
	const message = 'it tells of an earlier command of this id, which the ledger has forgotten';
	return {
		...{ ...handle, kind: 'command', method, sender, at: now, attempts: 0, holds: 'statement' },
		fault: { code: 'outdated', message },
		message: new TextDecoder().decode(delivery.data),
		origin: `statement ${delivery.subject} ${delivery.seq}`,
	};
}

/** What is no statement that can be read. */
export function unreadableLetter(
	address: Handle | undefined,
	delivery: Delivery,
	now: number,
): NewDeadLetter {
	const node = address?.node ?? 'unknown';
	return {
		...{ node, kind: 'event', method: 'unknown', sender: node, at: now, holds: 'statement' },
		id: derivedId(delivery.subject, delivery.seq),
		attempts: delivery.deliveries,
		fault: { code: 'undecodable', message: `a statement on ${delivery.subject} cannot be read` },
		message: new TextDecoder().decode(delivery.data),
	};
}
