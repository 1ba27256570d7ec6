/**
 * Owns who is trusted with what: the trust list, and what it says of a key at a moment.
 * Promises that a key counts only while its list says so: not before `from`, and not from `until` on.
 * Pure.
 */

import { z } from 'zod';

/**
 * `operator`: a person or program that commands the fleet. `viewer`: one that reads. `centre`: what schedules, retries and passes on
 * what others sent. `node`: a machine that runs commands, and may send them.
 */
export const roles = ['operator', 'viewer', 'centre', 'node'] as const;
export type Role = (typeof roles)[number];

const moment = z.number().int().min(0);

/** A public key as NATS writes it: `U…` of a user, `O…` of an operator, 56 characters. */
export const publicKeySchema = z
	.string()
	.regex(/^[A-Z2-7]{56}$/, { error: 'expected a public key, 56 characters of A-Z and 2-7' });

const trustedKeySchema = z.strictObject({
	key: publicKeySchema,
	/** Whose it is: what commands name as their issuer, and logs and access lists say. */
	name: z.string().min(1).max(63),
	role: z.enum(roles),
	/** Server time, milliseconds since the epoch. */
	from: moment.optional(),
	until: moment.optional(),
});
export type TrustedKey = Readonly<z.infer<typeof trustedKeySchema>>;

/** What a node pins: the keys that may sign documents, and those that may sign commands. */
export const trustListSchema = z.strictObject({
	roots: z.array(publicKeySchema).min(1).max(16),
	keys: z.array(trustedKeySchema).max(1000),
});
export type TrustList = Readonly<z.infer<typeof trustListSchema>>;

/** The entry of a key that counts at `at`, server time; undefined where none does. A key may be listed for several spans. */
export function trustedKey({ keys }: TrustList, key: string, at: number): TrustedKey | undefined {
	return keys.find(
		(one) => one.key === key && at >= (one.from ?? 0) && at < (one.until ?? Number.POSITIVE_INFINITY),
	);
}
