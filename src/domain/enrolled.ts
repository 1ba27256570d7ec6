/**
 * Owns the list of who was enrolled in a fleet: names, keys, roles, until when, and what was taken back.
 * Promises that a name has one key at a time, and that a key which was taken back never counts again.
 * Pure; security/key-folder.ts keeps the list.
 */

import { z } from 'zod';
import { nodeNamePattern } from './names.ts';
import { roles, type TrustList } from './trust.ts';

const moment = z.number().int().min(0);
const publicKey = z.string().regex(/^[A-Z2-7]{56}$/);

const enrolmentSchema = z.strictObject({
	name: z.string().regex(nodeNamePattern),
	role: z.enum(roles),
	/** Public key, `U…`. */
	key: publicKey,
	/** The signing key that its credentials were made with: they end when that one is taken out. */
	signer: publicKey,
	labels: z.record(z.string(), z.string()),
	/** Milliseconds since the epoch, as all times here. */
	at: moment,
	expires: moment.optional(),
	/** Its credentials do not count from then on. */
	revoked: moment.optional(),
});
export type Enrolment = Readonly<z.infer<typeof enrolmentSchema>>;

/** Oldest first. An entry is never removed: what was revoked must stay known. */
export const enrolledSchema = z.strictObject({ v: z.literal(1), entries: z.array(enrolmentSchema) });
export type Enrolled = readonly Enrolment[];

/** The entries that count, by name. */
export function currentByName(enrolled: Enrolled): Map<string, Enrolment> {
	return new Map(enrolled.filter(({ revoked }) => revoked === undefined).map((one) => [one.name, one]));
}

/** Whether this key was ever taken back. */
export function wasRevoked(enrolled: Enrolled, key: string): boolean {
	return enrolled.some((one) => one.key === key && one.revoked !== undefined);
}

/** Takes back what counts of this name; the same list where nothing does. */
export function withoutName(enrolled: Enrolled, name: string, at: number): Enrolled {
	return enrolled.map((one) =>
		one.name === name && one.revoked === undefined ? { ...one, revoked: at } : one,
	);
}

/** Adds entries. What their names had before is taken back, save where the key stays the same. */
export function withEntries(enrolled: Enrolled, added: readonly Enrolment[], at: number): Enrolled {
	const byName = new Map(added.map((one) => [one.name, one]));
	const kept = enrolled.flatMap((one): Enrolment[] => {
		const next = byName.get(one.name);
		if (next === undefined || one.revoked !== undefined) return [one];
		return next.key === one.key ? [] : [{ ...one, revoked: at }];
	});
	return [...kept, ...added];
}

/**
 * What a node is to believe of those who command it: everyone enrolled who may send, and was not taken back. Viewers sign nothing.
 * No key has a beginning: the clock of the machine that enrolled it may be ahead of the broker's.
 */
export function trustListOf(enrolled: Enrolled, roots: readonly string[]): TrustList {
	const keys = enrolled
		.filter(({ role, revoked }) => revoked === undefined && (role === 'operator' || role === 'centre'))
		.map(({ key, name, role, expires }) => ({
			key,
			name,
			role,
			...(expires !== undefined && { until: expires }),
		}));
	return { roots: [...roots], keys };
}
