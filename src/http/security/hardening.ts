/**
 * Owns what every answer and every request is bounded by: headers, compression, how often one may ask, what a body may be.
 * Promises that a page of this server runs no script but its own and talks to nobody else, and that nobody can wear it out by asking.
 * Keeps counts of requests for a minute.
 */

import compress from '@fastify/compress';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import type { HttpSettings } from '../../domain/config.ts';

const nothing = ["'none'"];
const own = ["'self'"];
const policy = {
	defaultSrc: nothing,
	scriptSrc: own,
	styleSrc: own,
	imgSrc: [...own, 'data:'],
	connectSrc: own,
	fontSrc: own,
	baseUri: nothing,
	formAction: own,
	frameAncestors: nothing,
};
/** Not what goes on: each piece of it is to come at once. */
const compressible =
	/^(application\/(problem\+)?json|application\/javascript|image\/svg\+xml|text\/(html|css|javascript)|text\/plain; version=)/;
const healthPaths: readonly string[] = ['/healthz', '/readyz'];

export async function harden(app: FastifyInstance, { tls, requestsPerMinute }: HttpSettings): Promise<void> {
	await app.register(helmet, {
		contentSecurityPolicy: { useDefaults: false, directives: policy },
		strictTransportSecurity: tls !== undefined,
		referrerPolicy: { policy: 'no-referrer' },
		xFrameOptions: { action: 'deny' },
	});
	await app.register(compress, {
		globalDecompression: false,
		customTypes: compressible,
		encodings: ['br', 'gzip', 'identity'],
	});
	await app.register(cookie);
	await app.register(rateLimit, {
		max: requestsPerMinute,
		timeWindow: 60_000,
		keyGenerator: ({ who, ip }) => (who?.token ? `token ${who.token}` : `address ${ip}`),
		allowList: ({ routeOptions }) => healthPaths.includes(routeOptions.url ?? ''),
		errorResponseBuilder: (_request, { after }) =>
			Object.assign(new Error(`too many requests: ask again in ${after}`), { statusCode: 429 }),
	});
	readJsonOnly(app);
}

/** An empty body is none: whoever asks for something without saying more says that it is JSON all the same. */
function readJsonOnly(app: FastifyInstance): void {
	const parse = app.getDefaultJsonParser('error', 'error');
	app.removeAllContentTypeParsers();
	app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
		if (body.length === 0) return done(null, null);
		return parse(request, body.toString(), done);
	});
}
