/**
 * Owns the routes about nodes that only read: lists, one node, its queue, the deepest queues, and the methods that nodes offer.
 * Promises that they ask nobody but the centre's index.
 * Reads only.
 */

import { z } from 'zod';
import { StewardError } from '../../base/errors.ts';
import { methodViewSchema, queueViewSchema } from '../../domain/many-view-schema.ts';
import { viewSchemas } from '../../domain/view-schema.ts';
import { type Api, listOf, ofNode, pageOf, pageQuery, problems, someOf, where } from '../contract.ts';
import type { Desk } from '../desk.ts';

const tags = ['nodes'];
const { node, command } = viewSchemas;

export function addNodes(api: Api, desk: Desk): void {
	api.get(
		'/nodes',
		{
			schema: {
				...{ tags, operationId: 'listNodes' },
				summary: 'Nodes by name, and all that they say of themselves',
				querystring: z.strictObject({
					where: where.optional(),
					presence: someOf(node.shape.presence.options).optional(),
					...pageQuery(50),
				}),
				response: { 200: pageOf(node), ...problems('invalid') },
			},
		},
		({ query }) => desk.window().answers.nodes(query),
	);
	api.get(
		'/nodes/:node',
		{
			schema: {
				...{ tags, operationId: 'getNode' },
				summary: 'One node',
				params: ofNode,
				response: { 200: node, ...problems('invalid', 'not-found') },
			},
		},
		async ({ params }) => {
			const { items } = await desk.window().answers.nodes(params);
			const [view] = items;
			if (view) return view;
			const words = `nobody ever heard of a node ${params.node}, and nothing waits for it`;
			throw new StewardError('not-found', words, { details: params });
		},
	);
	api.get(
		'/nodes/:node/queue',
		{
			schema: {
				...{ tags, operationId: 'queueOfNode' },
				summary: 'What waits for a node or runs there, lane by lane, in the order of running',
				params: ofNode,
				querystring: z.strictObject({ cursor: pageQuery(200).cursor }),
				response: { 200: pageOf(command), ...problems('invalid') },
			},
		},
		({ params, query }) => desk.window().answers.queue({ ...params, ...query }),
	);
	addOverviews(api, desk);
}

function addOverviews(api: Api, desk: Desk): void {
	api.get(
		'/queues',
		{
			schema: {
				...{ tags, operationId: 'listQueues' },
				summary: 'Nodes that something waits for or runs on, the deepest queue first',
				querystring: z.strictObject({ limit: pageQuery(10_000, 100).limit }),
				response: { 200: listOf(queueViewSchema), ...problems('invalid') },
			},
		},
		async ({ query }) => ({ items: desk.window().answers.queues(query.limit) }),
	);
	api.get(
		'/methods',
		{
			schema: {
				...{ tags, operationId: 'listMethods' },
				summary: 'Methods that nodes offer, one for each different schema, most nodes first',
				response: { 200: listOf(methodViewSchema) },
			},
		},
		async () => ({ items: desk.window().answers.methods() }),
	);
}
