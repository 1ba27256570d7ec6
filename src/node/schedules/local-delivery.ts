/**
 * Owns the delivery of a tick that this node fired itself: to the pipeline it looks like any other.
 * Promises that its last word takes it out of what waits here, and that what is handed back comes again; no server hears of it.
 * What had no last word when the process died is handed over again by the next one.
 */

import type { Envelope } from '../../domain/envelope.ts';
import type { Delivery } from '../../jetstream/delivery.ts';
import { localMessage } from '../../jetstream/stored-command.ts';

/** A tick that fired here and has not ended, as it is on disk. */
export type FiredTick = {
	readonly v: 1;
	readonly envelope: Envelope;
	/** Server time as far as it was known, milliseconds since the epoch. */
	readonly firedAt: number;
	/** Nothing of its schedule runs beside it: it waits for the end of those that fired before. */
	readonly waitsForOthers: boolean;
};

export type LastWords = {
	/** It has ended; false where that could not be written down. */
	end(): Promise<boolean>;
	/** It comes again, after this time or when whoever hands it over thinks right. */
	again(afterMs?: number): void;
};

export function localDelivery({ envelope, firedAt }: FiredTick, { end, again }: LastWords): Delivery {
	return {
		...localMessage(envelope, firedAt),
		reply: '',
		deliveries: 1,
		ackAck: end,
		ack: () => void end(),
		term: () => void end(),
		nak: again,
		working: () => undefined,
	};
}
