/**
 * Owns the route that says who one is here.
 * Promises that it is answered to everybody, and that it tells nobody more than what he is.
 * Keeps nothing.
 */

import { z } from 'zod';
import { rfc3339 } from '../../base/clock.ts';
import { time } from '../../domain/view-time.ts';
import type { Api } from '../contract.ts';
import type { Desk } from '../desk.ts';
import { windowRoles } from '../who.ts';

const sessionSchema = z.object({
	auth: z.enum(['open', 'token']).describe('open: everybody on this machine is an operator'),
	role: z.enum(windowRoles).nullable().describe('null: not signed in'),
	name: z.string().nullable(),
	version: z.string(),
	serverTime: time,
	secure: z.boolean().describe('the broker has accounts'),
});

export function addSession(api: Api, desk: Desk): void {
	api.get(
		'/session',
		{
			schema: {
				tags: ['session'],
				operationId: 'getSession',
				summary: 'Who one is here',
				response: { 200: sessionSchema },
			},
		},
		async (request) => {
			const { version, clock, credentials } = desk.options;
			const { role = 'operator', name = 'operator' } = request.who ?? {};
			const serverTime = rfc3339(desk.glance()?.serverNow() ?? clock.now());
			return { auth: 'open' as const, role, name, version, serverTime, secure: credentials !== undefined };
		},
	);
}
