/**
 * Owns the small HTTP server on which a node tells its metrics, where its settings ask for one.
 * Promises `GET /metrics` and nothing else, on loopback unless another address is named, and no connection left after its stop.
 * Keeps nothing.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bracketed, isLoopback, unbracketed } from '../../base/address.ts';
import { messageOf, StewardError, systemCodeOf } from '../../base/errors.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';

export type MetricsServerOptions = {
	readonly host: string;
	/** 0 picks a free one. */
	readonly port: number;
	/** Made with each start, and ended with its stop. */
	readonly metrics: () => { readonly contentType: string; text(): Promise<string>; end(): void };
	readonly log: Log;
};

export class MetricsServer implements Service {
	readonly name = 'metrics';
	readonly #options: MetricsServerOptions;
	readonly #lifecycle: Lifecycle;
	#server: Server | undefined;
	#metrics: ReturnType<MetricsServerOptions['metrics']> | undefined;

	constructor(options: MetricsServerOptions) {
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			() => this.#begin(),
			() => this.#end(),
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Where it listens; undefined while it does not. */
	get url(): string | undefined {
		const address = this.#server?.listening ? this.#server.address() : undefined;
		if (!isInternet(address)) return undefined;
		return `http://${bracketed(this.#options.host)}:${address.port}/metrics`;
	}

	/** @throws StewardError `already-running` where its port is taken */
	async #begin(): Promise<void> {
		const { host, port, metrics } = this.#options;
		const server = createServer((request, response) => void this.#answer(request, response));
		this.#server = server;
		this.#metrics = metrics();
		await new Promise<void>((resolve, reject) => {
			server.once('error', (error) => reject(notListening(error, host, port)));
			server.listen({ host, port }, resolve);
		});
	}

	async #end(): Promise<void> {
		const server = this.#server;
		this.#server = undefined;
		this.#metrics?.end();
		this.#metrics = undefined;
		if (!server?.listening) return;
		const closed = new Promise<void>((resolve) => server.close(() => resolve()));
		server.closeAllConnections();
		await closed;
	}

	async #answer({ method, url, headers }: IncomingMessage, response: ServerResponse): Promise<void> {
		const metrics = this.#metrics;
		const say = (status: number, text: string) =>
			response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
		// A page of elsewhere whose name leads here must not read what only this machine may.
		if (!this.#isOurs(headers.host)) return void say(403, 'this host name is not served here');
		if (url?.split('?')[0] !== '/metrics') return void say(404, 'only /metrics is here');
		if (method !== 'GET' && method !== 'HEAD') return void say(405, 'only GET is answered');
		if (!metrics) return void say(503, 'the node is stopping');
		try {
			const text = await metrics.text();
			response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' }).end(text);
		} catch (error) {
			this.#options.log.error({ err: messageOf(error) }, 'metrics could not be read');
			say(500, 'the metrics could not be read: the log of the node says why');
		}
	}

	#isOurs(host: string | undefined): boolean {
		if (!isLoopback(this.#options.host)) return true;
		return isLoopback(unbracketed((host ?? '').replace(/:\d+$/, '')));
	}
}

function isInternet(address: ReturnType<Server['address']> | undefined): address is AddressInfo {
	return typeof address === 'object' && address !== null;
}

function notListening(error: Error, host: string, port: number): Error {
	if (systemCodeOf(error) !== 'EADDRINUSE') return error;
	const message = `port ${port} of ${host} is taken by another program: node.metrics.port or --metrics names another one`;
	return new StewardError('already-running', message, { cause: error });
}
