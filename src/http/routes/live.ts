/**
 * Owns the routes of what is live: all nodes in one answer, the totals, and the stream that continues both.
 * Promises a position with each answer, from which the stream goes on without a gap.
 * Keeps nothing.
 */

import { z } from 'zod';
import { parseDuration } from '../../base/duration.ts';
import { StewardError } from '../../base/errors.ts';
import { nodeRowSchema, totalsSchema } from '../../domain/row-schema.ts';
import { type Api, indexing, methodName, nodeName, problems, someOf, states, where } from '../contract.ts';
import { filterOf, topics } from '../live/filter.ts';
import type { Live } from '../live/live.ts';
import { seriesSchema, seriesView } from '../live/series-view.ts';
import { SseReader } from '../live/sse.ts';
import { invalid } from '../problem.ts';

const mostReaders = 1000;
const position = z.string().describe('the stream goes on from here: ?after=');

const streamQuery = z.strictObject({
	topics: someOf(topics).optional(),
	node: z
		.string()
		.transform((text) => text.split(',').map((name) => name.trim()))
		.pipe(z.array(nodeName))
		.optional()
		.describe('only these: ship1,ship2'),
	method: methodName.optional(),
	state: states.optional().describe('commands in one of these states, and what may have left them since'),
	where: where.optional(),
	after: z.string().optional().describe('the position that was told last, as Last-Event-ID says it'),
});

const dayMs = 24 * 3_600_000;

const tags = ['live'];

export function addLive(api: Api, live: Live): void {
	api.get(
		'/nodes/rows',
		{
			schema: {
				...{ tags, operationId: 'listNodeRows' },
				summary: 'All nodes, a row each, in one answer',
				response: { 200: z.object({ items: z.array(nodeRowSchema), position, indexing }) },
			},
		},
		async () => {
			await live.whenReady();
			const { rows, feed } = live;
			const items = rows.names().map((node) => rows.row(node));
			return { items, position: feed.position(), indexing: rows.indexing };
		},
	);
	api.get(
		'/totals',
		{
			schema: {
				...{ tags, operationId: 'totals' },
				summary: 'Counts over all nodes and commands',
				response: { 200: totalsSchema.extend({ position, indexing }) },
			},
		},
		async () => {
			await live.whenReady();
			const { rows, feed } = live;
			return { ...rows.totals(), position: feed.position(), indexing: rows.indexing };
		},
	);
	api.get(
		'/series',
		{
			schema: {
				...{ tags, operationId: 'series' },
				summary: 'How the totals went, for charts',
				querystring: z.strictObject({
					window: z
						.string()
						.default('1h')
						.describe('so far back, 24h at the most: 15m, 1h; more than 2h in steps of a minute'),
				}),
				response: { 200: seriesSchema, ...problems('invalid') },
			},
		},
		({ query }) => {
			const windowMs = parseDuration(query.window);
			if (windowMs === undefined || windowMs <= 0 || windowMs > dayMs)
				throw invalid(`window: expected a time of up to 24h, such as 1h, got "${query.window.slice(0, 60)}"`);
			return seriesView(live.series, windowMs);
		},
	);
	api.get(
		'/stream',
		{
			exposeHeadRoute: false,
			schema: {
				...{ tags, operationId: 'stream' },
				summary: 'What changes, as server-sent events',
				description:
					'`hello` at once; `changes`: everything that changed since the id before, rows as they are now; `beat` every 10 s, and when the broker goes or comes back (`broker`, `brokerLostAt`); ' +
					'`reset` where what was seen cannot be continued: load everything again. Last-Event-ID, or `after`, continues without a gap. ' +
					'The topic `dead` tells within some two seconds that the set of dead letters has changed, and how many there are; no other filter narrows it.',
				querystring: streamQuery,
				response: {
					200: {
						description: 'Until it is closed.',
						content: { 'text/event-stream': { schema: z.string() } },
					},
					...problems('invalid', 'refused'),
				},
			},
		},
		async (request, reply) => {
			await live.whenReady();
			// Who has gone meanwhile is heard of no more.
			if (reply.raw.destroyed) return void reply.hijack();
			const { feed } = live;
			if (feed.size >= mostReaders) {
				const words = `${mostReaders} streams are open already: close some, and try again`;
				throw new StewardError('refused', words);
			}
			const { after, ...form } = request.query;
			const last = request.headers['last-event-id'];
			reply.hijack();
			const sse = new SseReader(reply.raw, reply.getHeaders());
			feed.add(sse, filterOf(form), (Array.isArray(last) ? last[0] : last) ?? after);
		},
	);
}
