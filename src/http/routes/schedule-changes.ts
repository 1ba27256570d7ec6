/**
 * Owns the routes that change schedules: add, replace, remove, pause, resume, and run beside the ticks.
 * Promises that what is so already is answered as unchanged, and that a name which is taken is not replaced unasked.
 * Asking again after a crash is safe; a run with an id of one's own is there once.
 */

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ScheduleBook } from '../../client/schedules.ts';
import { idPattern, idRule } from '../../domain/names.ts';
import { type ScheduleForm, scheduleFormSchema } from '../../domain/schedule.ts';
import { isRecord } from '../../domain/validation.ts';
import { viewSchemas } from '../../domain/view-schema.ts';
import { type Api, form, listOf, nodeName, ofSchedule, problems, reason } from '../contract.ts';
import type { Desk } from '../desk.ts';
import { invalid } from '../problem.ts';
import { authorOf } from '../who.ts';

const tags = ['schedules'];
const { scheduleOutcome, receipt } = viewSchemas;
const id = z.string().regex(idPattern, { error: `expected ${idRule}` });

export function addScheduleChanges(api: Api, desk: Desk): void {
	const book = (request: FastifyRequest) => desk.fleet(authorOf(request)).schedules;
	api.post(
		'/schedules',
		{
			schema: {
				...{ tags, operationId: 'addSchedule' },
				summary: 'Add a schedule',
				description:
					'One that is there with the same meaning stays; with another it is refused: PUT replaces it.',
				body: form(scheduleFormSchema),
				response: {
					200: scheduleOutcome.describe('it was there'),
					201: scheduleOutcome,
					...problems('invalid', 'refused', 'ambiguous', 'schema-newer'),
				},
			},
		},
		async (request, reply) => {
			const outcome = await book(request).add(request.body as ScheduleForm);
			return reply.code(outcome.outcome === 'unchanged' ? 200 : 201).send(outcome);
		},
	);
	api.put(
		'/schedules/:name',
		{
			schema: {
				...{ tags, operationId: 'putSchedule' },
				summary: 'Add a schedule, or replace the one of that name',
				params: ofSchedule,
				body: form(scheduleFormSchema.partial({ name: true })),
				response: { 200: scheduleOutcome, ...problems('invalid', 'ambiguous', 'schema-newer') },
			},
		},
		(request) => {
			const written = named(request.body, request.params.name);
			return book(request).add(written as ScheduleForm, { replace: true });
		},
	);
	api.delete(
		'/schedules/:name',
		{
			schema: {
				...{ tags, operationId: 'removeSchedule' },
				summary: 'Remove a schedule; what is queued already stays',
				params: ofSchedule,
				body: z.strictObject({ reason }).nullish(),
				response: {
					200: scheduleOutcome,
					...problems('invalid', 'not-found', 'ambiguous', 'schema-newer'),
				},
			},
		},
		(request) => book(request).remove(request.params.name, request.body ?? {}),
	);
	for (const wish of ['pause', 'resume'] as const) {
		api.post(
			`/schedules/:name/${wish}`,
			{
				schema: {
					...{ tags, operationId: `${wish}Schedule` },
					summary:
						wish === 'pause' ? 'Fire no tick until it is resumed' : 'Fire its ticks again, from now on',
					params: ofSchedule,
					body: z.strictObject({ reason }).nullish(),
					response: {
						200: scheduleOutcome,
						...problems('invalid', 'not-found', 'ambiguous', 'schema-newer'),
					},
				},
			},
			(request) => book(request)[wish](request.params.name, request.body ?? {}),
		);
	}
	addRun(api, book);
}

function addRun(api: Api, book: (request: FastifyRequest) => ScheduleBook): void {
	api.post(
		'/schedules/:name/run',
		{
			schema: {
				...{ tags, operationId: 'runSchedule' },
				summary: 'Send at once what a tick sends, beside its ticks; also where it is paused',
				params: ofSchedule,
				headers: z.object({ 'idempotency-key': id.optional() }),
				body: z
					.strictObject({
						nodes: z.array(nodeName).min(1).optional().describe('some of its nodes'),
						id: id.optional().describe('one of your own: run again with it, the commands are there once'),
					})
					.nullish(),
				response: {
					201: listOf(receipt),
					...problems('invalid', 'not-found', 'refused', 'ambiguous', 'schema-newer'),
				},
			},
		},
		async (request, reply) => {
			const { nodes, id = request.headers['idempotency-key'] } = request.body ?? {};
			const items = await book(request).runNow(request.params.name, { nodes, id });
			return reply.code(201).send({ items });
		},
	);
}

/** @throws StewardError `invalid` where the form says another name */
function named(body: unknown, name: string): unknown {
	if (!isRecord(body)) return body;
	if (body.name === undefined || body.name === name) return { ...body, name };
	throw invalid(`name: expected "${name}" as in the path, got "${String(body.name).slice(0, 60)}"`);
}
