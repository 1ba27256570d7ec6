/**
 * Owns who asks: the name and the role that a request was let in with.
 * Promises that what somebody does is told under his name.
 * Keeps nothing.
 */

import type { FastifyRequest } from 'fastify';

/** As what somebody is let in: `viewer` reads, `operator` does everything. */
export const windowRoles = ['operator', 'viewer'] as const;
export type WindowRole = (typeof windowRoles)[number];
export type Who = { readonly name: string; readonly role: WindowRole };

declare module 'fastify' {
	interface FastifyRequest {
		/** Null before it was let in, and where no token was shown. */
		who: Who | null;
	}
}

/** Told to whoever wonders later who did it. */
export function authorOf({ who }: FastifyRequest): string {
	return who?.name ?? 'operator';
}
