/**
 * Owns the routes of signing in: who one is here, showing a token, and forgetting it.
 * Promises that the token stays where scripts cannot read it, and that nobody is told more than what he is.
 * Keeps nothing: the browser keeps the token, the file says whether it counts.
 */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { rfc3339 } from '../../base/clock.ts';
import { StewardError } from '../../base/errors.ts';
import { time } from '../../domain/view-time.ts';
import { tokenRoles } from '../../security/tokens.ts';
import { type Api, problems } from '../contract.ts';
import type { Desk } from '../desk.ts';
import { cookieName, type Guard } from '../security/guard.ts';
import type { Who } from '../who.ts';

const tags = ['session'];
const config = { isPublic: true };
/** A browser forgets it then at the latest. */
const longestSeconds = 30 * 86_400;

/** Anybody may send one. */
const longestBody = 4096;

const sessionSchema = z.object({
	auth: z.enum(['open', 'token']).describe('open: everybody on this machine is an operator'),
	role: z.enum(tokenRoles).nullable().describe('null: not signed in'),
	name: z.string().nullable(),
	version: z.string(),
	serverTime: time,
	secure: z.boolean().describe('the broker has accounts'),
});

export function addSession(api: Api, desk: Desk, guard: Guard): void {
	const told = async (who: Who | null): Promise<z.infer<typeof sessionSchema>> => {
		const { version, clock, credentials } = desk.options;
		return {
			auth: (await guard.isOpen()) ? 'open' : 'token',
			...{ role: who?.role ?? null, name: who?.name ?? null, version },
			serverTime: rfc3339(desk.glance()?.serverNow() ?? clock.now()),
			secure: credentials !== undefined,
		};
	};
	api.get(
		'/session',
		{
			config,
			schema: {
				...{ tags, operationId: 'getSession' },
				summary: 'Who one is here',
				response: { 200: sessionSchema },
			},
		},
		({ who }) => told(who),
	);
	api.post(
		'/session',
		{
			config,
			bodyLimit: longestBody,
			schema: {
				...{ tags, operationId: 'signIn' },
				summary: 'Sign in: the token is kept in a cookie that no script can read',
				body: z.strictObject({ token: z.string().max(200) }),
				response: { 200: sessionSchema, ...problems('invalid', 'unauthorized') },
			},
		},
		async (request, reply) => {
			const { token } = request.body;
			const who = await guard.whoHas(token);
			if (!who) {
				throw new StewardError(
					'unauthorized',
					'this is no token that counts: it was mistyped, has expired, or was taken back (steward tokens ls)',
				);
			}
			keep(desk, reply, token);
			return told(who);
		},
	);
	api.delete(
		'/session',
		{
			config,
			schema: {
				...{ tags, operationId: 'signOut' },
				summary: 'Sign out: the cookie is forgotten; the token counts on',
				response: { 200: sessionSchema },
			},
		},
		async (request: FastifyRequest, reply) => {
			reply.clearCookie(cookieName, { path: '/' });
			return told((await guard.isOpen()) ? request.who : null);
		},
	);
}

function keep(desk: Desk, reply: FastifyReply, token: string): void {
	reply.setCookie(cookieName, token, {
		...{ path: '/', httpOnly: true, sameSite: 'strict', maxAge: longestSeconds },
		secure: desk.options.settings.tls !== undefined,
	});
}
