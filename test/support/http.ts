/**
 * Owns the making of the operator's window in tests: a real HTTP server on a real centre, and asking it.
 * Promises a free port on loopback, and that it is stopped when the test ends.
 * Keeps nothing but its token file, in a folder that is gone at the end.
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { createLog, type Log } from '../../src/base/log.ts';
import type { CentreWindow } from '../../src/central/central.ts';
import { compileConfig } from '../../src/domain/config.ts';
import { HttpServer } from '../../src/http/http-server.ts';
import type { Credentials } from '../../src/security/credentials.ts';
import { tempDir } from './temp.ts';

const silent = await createLog({ level: 'silent', pretty: false });

export type Answer = {
	readonly status: number;
	readonly headers: Headers;
	/** Of JSON; else undefined. */
	readonly json: unknown;
	readonly text: string;
};

export type Ask = {
	readonly method?: string;
	readonly body?: unknown;
	readonly headers?: Readonly<Record<string, string>>;
};

export type StartedHttp = AsyncDisposable & {
	readonly server: HttpServer;
	readonly url: string;
	readonly tokensFile: string;
	/** `path` below /api/v1. */
	ask(path: string, ask?: Ask): Promise<Answer>;
};

export async function startHttp(
	window: () => CentreWindow | undefined,
	options: {
		readonly http?: Readonly<Record<string, unknown>>;
		readonly credentials?: Credentials | undefined;
		readonly log?: Log;
		readonly clock?: Clock;
		/** The built dashboard's page; none where it is left out. */
		readonly page?: string;
	} = {},
): Promise<StartedHttp> {
	const folder = await tempDir('steward-http-');
	const webDir = join(folder.path, 'web');
	await mkdir(webDir);
	if (options.page !== undefined) await writeFile(join(webDir, 'index.html'), options.page);
	const config = compileConfig([{ data: folder.path, http: { port: 0, ...options.http } }]);
	const tokensFile = join(folder.path, 'tokens.json');
	const server = new HttpServer({
		...{ settings: config.http, tokensFile, credentials: options.credentials, window },
		...{
			webDir,
			version: 'test',
			cli: 'steward',
			clock: options.clock ?? systemClock,
			log: options.log ?? silent,
		},
	});
	await server.start().catch(async (error) => {
		await folder[Symbol.asyncDispose]();
		throw error;
	});
	const url = server.url ?? '';
	return {
		...{ server, url, tokensFile },
		ask: (path, one) => askUrl(`${url}/api/v1${path}`, one),
		[Symbol.asyncDispose]: async () => {
			await server.stop();
			await folder[Symbol.asyncDispose]();
		},
	};
}

/** JSON both ways; what is not GET says that it is JSON, as the server wants it. */
export async function askUrl(url: string, { method = 'GET', body, headers = {} }: Ask = {}): Promise<Answer> {
	const answer = await fetch(url, {
		method,
		headers: { ...(method === 'GET' ? {} : { 'content-type': 'application/json' }), ...headers },
		...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
	});
	const text = await answer.text();
	const isJson = /json/.test(answer.headers.get('content-type') ?? '') && !text.includes('}\n{');
	return {
		status: answer.status,
		headers: answer.headers,
		json: isJson && text !== '' ? JSON.parse(text) : undefined,
		text,
	};
}
