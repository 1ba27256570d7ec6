/**
 * Owns how the built dashboard is served: its one page at every path of its own, and its files under hashed names.
 * Promises that nothing outside its folder is served, and that a browser asks again for the page but never for what cannot change.
 * Only reads.
 */

import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Paths of the page's own; what they show it works out by itself. */
const pages = [
	'/',
	'/nodes',
	'/nodes/*',
	'/commands',
	'/commands/*',
	'/send',
	'/schedules',
	'/schedules/*',
	'/dead',
	'/dead/*',
	'/charts',
];

export async function addDashboard(app: FastifyInstance, webDir: string): Promise<void> {
	await app.register(fastifyStatic, {
		root: webDir,
		index: false,
		wildcard: false,
		immutable: true,
		maxAge: '365d',
	});
	for (const path of pages) {
		app.get(path, { schema: { hide: true } }, (_request, reply) =>
			reply.header('cache-control', 'no-cache').sendFile('index.html', { maxAge: 0, immutable: false }),
		);
	}
}
