/**
 * Owns the routes about commands that only read: lists, one command, why, its history, the form that it was sent as.
 * Promises lists from the index alone, and of one command what its own records say.
 * Reads only.
 */

import { z } from 'zod';
import { StewardError } from '../../base/errors.ts';
import { lookUpKnown } from '../../client/lookup.ts';
import { keptMessage } from '../../client/retry.ts';
import { formOf } from '../../domain/form-of.ts';
import { formatHandle } from '../../domain/names.ts';
import { longestSearch } from '../../domain/questions.ts';
import { viewSchemas } from '../../domain/view-schema.ts';
import {
	type Api,
	listOf,
	methodName,
	momentOf,
	nodeName,
	ofCommand,
	pageOf,
	pageQuery,
	problems,
	scheduleName,
	since,
	states,
} from '../contract.ts';
import type { Desk } from '../desk.ts';
import { authorOf } from '../who.ts';

const tags = ['commands'];
const { command } = viewSchemas;

export function addCommands(api: Api, desk: Desk): void {
	api.get(
		'/commands',
		{
			schema: {
				...{ tags, operationId: 'listCommands' },
				summary: 'Commands, newest first, without their results',
				querystring: z.strictObject({
					node: nodeName.optional(),
					method: methodName.optional(),
					state: states.optional(),
					since: since.optional(),
					schedule: scheduleName.optional(),
					search: z.string().max(longestSearch).optional().describe('a piece of the handle or of the method'),
					...pageQuery(200),
				}),
				response: { 200: pageOf(command), ...problems('invalid') },
			},
		},
		async ({ query }) => {
			const { state, since: from, ...rest } = query;
			const { answers, serverNow } = desk.window();
			const moment = from === undefined ? undefined : momentOf(from, serverNow());
			return answers.commands({ ...rest, states: state, since: moment });
		},
	);
	api.get(
		'/commands/:handle',
		{
			schema: {
				...{ tags, operationId: 'getCommand' },
				summary: 'One command, with its result',
				params: ofCommand,
				response: { 200: command, ...problems('invalid', 'not-found', 'schema-newer') },
			},
		},
		({ params }) => lookUpKnown(desk.parts('operator'), params.handle),
	);
	api.get(
		'/commands/:handle/why',
		{
			schema: {
				...{ tags, operationId: 'whyCommand' },
				summary: 'Why it is where it is, in one sentence',
				params: ofCommand,
				response: { 200: viewSchemas.why, ...problems('invalid', 'not-found', 'schema-newer') },
			},
		},
		(request) => desk.fleet(authorOf(request)).why(request.params.handle),
	);
	api.get(
		'/commands/:handle/history',
		{
			schema: {
				...{ tags, operationId: 'historyOfCommand' },
				summary: 'Each state that it went through',
				params: ofCommand,
				response: {
					200: listOf(command.shape.history.element),
					...problems('invalid', 'not-found', 'schema-newer'),
				},
			},
		},
		async ({ params }) => {
			const { history } = await lookUpKnown(desk.parts('operator'), params.handle);
			return { items: history };
		},
	);
	addMessage(api, desk);
}

function addMessage(api: Api, desk: Desk): void {
	api.get(
		'/commands/:handle/message',
		{
			schema: {
				...{ tags, operationId: 'messageOfCommand' },
				summary: 'The form that it could be sent with again',
				description:
					'Without its id, its time and where it came from. 404 where the message is not kept any more, or asked a node for something.',
				params: ofCommand,
				response: {
					200: z.object({ form: z.record(z.string(), z.unknown()) }),
					...problems('invalid', 'not-found', 'schema-newer'),
				},
			},
		},
		async ({ params }) => {
			const { handle } = params;
			const parts = desk.parts('operator');
			const view = await lookUpKnown(parts, handle);
			const envelope = view.lane === 'control' ? null : await keptMessage(parts, view);
			if (envelope) return { form: formOf(envelope) };
			const text = formatHandle(handle);
			throw new StewardError(
				'not-found',
				view.lane === 'control'
					? `${text} asked ${handle.node} to ${view.method}: it is no message that could be sent again`
					: `the message of ${text} is not kept any more: write it anew`,
				{ details: { handle: text } },
			);
		},
	);
}
