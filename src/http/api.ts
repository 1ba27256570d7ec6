/**
 * Owns the API under /api/v1: which groups of routes it has.
 * Promises that what they answer is what their schemas say: handlers are typed by them, and the contract tests hold answers against them.
 * Keeps nothing.
 */

import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { type Api, addUsualProblems } from './contract.ts';
import type { Desk } from './desk.ts';
import type { Live } from './live/live.ts';
import { addOpenApi, describeApi } from './openapi.ts';
import { addActs } from './routes/act.ts';
import { addCommands } from './routes/commands.ts';
import { addDead } from './routes/dead.ts';
import { addHolds } from './routes/holds.ts';
import { addLive } from './routes/live.ts';
import { addNodes } from './routes/nodes.ts';
import { addOutput } from './routes/output.ts';
import { addScheduleChanges } from './routes/schedule-changes.ts';
import { addSchedules } from './routes/schedules.ts';
import { addSend } from './routes/send.ts';
import { addSession } from './routes/session.ts';
import { addSystem } from './routes/system.ts';
import type { Guard } from './security/guard.ts';

const groups: readonly ((api: Api, desk: Desk, guard: Guard) => void)[] = [
	addSession,
	addCommands,
	addOutput,
	addSend,
	addActs,
	addNodes,
	addHolds,
	addSchedules,
	addScheduleChanges,
	addDead,
	addSystem,
];

export async function addApi(app: Api, desk: Desk, guard: Guard, live: Live): Promise<void> {
	await describeApi(app, desk.options.version);
	await app.register(
		async (scope) => {
			scope.addHook('onRoute', addUsualProblems);
			const api = scope.withTypeProvider<ZodTypeProvider>();
			for (const add of groups) add(api, desk, guard);
			addLive(api, live);
			addOpenApi(api, app);
		},
		{ prefix: '/api/v1' },
	);
}
