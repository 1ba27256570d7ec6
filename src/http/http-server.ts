/**
 * Owns the operator's window on a centre: one HTTP server with the API, the live stream, metrics and the dashboard.
 * Promises that it listens on loopback unless it has a certificate, that it answers (503) while there is no broker yet, and that after
 * its stop no connection is left. It keeps nothing: what it shows is the centre's index, and what it changes goes to the broker first.
 */

import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import Fastify, { type FastifyInstance } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { bracketed } from '../base/address.ts';
import { messageOf, StewardError, systemCodeOf } from '../base/errors.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import { addApi } from './api.ts';
import { addDashboard } from './dashboard.ts';
import { type Desk, type HttpOptions, openDesk, usualPort } from './desk.ts';
import { Live } from './live/live.ts';
import { answerProblems } from './problem.ts';
import { addHealth } from './routes/health.ts';
import { addMetrics } from './routes/metrics.ts';
import { Guard } from './security/guard.ts';
import { harden } from './security/hardening.ts';

/** Of a request without its files: a command's data is bounded by the broker's max_payload, 1 MiB by default. */
const bodyLimitBytes = 4 * 1024 * 1024;

/** Until a request is here whole; who sends it more slowly holds a connection, and memory, that others need. */
const requestTimeoutMs = 60_000;
/** Open at once: more than the streams that may be (routes/live.ts), and far fewer than files that the centre may have open. */
const mostConnections = 2000;

/** A handle, each character of which may be written as three. */
const longestParam = 3 * 128;

export class HttpServer implements Service {
	readonly name = 'http';
	readonly #options: HttpOptions;
	readonly #lifecycle: Lifecycle;
	#app: FastifyInstance | undefined;
	#live: Live | undefined;
	#guard: Guard | undefined;
	#url: string | undefined;

	constructor(options: HttpOptions) {
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

	/** Where it listens; undefined where its usual port was taken by another program and nobody had named one. */
	get url(): string | undefined {
		return this.#url;
	}

	/** @throws StewardError `already-running` where the port that was named is taken, `storage` where its certificate cannot be read, `invalid` where it is none, or the address is not this machine's */
	async #begin(): Promise<void> {
		const { settings, log } = this.#options;
		const desk = openDesk(this.#options);
		const [live, guard] = [new Live(desk), new Guard(this.#options)];
		const app = await makeApp(desk, guard, live);
		this.#app = app;
		this.#live = live;
		this.#guard = guard;
		try {
			await app.listen({ host: settings.host, port: settings.port ?? usualPort });
		} catch (error) {
			await app.close();
			this.#app = undefined;
			if (systemCodeOf(error) !== 'EADDRINUSE') throw notListening(error, settings);
			const taken = `port ${settings.port ?? usualPort} is taken by another program`;
			if (settings.port !== undefined) {
				throw new StewardError('already-running', `${taken}: http.port or --http names another one`, {
					cause: error,
				});
			}
			return log.warn(`${taken}: no API and no dashboard here; --http 0 picks a free one`);
		}
		await live.start();
		const { port } = app.server.address() as AddressInfo;
		await guard.watch.start();
		this.#url = `${settings.tls ? 'https' : 'http'}://${bracketed(settings.host)}:${port}`;
	}

	async #end(): Promise<void> {
		this.#url = undefined;
		await this.#live?.stop();
		await this.#guard?.watch.stop();
		await this.#app?.close();
		this.#app = undefined;
		this.#guard = undefined;
	}
}

/** With the field that is wrong. */
function notListening(error: unknown, { host, port = usualPort }: HttpOptions['settings']): StewardError {
	const words = `nothing can listen on port ${port} of ${host} (${messageOf(error)})`;
	const next = 'http.host and http.port, or --http, name another place of this machine';
	return new StewardError('invalid', `${words}: ${next}`, { cause: error });
}

/** @throws StewardError `invalid` */
function checkPems(pems: { readonly cert: Buffer; readonly key: Buffer }): void {
	try {
		createSecureContext(pems);
	} catch (error) {
		const words = `http.tls: cert and key are no certificate with its key, PEM each (${messageOf(error)})`;
		throw new StewardError('invalid', words, { cause: error });
	}
}

async function pemOf(path: string, what: 'cert' | 'key'): Promise<Buffer> {
	try {
		return await readFile(path);
	} catch (error) {
		const words = `http.tls.${what} cannot be read: ${messageOf(error)}`;
		throw new StewardError('storage', words, { cause: error, details: { path } });
	}
}

async function makeApp(desk: Desk, guard: Guard, live: Live): Promise<FastifyInstance> {
	const { options } = desk;
	const { tls } = options.settings;
	const https = tls && { cert: await pemOf(tls.cert, 'cert'), key: await pemOf(tls.key, 'key') };
	if (https) checkPems(https);
	const app: FastifyInstance = Fastify({
		...(https ? { https } : {}),
		bodyLimit: bodyLimitBytes,
		requestTimeout: requestTimeoutMs,
		forceCloseConnections: true,
		routerOptions: { maxParamLength: longestParam },
		// What goes wrong is answered, and logged where it is a defect (problem.ts).
		logger: false,
	});
	app.server.maxConnections = mostConnections;
	app.setValidatorCompiler(validatorCompiler);
	// Answers are typed by their schemas: ten thousand of them are not checked once more on their way out.
	app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
	answerProblems(app, options.log);
	await harden(app, options.settings);
	guard.addTo(app);
	addMetrics(app, desk);
	addHealth(app, desk);
	await addApi(app, desk, guard, live);
	await addDashboard(app, options.webDir);
	return app;
}
