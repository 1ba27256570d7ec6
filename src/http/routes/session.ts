/**
 * Owns the routes of signing in: who one is here, showing a token, and ending the session that it began.
 * Promises that no browser keeps the token: it gets a session's id, where no script can read it; and that nobody is told more than what he is.
 * Keeps nothing: the session is the guard's, the file says whether its token counts.
 */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { rfc3339 } from '../../base/clock.ts';
import { StewardError } from '../../base/errors.ts';
import { time } from '../../domain/view-time.ts';
import { tokenRoles } from '../../security/tokens.ts';
import { type Api, problems } from '../contract.ts';
import type { Desk } from '../desk.ts';
import { cookieNameFor, type Guard } from '../security/guard.ts';
import { longestSessionMs } from '../security/sessions.ts';
import type { Who } from '../who.ts';

const tags = ['session'];
const config = { isPublic: true };
/** Anybody may send one. */
const longestBody = 4096;

const sessionSchema = z.object({
	auth: z.enum(['open', 'token']).describe('open: everybody on this machine is an operator'),
	role: z.enum(tokenRoles).nullable().describe('null: not signed in'),
	name: z.string().nullable(),
	version: z.string(),
	serverTime: time,
	secure: z.boolean().describe('the broker has accounts'),
	cli: z
		.string()
		.nullable()
		.describe('how the command line is called on the machine of the centre; null: not signed in'),
});

export function addSession(api: Api, desk: Desk, guard: Guard): void {
	const told = async (who: Who | null): Promise<z.infer<typeof sessionSchema>> => {
		const { version, clock, credentials, cli } = desk.options;
		return {
			auth: (await guard.isOpen()) ? 'open' : 'token',
			...{ role: who?.role ?? null, name: who?.name ?? null, version },
			serverTime: rfc3339(desk.glance()?.serverNow() ?? clock.now()),
			secure: credentials !== undefined,
			cli: who ? cli : null,
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
				summary: 'Sign in: a session begins, whose id is kept in a cookie that no script can read',
				description:
					'It ends with its token, when nobody has used it for 12 hours, after 7 days, and with the server.',
				body: z.strictObject({ token: z.string().max(200) }),
				response: { 200: sessionSchema, ...problems('invalid', 'unauthorized') },
			},
		},
		async (request, reply) => {
			const signedIn = await guard.signIn(request.body.token);
			if (!signedIn) {
				throw new StewardError(
					'unauthorized',
					'this is no token that counts: it was mistyped, has expired, or was taken back (steward tokens ls)',
				);
			}
			guard.signOut(request);
			keep(guard, request, reply, signedIn.id);
			return told(signedIn.who);
		},
	);
	api.delete(
		'/session',
		{
			config,
			schema: {
				...{ tags, operationId: 'signOut' },
				summary: 'Sign out: the session ends; the token counts on',
				response: { 200: sessionSchema },
			},
		},
		async (request: FastifyRequest, reply) => {
			guard.signOut(request);
			reply.clearCookie(cookieNameFor(request), { path: '/' });
			return told((await guard.isOpen()) ? request.who : null);
		},
	);
}

function keep(guard: Guard, request: FastifyRequest, reply: FastifyReply, id: string): void {
	reply.setCookie(cookieNameFor(request), id, {
		...{ path: '/', httpOnly: true, sameSite: 'strict', maxAge: longestSessionMs / 1000 },
		secure: guard.isOverTls(request),
	});
}
