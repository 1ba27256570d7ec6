/**
 * Owns who asks: the name and the role that a request was let in with.
 * Promises that what somebody does is told under his name.
 * Keeps nothing.
 */

import type { FastifyRequest } from 'fastify';
import type { TokenRole } from '../security/tokens.ts';

/**
 * `token`: id of the token that was shown; null where everybody on this machine is let in. `session`: key of the session that stood for
 * the token; null where that was shown itself.
 */
export type Who = {
	readonly name: string;
	readonly role: TokenRole;
	readonly token: string | null;
	readonly session: string | null;
};

declare module 'fastify' {
	interface FastifyRequest {
		/** Null where nobody was let in: what everybody may ask is answered all the same. */
		who: Who | null;
	}
}

/** Everybody on this machine, as long as there is neither an account nor a token. */
export const anybody: Who = { name: 'operator', role: 'operator', token: null, session: null };

/** Told to whoever wonders later who did it. */
export function authorOf({ who }: FastifyRequest): string {
	return (who ?? anybody).name;
}
