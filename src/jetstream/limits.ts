/**
 * Owns how large a message may be that steward queues.
 * Promises that whatever passes here can also be stored with its evidence: copied into a closing claim, or as text into a
 * dead letter, where every quote of it takes twice its room. Pure.
 */

import type { Connection } from './connection.ts';
import { tooLarge } from './publish-answer.ts';

/** Where the broker has not said it yet; the server's own default. */
export const usualMaxPayload = 1024 * 1024;
/** For headers, and for what evidence adds to the message. */
const roomBytes = 8 * 1024;

/** Bytes of the largest message that the broker takes, headers included. */
export function maxPayloadOf({ nc }: Pick<Connection, 'nc'>): number {
	return nc.info?.max_payload ?? usualMaxPayload;
}

/** Bytes of the largest body: half of the broker's `max_payload`, less some room. */
export function largestBody(maxPayload: number | undefined): number {
	return Math.floor((maxPayload ?? usualMaxPayload) / 2) - roomBytes;
}

/**
 * @param besideBytes What else its message will hold.
 * @throws PublishError as the server would, before anything is sent
 */
export function assertFits(connection: Connection, body: string | Uint8Array, besideBytes = 0): void {
	const bytes = Buffer.byteLength(body) + besideBytes;
	const limit = largestBody(connection.nc.info?.max_payload);
	if (bytes > limit) throw tooLarge(bytes, limit);
}
