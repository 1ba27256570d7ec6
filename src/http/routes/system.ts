/**
 * Owns the routes about the installation itself: its streams, its health, the signed documents in effect.
 * Promises that health names what is wrong, each in a sentence.
 * Reads only.
 */

import { z } from 'zod';
import { messageOf } from '../../base/errors.ts';
import { documentView } from '../../client/trust.ts';
import { documentKinds } from '../../domain/document.ts';
import { viewSchemas } from '../../domain/view-schema.ts';
import { summarizeStreams } from '../../jetstream/topology.ts';
import { type Api, listOf } from '../contract.ts';
import type { Desk } from '../desk.ts';

const tags = ['system'];

const healthSchema = z.object({
	status: z.enum(['ok', 'degraded']),
	broker: z.object({
		up: z.boolean(),
		server: z.string().nullable().describe('version of the nats-server; null while there is none'),
	}),
	centre: z.object({
		leads: z.boolean().describe('this one writes; of several one does'),
		indexing: z.boolean().describe('it is still reading what the broker holds'),
	}),
	version: z.string(),
	problems: z.array(z.string()).describe('a sentence each'),
});

export function addSystem(api: Api, desk: Desk): void {
	api.get(
		'/streams',
		{
			schema: {
				...{ tags, operationId: 'listStreams' },
				summary: 'What the broker holds, stream by stream',
				response: { 200: listOf(viewSchemas.stream) },
			},
		},
		async () => ({ items: [...(await summarizeStreams(desk.window().connection))] }),
	);
	api.get(
		'/health',
		{
			config: { isWithoutBroker: true },
			schema: {
				...{ tags, operationId: 'health' },
				summary: 'Whether it works, and what does not',
				response: { 200: healthSchema },
			},
		},
		() => healthOf(desk),
	);
	for (const kind of documentKinds) {
		api.get(
			`/${kind}`,
			{
				schema: {
					...{ tags, operationId: `${kind}List` },
					summary:
						kind === 'trust' ? 'Whom nodes trust: the list in effect' : 'Who may do what: the list in effect',
					response: {
						200: z.object({ document: viewSchemas.document.nullable().describe('null: there is none') }),
					},
				},
			},
			async () => {
				const version = await desk.fleet('operator').trust.get(kind);
				return { document: version ? documentView(version) : null };
			},
		);
	}
}

/** A stream that is fuller than this takes no more soon. */
const fullFrom = 0.9;

async function healthOf(desk: Desk): Promise<z.infer<typeof healthSchema>> {
	const window = desk.glance();
	const up = window?.isUp() === true;
	const indexing = window?.index.isComplete !== true;
	const problems: string[] = [];
	if (!window) problems.push('the centre has not found its broker yet');
	else if (!up) problems.push('the broker does not answer: commands wait in outboxes until it is back');
	else problems.push(...(await streamProblems(window.connection)));
	if (up && indexing)
		problems.push('the centre is still reading what the broker holds: lists may lack something');
	return {
		status: problems.length === 0 ? 'ok' : 'degraded',
		broker: { up, server: window?.connection.nc.info?.version ?? null },
		centre: { leads: window?.leads() === true, indexing },
		version: desk.options.version,
		problems,
	};
}

async function streamProblems(connection: Parameters<typeof summarizeStreams>[0]): Promise<string[]> {
	try {
		return (await summarizeStreams(connection))
			.filter(({ bytes, maxBytes }) => maxBytes > 0 && bytes > fullFrom * maxBytes)
			.map(
				({ name, bytes, maxBytes }) =>
					`the stream ${name} is ${Math.round((100 * bytes) / maxBytes)} % full (steward streams ls)`,
			);
	} catch (error) {
		return [`the broker does not tell of its streams: ${messageOf(error)}`];
	}
}
