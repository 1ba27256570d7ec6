/**
 * Owns reading the JWT of a NATS user as somebody who is not a broker: whose key it is, and who says so.
 * Promises that nothing of it counts before its signature was found to hold. Keeps nothing.
 */

import { z } from 'zod';
import { decode } from '../domain/wire.ts';
import { signatureHolds } from './keys.ts';

const headerSchema = z.object({ alg: z.literal('ed25519-nkey') });
const claimsSchema = z.object({
	/** The user's key, and the key that vouches for it: of an account, or one that the account lets sign. */
	sub: z.string(),
	iss: z.string(),
	name: z.string(),
	/** Seconds since the epoch. */
	exp: z.number().optional(),
	nats: z.object({ type: z.literal('user') }),
});

export type VouchedUser = {
	readonly key: string;
	readonly name: string;
	readonly issuer: string;
	/** Milliseconds since the epoch. */
	readonly expiresAt: number;
};

/** Undefined where it is none, or not what its issuer signed. */
export function readUserJwt(jwt: string): VouchedUser | undefined {
	const [header = '', body = '', signature = ''] = jwt.split('.');
	const claims = decode(claimsSchema, Buffer.from(body, 'base64url'));
	if (!claims || !decode(headerSchema, Buffer.from(header, 'base64url'))) return undefined;
	if (!signatureHolds(claims.iss, Buffer.from(`${header}.${body}`), signature)) return undefined;
	const expiresAt = claims.exp ? claims.exp * 1000 : Number.POSITIVE_INFINITY;
	return { key: claims.sub, name: claims.name, issuer: claims.iss, expiresAt };
}
