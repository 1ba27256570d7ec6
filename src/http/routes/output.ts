/**
 * Owns the route to a command's output: its pieces as they come, or the bytes of one stream.
 * Promises the pace of whoever reads, however much there is, and that nothing goes on for one who has gone.
 * Reads only.
 */

import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { StewardError } from '../../base/errors.ts';
import type { Fleet } from '../../client/fleet.ts';
import { logView } from '../../client/log-view.ts';
import type { LogPiece } from '../../client/logs.ts';
import { lookUpKnown } from '../../client/lookup.ts';
import { formatHandle } from '../../domain/names.ts';
import { outputStreams } from '../../domain/output.ts';
import { viewSchemas } from '../../domain/view-schema.ts';
import { type Api, isTrue, ofCommand, problems } from '../contract.ts';
import type { Desk } from '../desk.ts';
import { authorOf } from '../who.ts';

/** At once: each has a consumer at the broker, and up to 2 MiB for a reader that is slow. */
const mostReaders = 100;

export function addOutput(api: Api, desk: Desk): void {
	let readers = 0;
	api.get(
		'/commands/:handle/output',
		{
			exposeHeadRoute: false,
			schema: {
				tags: ['commands'],
				operationId: 'outputOfCommand',
				summary: 'The output of a command, a piece a line; as text the bytes of one stream',
				description:
					'With follow it goes on while the command waits or runs, until all of its output is here. ' +
					'Asked for text/plain (Accept), or with download, it answers the bytes of one stream, stdout if none is named; ' +
					'with download as a file to be kept, so that a plain link saves all of it.',
				params: ofCommand,
				querystring: z.strictObject({
					follow: isTrue.optional(),
					stream: z.enum(outputStreams).optional().describe('this one only'),
					download: isTrue.optional().describe('as a file: <handle>.<stream>.txt'),
				}),
				response: {
					200: {
						description: 'pieces, or bytes',
						content: {
							'application/x-ndjson': { schema: viewSchemas.log },
							'text/plain': { schema: z.string() },
						},
					},
					...problems('invalid', 'not-found', 'refused', 'schema-newer'),
				},
			},
		},
		async (request, reply) => {
			const { handle } = request.params;
			const { follow = false, stream, download = false } = request.query;
			const fleet = desk.fleet(authorOf(request));
			if (readers >= mostReaders) {
				const words = `${mostReaders} outputs are being read already: close some, and try again`;
				throw new StewardError('refused', words);
			}
			readers += 1;
			reply.raw.once('close', () => {
				readers -= 1;
			});
			// Before the first byte, while it can be told in a status.
			await lookUpKnown(desk.parts('operator'), handle);
			const isText = download || request.headers.accept?.startsWith('text/plain') === true;
			const streams = stream ? [stream] : isText ? ([outputStreams[0]] as const) : outputStreams;
			if (download) {
				// Names of nodes and ids have no sign that would have to be quoted.
				const name = `${formatHandle(handle)}.${streams[0]}.txt`;
				reply.header('content-disposition', `attachment; filename="${name}"`);
			}
			const gone = new AbortController();
			reply.raw.once('close', () => gone.abort());
			const pieces = fleet.logs(handle, { follow, streams, signal: gone.signal });
			return isText
				? send(reply, 'text/plain; charset=utf-8', bytesOf(pieces))
				: send(reply, 'application/x-ndjson; charset=utf-8', linesOf(formatHandle(handle), pieces));
		},
	);
}

function send(reply: FastifyReply, type: string, parts: AsyncIterable<Uint8Array | string>): FastifyReply {
	return reply
		.type(type)
		.header('x-accel-buffering', 'no')
		.send(Readable.from(parts, { objectMode: false }));
}

async function* linesOf(handle: string, pieces: ReturnType<Fleet['logs']>): AsyncGenerator<string> {
	for await (const piece of pieces) yield `${JSON.stringify(logView(handle, piece))}\n`;
}

async function* bytesOf(pieces: AsyncIterable<LogPiece>): AsyncGenerator<Uint8Array> {
	for await (const piece of pieces) if (piece.kind === 'chunk') yield piece.data;
}
