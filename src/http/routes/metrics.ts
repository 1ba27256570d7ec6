/**
 * Owns `/metrics` of the window: Prometheus' text, and how long the window's own requests take.
 * Promises that what never ends (a stream, a followed output) is not counted as a request.
 * Keeps nothing.
 */

import type { FastifyInstance } from 'fastify';
import type { Desk } from '../desk.ts';
import { CentreMetrics } from '../metrics/centre-metrics.ts';

const endless: readonly string[] = ['/api/v1/stream', '/api/v1/commands/:handle/output'];

/** Before the routes whose requests are to be counted. */
export function addMetrics(app: FastifyInstance, { glance, options: { clock } }: Desk): void {
	const metrics = new CentreMetrics({ glance, clock });
	app.addHook('onClose', async () => metrics.end());
	app.addHook('onResponse', async (request, reply) => {
		// What no route has may have any address.
		const route = request.routeOptions.url ?? 'none';
		if (!endless.includes(route))
			metrics.answered(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
	});
	app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
		const text = await metrics.text();
		return reply.type(metrics.contentType).header('cache-control', 'no-store').send(text);
	});
}
