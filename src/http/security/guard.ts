/**
 * Owns who is let in: by which name the server is called, from which page, with which token, and as what.
 * Promises that nothing is let in by default: with accounts, with a token in the file or beyond loopback everything but signing in
 * needs a token that counts now; only operators change anything; and who loses his token loses what he is still being told.
 * Keeps the open requests of this process, and nothing else.
 */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isLoopback } from '../../base/address.ts';
import { isStewardError, StewardError } from '../../base/errors.ts';
import { Periodic } from '../../base/lifecycle.ts';
import type { HttpSettings } from '../../domain/config.ts';
import type { HttpOptions } from '../desk.ts';
import { problem, sendProblem } from '../problem.ts';
import { anybody, type Who } from '../who.ts';
import { changeProblem, hostProblem, isJson, isOfProxy, isReading, readProblem } from './origin.ts';
import { Sessions } from './sessions.ts';
import { TokenFile } from './token-file.ts';

/** Cookies know no ports: another steward of this machine has a session of its own. */
export function cookieNameOf(port: number): string {
	return `steward-${port}`;
}

/** Of the server that was asked. */
export function cookieNameFor({ socket }: FastifyRequest): string {
	return cookieNameOf(socket.localPort ?? 0);
}
/** Who loses his token is told nothing more after so long. */
const lookAgainMs = 2000;

declare module 'fastify' {
	interface FastifyContextConfig {
		/** Answered to everybody, though it is part of the API. */
		isPublic?: boolean;
		/** Answered also while there is no broker. */
		isWithoutBroker?: boolean;
	}
}

export class Guard {
	readonly #settings: HttpSettings;
	readonly #isSecured: boolean;
	/** What is sent from here would be signed by the centre, and nodes take no commands of people from it. */
	readonly #signsAsCentre: boolean;
	readonly #file: TokenFile;
	readonly #sessions: Sessions;
	/** Answers that go on, and whom they are for. */
	readonly #open = new Map<FastifyReply, Who>();
	/** Cuts off what those are told whose token counts no more. */
	readonly watch: Periodic;

	constructor({ settings, tokensFile, credentials, clock, log }: HttpOptions) {
		this.#settings = settings;
		const isBeyond = !isLoopback(settings.host) || settings.origins.length > 0;
		this.#isSecured = credentials !== undefined || isBeyond;
		this.#signsAsCentre = credentials?.role === 'centre';
		this.#file = new TokenFile(tokensFile, { clock, log });
		this.#sessions = new Sessions(clock);
		this.watch = new Periodic({
			...{ name: 'tokens', everyMs: lookAgainMs, clock, log },
			runOnce: () => this.#cutOff(),
		});
	}

	/** Everybody on this machine is an operator. */
	async isOpen(): Promise<boolean> {
		return !this.#isSecured && (await this.#file.isEmpty());
	}

	/** Whose token it is; undefined where it counts for nothing. */
	async whoHas(token: string): Promise<Who | undefined> {
		const entry = await this.#file.find(token);
		return entry && { name: entry.name, role: entry.role, token: entry.id, session: null };
	}

	/** Undefined where it is no token that counts. `id` is for the browser to keep. */
	async signIn(token: string): Promise<{ readonly who: Who; readonly id: string } | undefined> {
		const who = await this.whoHas(token);
		return who?.token ? { who, id: this.#sessions.begin(who.token) } : undefined;
	}

	/** The browser speaks TLS, to this server or to a reverse proxy in front of it. */
	isOverTls({ headers }: FastifyRequest): boolean {
		const { tls, origins } = this.#settings;
		const isPassedOn = isOfProxy(headers, origins) || origins.includes(headers.origin ?? '');
		return tls !== undefined || isPassedOn;
	}

	/** What its browser kept is worth nothing any more. */
	signOut({ who }: FastifyRequest): void {
		if (who?.session) this.#sessions.end(who.session);
	}

	/** Before everything else that a request meets. */
	addTo(app: FastifyInstance): void {
		app.decorateRequest('who', null);
		app.addHook('onRequest', async (request, reply) => {
			const { headers, method } = request;
			const { tls, origins } = this.#settings;
			const wrong =
				hostProblem(headers, this.#settings) ??
				(isReading(method) ? readProblem(headers) : changeProblem(headers, tls !== undefined, origins));
			if (wrong !== undefined) return sendProblem(reply, problem('forbidden', wrong));
			if (!isReading(method) && !isJson(headers))
				return sendProblem(reply, problem('invalid', 'content-type: expected application/json'));
			request.who = await this.#whoAsks(request).catch((error) => {
				// What everybody may ask is answered also while nobody can be told from anybody.
				if (needsToken(request) || !isStewardError(error, 'storage')) throw error;
				return null;
			});
		});
		// After the limit of requests, which counts for those as well who are not let in.
		app.addHook('preParsing', async (request, reply) => {
			if (!needsToken(request)) return;
			reply.header('cache-control', 'no-store');
			mayAsk(request, this.#signsAsCentre);
			this.#remember(request, reply);
		});
	}

	async #whoAsks(request: FastifyRequest): Promise<Who | null> {
		const token = bearerOf(request);
		const found = await (token === undefined ? this.#whoSignedIn(request) : this.whoHas(token));
		return found ?? ((await this.isOpen()) ? anybody : null);
	}

	async #whoSignedIn(request: FastifyRequest): Promise<Who | undefined> {
		const id = request.cookies[cookieNameFor(request)];
		const session = id === undefined ? undefined : this.#sessions.find(id);
		if (!session) return undefined;
		const entry = await this.#file.entryOf(session.token);
		if (!entry) return void this.#sessions.end(session.key);
		return { name: entry.name, role: entry.role, token: entry.id, session: session.key };
	}

	#remember({ who }: FastifyRequest, reply: FastifyReply): void {
		if (!who) return;
		this.#open.set(reply, who);
		reply.raw.once('close', () => this.#open.delete(reply));
	}

	/** Answers how many. Who is being told something is there yet: his session goes on. */
	async #cutOff(): Promise<number> {
		const asked = new Map<string, Promise<boolean>>();
		let count = 0;
		for (const [reply, who] of this.#open) {
			const key = `${who.token} ${who.session}`;
			const countsYet = asked.get(key) ?? this.#countsYet(who);
			asked.set(key, countsYet);
			if (await countsYet) continue;
			reply.raw.destroy();
			count += 1;
		}
		return count;
	}

	async #countsYet({ token, session }: Who): Promise<boolean> {
		try {
			const countsYet = token === null ? await this.isOpen() : await this.#file.entryOf(token);
			if (!countsYet) return false;
		} catch (error) {
			// He comes back by himself once it can be said that he may.
			if (isStewardError(error, 'storage')) return false;
			throw error;
		}
		if (session === null) return true;
		if (!this.#sessions.isOpen(session)) return false;
		this.#sessions.use(session);
		return true;
	}
}

/** What is no data of the fleet is shown to everybody: the page itself, and whether the server is there. */
function needsToken({ routeOptions, url }: FastifyRequest): boolean {
	if (routeOptions.config.isPublic) return false;
	const path = routeOptions.url ?? url;
	return path.startsWith('/api/') || path.startsWith('/metrics');
}

/** Authorization counts before the cookie: it was written for this request. */
function bearerOf({ headers }: FastifyRequest): string | undefined {
	return /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** @throws StewardError `unauthorized`, `denied` */
function mayAsk({ who, method }: FastifyRequest, signsAsCentre: boolean): void {
	if (!who) {
		throw new StewardError(
			'unauthorized',
			'this needs a token that counts: steward tokens add you --role operator makes one, on the machine of the centre',
		);
	}
	if (isReading(method)) return;
	if (signsAsCentre) {
		throw new StewardError(
			'denied',
			'nodes take no commands that the centre alone has signed: http.credentials names the file of an operator (steward enrol dashboard --role operator, steward trust publish)',
		);
	}
	if (who.role === 'operator') return;
	throw new StewardError('denied', `${who.name} may only look: changing something needs the role operator`);
}
