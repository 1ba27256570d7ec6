/**
 * Owns the routes that make nodes hold back and go on, and that take them out of service and back.
 * Promises a receipt for each wish: it waits for an absent node, and what came of it is asked for by its handle.
 * What was asked before we die stays asked; asking again does no harm.
 */

import { z } from 'zod';
import { pausableLanes } from '../../domain/control.ts';
import { viewSchemas } from '../../domain/view-schema.ts';
import { type Api, methodName, ofNode, problems, reason } from '../contract.ts';
import type { Desk } from '../desk.ts';
import { authorOf } from '../who.ts';

const tags = ['nodes'];
const lanes = z.array(z.enum(pausableLanes)).min(1).optional();
const response = {
	201: viewSchemas.receipt,
	...problems('invalid', 'refused', 'ambiguous'),
};

export function addHolds(api: Api, desk: Desk): void {
	api.post(
		'/nodes/:node/pause',
		{
			schema: {
				...{ tags, operationId: 'pauseNode' },
				summary: 'Start nothing more on some lanes, until they are resumed',
				params: ofNode,
				body: z
					.strictObject({ lanes: lanes.describe('urgent, normal and bulk if left out'), reason })
					.nullish(),
				response,
			},
		},
		async (request, reply) => {
			const receipt = await desk.fleet(authorOf(request)).pause(request.params.node, request.body ?? {});
			return reply.code(201).send(receipt);
		},
	);
	api.post(
		'/nodes/:node/resume',
		{
			schema: {
				...{ tags, operationId: 'resumeNode' },
				summary: 'Undo pause, drain and stop: of some lanes, of one method, or of everything',
				params: ofNode,
				body: z.strictObject({ lanes, method: methodName.optional(), reason }).nullish(),
				response,
			},
		},
		async (request, reply) => {
			const receipt = await desk.fleet(authorOf(request)).resume(request.params.node, request.body ?? {});
			return reply.code(201).send(receipt);
		},
	);
	api.post(
		'/nodes/:node/drain',
		{
			schema: {
				...{ tags, operationId: 'drainNode' },
				summary: 'Start nothing more on any lane, until its next start or until it is resumed',
				description: 'One that arrives more than ten minutes later is not done at all.',
				params: ofNode,
				body: z.strictObject({ reason }).nullish(),
				response,
			},
		},
		async (request, reply) => {
			const receipt = await desk.fleet(authorOf(request)).drain(request.params.node, request.body ?? {});
			return reply.code(201).send(receipt);
		},
	);
	api.post(
		'/nodes/:node/stop',
		{
			schema: {
				...{ tags, operationId: 'stopMethod' },
				summary: 'Run a method no more, until it is resumed',
				params: ofNode,
				body: z.strictObject({ method: methodName, reason }),
				response,
			},
		},
		async (request, reply) => {
			const receipt = await desk.fleet(authorOf(request)).stop(request.params.node, request.body);
			return reply.code(201).send(receipt);
		},
	);
	addService(api, desk);
}

function addService(api: Api, desk: Desk): void {
	api.post(
		'/nodes/:node/decommission',
		{
			schema: {
				...{ tags, operationId: 'decommissionNode' },
				summary: 'Take a node out of service, and end what waits or runs there',
				description: 'settled false: a centre has not given all of it its end yet; one will.',
				params: ofNode,
				body: z.strictObject({ reason }).nullish(),
				response: {
					200: z.object({
						node: z.string(),
						settled: z.boolean(),
						cancelled: z.number().int().min(0),
						lost: z.number().int().min(0),
					}),
					...problems('invalid', 'not-found', 'ambiguous'),
				},
			},
		},
		(request) => desk.fleet(authorOf(request)).decommission(request.params.node, request.body ?? {}),
	);
	api.post(
		'/nodes/:node/recommission',
		{
			schema: {
				...{ tags, operationId: 'recommissionNode' },
				summary: 'Take a node back into service',
				params: ofNode,
				body: z.strictObject({}).nullish(),
				response: {
					200: z.object({
						node: z.string(),
						recommissioned: z.boolean().describe('false: it was in service'),
					}),
					...problems('invalid', 'ambiguous'),
				},
			},
		},
		async (request) => {
			const { node } = request.params;
			return { node, recommissioned: await desk.fleet(authorOf(request)).recommission(node) };
		},
	);
}
