/**
 * Owns the routes about schedules that only read: lists, one schedule, its ticks, its history, its form; and a preview of one that
 * is not stored.
 * Promises that a preview says all that is wrong with a form at once, and stores nothing.
 * Reads only.
 */

import { z } from 'zod';
import { StewardError } from '../../base/errors.ts';
import { scheduleFormSchema } from '../../domain/schedule.ts';
import { previewOf } from '../../domain/schedule-view.ts';
import { viewSchemas } from '../../domain/view-schema.ts';
import { unreadableSchedule } from '../../jetstream/schedules.ts';
import { type Api, form, listOf, ofSchedule, pageOf, pageQuery, problems } from '../contract.ts';
import type { Desk } from '../desk.ts';

const tags = ['schedules'];
const { schedule, scheduleOutcome, scheduleTick, scheduleChange } = viewSchemas;

export function addSchedules(api: Api, desk: Desk): void {
	api.get(
		'/schedules',
		{
			schema: {
				...{ tags, operationId: 'listSchedules' },
				summary: 'Schedules by name',
				querystring: z.strictObject({ cursor: pageQuery(1).cursor }),
				response: { 200: pageOf(schedule), ...problems('invalid') },
			},
		},
		({ query }) => desk.window().answers.schedules(query),
	);
	api.get(
		'/schedules/:name',
		{
			schema: {
				...{ tags, operationId: 'getSchedule' },
				summary: 'One schedule',
				params: ofSchedule,
				response: { 200: schedule, ...problems('invalid', 'not-found', 'schema-newer') },
			},
		},
		async ({ params }) => {
			const { answers, index } = desk.window();
			const { items } = await answers.schedules(params);
			const [view] = items;
			if (view) return view;
			if (index.schedules.unreadable.has(params.name)) throw unreadableSchedule(params.name);
			throw new StewardError('not-found', `there is no schedule "${params.name}"`, { details: params });
		},
	);
	api.get(
		'/schedules/:name/next',
		{
			schema: {
				...{ tags, operationId: 'ticksOfSchedule' },
				summary: 'Its next ticks, also where it is paused',
				params: ofSchedule,
				querystring: z.strictObject({ count: z.coerce.number().int().min(1).max(1000).default(10) }),
				response: { 200: listOf(scheduleTick), ...problems('invalid', 'not-found', 'schema-newer') },
			},
		},
		async ({ params, query }) => ({
			items: await desk.fleet('operator').schedules.next(params.name, query.count),
		}),
	);
	api.get(
		'/schedules/:name/history',
		{
			schema: {
				...{ tags, operationId: 'historyOfSchedule' },
				summary: 'Who changed what, and when, the newest first; also of one that was removed',
				params: ofSchedule,
				response: { 200: listOf(scheduleChange), ...problems('invalid', 'not-found', 'schema-newer') },
			},
		},
		async ({ params }) => ({ items: await desk.fleet('operator').schedules.history(params.name) }),
	);
	api.get(
		'/schedules/:name/form',
		{
			schema: {
				...{ tags, operationId: 'formOfSchedule' },
				summary: 'As it was written, to be changed and put back',
				params: ofSchedule,
				response: {
					200: z.record(z.string(), z.unknown()),
					...problems('invalid', 'not-found', 'schema-newer'),
				},
			},
		},
		async ({ params }) => ({ ...(await desk.fleet('operator').schedules.form(params.name)) }),
	);
	api.post(
		'/schedules/preview',
		{
			schema: {
				...{ tags, operationId: 'previewSchedule' },
				summary: 'What a form would be: in words, and its next ten ticks; stores nothing',
				body: form(scheduleFormSchema),
				response: { 200: scheduleOutcome, ...problems('invalid') },
			},
		},
		async ({ body }) => previewOf(body, desk.window().serverNow()),
	);
}
