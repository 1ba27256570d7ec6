/**
 * Owns how the built dashboard is served: its one page at every path of its own, and its files under hashed names; and what is answered
 * where there is nothing. Promises that nothing outside its folder is served, that a browser asks again for the page but never for what
 * cannot change, and that who looks for a page at a path which is none gets the page, which says so, with 404. Only reads.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { systemCodeOf } from '../base/errors.ts';
import { unknownRoute } from './problem.ts';

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
		// As the build has compressed them.
		preCompressed: true,
		immutable: true,
		maxAge: '365d',
	});
	for (const path of pages) {
		app.get(path, { schema: { hide: true } }, (_request, reply) =>
			reply.header('cache-control', 'no-cache').sendFile('index.html', { maxAge: 0, immutable: false }),
		);
	}
	const page = await pageOf(webDir);
	app.setNotFoundHandler((request, reply) => {
		if (page === undefined || !wantsPage(request)) return unknownRoute(reply, request.method);
		return reply.code(404).type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(page);
	});
}

/** As a browser asks where somebody has typed an address, or followed a link. */
function wantsPage({ method, url, headers }: FastifyRequest): boolean {
	const isReading = method === 'GET' || method === 'HEAD';
	return isReading && !/^\/(api|metrics)(\/|\?|$)/.test(url) && /\btext\/html\b/.test(headers.accept ?? '');
}

/** Undefined where it was not built. */
async function pageOf(webDir: string): Promise<Buffer | undefined> {
	try {
		return await readFile(join(webDir, 'index.html'));
	} catch (error) {
		if (systemCodeOf(error) === 'ENOENT') return undefined;
		throw error;
	}
}
