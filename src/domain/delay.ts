/**
 * Owns one-off delays: what is known of a command that was accepted before its time, also in a header.
 * Promises that whoever has the facts of a command can tell whether it still waits for its time, and when it was accepted.
 * Pure.
 */

import { z } from 'zod';

/** The message that was stored before the command's time had come: server time, and its sequence on the commands stream. */
export const acceptedSchema = z.object({ at: z.number(), seq: z.number() });
type Accepted = z.infer<typeof acceptedSchema>;

/** `accepted` is there for what was accepted before its time. Where both are of one message, that time has not come. */
type Delayed = { readonly seq: number; readonly accepted?: Accepted | null | undefined };

/** It waits for its time, and is on no lane yet. */
export function isLater({ seq, accepted }: Delayed): boolean {
	return accepted?.seq === seq;
}

/** When it was accepted to wait for its time, and when it was queued: null where it was not. Server time. */
export function beginningsOf({ queuedAt, ...facts }: Delayed & { readonly queuedAt: number }): {
	readonly scheduledAt: number | null;
	readonly queuedAt: number | null;
} {
	return { scheduledAt: facts.accepted?.at ?? null, queuedAt: isLater(facts) ? null : queuedAt };
}

/** `<milliseconds> <sequence>` */
export function formatAccepted({ at, seq }: Accepted): string {
	return `${at} ${seq}`;
}

export function parseAccepted(text: string): Accepted | undefined {
	const [, at, seq] = /^(\d{1,15}) (\d{1,15})$/.exec(text) ?? [];
	return at === undefined ? undefined : { at: Number(at), seq: Number(seq) };
}
