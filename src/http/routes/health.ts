/**
 * Owns the two questions of a load balancer or a service manager: does it live, and may it be asked.
 * Promises that `/healthz` says only that the process answers, and `/readyz` that the broker is there and the index is read.
 * Keeps nothing.
 */

import type { FastifyInstance } from 'fastify';
import type { Desk } from '../desk.ts';

export function addHealth(app: FastifyInstance, desk: Desk): void {
	app.get('/healthz', { schema: { hide: true } }, () => ({ status: 'alive' }));
	app.get('/readyz', { schema: { hide: true } }, (_request, reply) => {
		const window = desk.glance();
		const broker = window?.isUp() === true;
		const index = window?.index.isComplete === true;
		return reply
			.code(broker && index ? 200 : 503)
			.send({ status: broker && index ? 'ready' : 'not ready', broker, index });
	});
}
