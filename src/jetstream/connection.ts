/**
 * Owns the connection to the broker: how it is opened, kept, noticed as lost, and closed.
 * Promises a `Link` that starts without a broker and finds it later, and an `openConnection` that says at once when none answers.
 * The client buffers nothing across a disconnect: what must not be lost is in an outbox before it is published.
 */

import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, createInbox, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { type Clock, withDeadline } from '../base/clock.ts';
import { isStewardError, messageOf, StewardError } from '../base/errors.ts';
import { Lifecycle, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import { importedApi, inboxPrefixOf } from '../domain/subject.ts';
import { refusalOf } from './errors.ts';
import { Reach } from './reach.ts';
import { notLetIn, sayRefusals, silentHint } from './refusals.ts';
import { checkTlsFiles, type TlsChoice, tlsOptions } from './tls.ts';

/** An open connection with its JetStream clients. */
export type Connection = {
	readonly nc: NatsConnection;
	readonly js: JetStreamClient;
	readonly jsm: JetStreamManager;
	readonly reach: Reach;
	/** JetStream domain of the hub, where it was named: it may be behind the server that answers here. */
	readonly domain: string | undefined;
	/** What the subjects of JetStream's API begin with. */
	readonly api: string;
	/** A new subject for the answers to one question; where the broker has accounts, one that only this user may hear. */
	readonly newInbox: () => string;
};

/** How long one request to the broker may take, milliseconds. A timeout is ambiguous, never "refused". */
export const requestTimeoutMs = 5000;

const flushWithinMs = 1000;

/** The parts of a credentials file that a connection needs. */
type ConnectCredentials = {
	readonly bytes: Uint8Array;
	/** Of the user. */
	readonly name: string;
	/** `node` and `viewer` reach JetStream through another account. */
	readonly role: string | undefined;
};

type ConnectOptions = {
	servers: readonly string[];
	/** Shown by the server for this connection. */
	name: string;
	/** JetStream domain of the hub, needed where `servers` are leaf servers with a domain of their own. */
	domain?: string | undefined;
	/** Who connects, where the broker has accounts. */
	credentials?: ConnectCredentials | undefined;
	/** As in the configuration. */
	tls?: TlsChoice;
	/** How long the first answer may take, milliseconds. */
	timeoutMs?: number;
};

/**
 * Connects once. The connection reconnects by itself afterwards, for ever.
 * @throws StewardError `no-broker` when no server answers, `unauthorized` when one does not let it in.
 */
export async function openConnection(options: ConnectOptions): Promise<Connection> {
	const { domain, timeoutMs = 2000, credentials } = options;
	let connection: Connection;
	await checkTlsFiles(options);
	try {
		const nc = await connect({
			servers: [...options.servers],
			name: options.name,
			timeout: timeoutMs,
			// Defaults notice a dead link after six minutes.
			pingInterval: 15_000,
			maxPingOut: 2,
			maxReconnectAttempts: -1,
			reconnectTimeWait: 500,
			reconnectJitter: 1000,
			reconnectJitterTLS: 1000,
			ignoreAuthErrorAbort: true,
			noAsyncTraces: true,
			...(credentials && {
				authenticator: credsAuthenticator(credentials.bytes),
				inboxPrefix: inboxPrefixOf(credentials.name),
			}),
			...tlsOptions(options),
		});
		connection = await connectionOver(nc, options);
	} catch (error) {
		if (isStewardError(error)) throw error;
		const refusal = refusalOf(error);
		if (refusal !== undefined) throw notLetIn(options.servers, refusal, error);
		throw new StewardError(
			'no-broker',
			`no broker answers at ${options.servers.join(', ')}: start one (steward up), or name another (--servers, STEWARD_SERVERS)${silentHint(error, tlsOptions(options).tls !== undefined)}`,
			{ cause: error },
		);
	}
	if (domain === undefined || (await connection.reach.whenUp(timeoutMs))) return connection;
	await connection.nc.close();
	throw new StewardError(
		'no-broker',
		`${options.servers.join(', ')} answers, but the JetStream domain ${domain} behind it does not: the leaf server has no link to the hub ` +
			'at the moment, or the domain has another name (--domain, STEWARD_DOMAIN)',
	);
}

async function connectionOver(
	nc: NatsConnection,
	{ domain, credentials }: ConnectOptions,
): Promise<Connection> {
	const isImported = credentials?.role === 'node' || credentials?.role === 'viewer';
	const ofDomain = domain === undefined ? '$JS.API' : `$JS.${domain}.API`;
	const api = isImported ? importedApi : ofDomain;
	const reach = new Reach(nc, domain === undefined ? undefined : { domain, api });
	void reach.follow();
	const options = { timeout: requestTimeoutMs, apiPrefix: api };
	const prefix = credentials && inboxPrefixOf(credentials.name);
	// `checkAPI: false` asks nothing of the server.
	const jsm = await jetstreamManager(nc, { ...options, checkAPI: false });
	return { nc, reach, domain, api, newInbox: () => createInbox(prefix), js: jetstream(nc, options), jsm };
}

/** Ends a connection; what was published before is sent first, within a bound. */
export async function closeConnection({ nc }: Connection, clock: Clock): Promise<void> {
	if (nc.isClosed()) return;
	try {
		await withDeadline(clock, nc.flush(), flushWithinMs, () => new Error('the broker does not answer'));
	} catch {
		// Then what was said is lost with the link, as it would be in any disconnect.
	}
	await nc.close();
}

/** How long the server takes to answer the least that it can be asked, milliseconds. @throws StewardError `no-broker` */
export async function roundTripMs({ nc }: Connection, clock: Clock): Promise<number> {
	const askedAt = clock.monotonic();
	try {
		await withDeadline(clock, nc.flush(), requestTimeoutMs, () => new Error('no answer in time'));
	} catch (error) {
		throw new StewardError('no-broker', 'the broker does not answer', { cause: error });
	}
	return clock.monotonic() - askedAt;
}

type LinkListener = (connection: Connection) => void;

/**
 * A connection that is looked for until it is there. `onUp` fires on the first connect and on every reconnect,
 * `onDown` on every loss; both also tell a listener that comes later what is the case.
 */
export class Link implements Service {
	readonly name = 'link';
	readonly #options: ConnectOptions & { clock: Clock; log: Log };
	readonly #lifecycle: Lifecycle;
	readonly #up = new Set<LinkListener>();
	readonly #down = new Set<() => void>();
	#stopping = new AbortController();
	#looking: Promise<void> = Promise.resolve();
	#connection: Connection | undefined;
	#isUp = false;

	constructor(options: ConnectOptions & { clock: Clock; log: Log }) {
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#stopping = new AbortController();
				this.#looking = this.#look(this.#stopping.signal);
			},
			async () => {
				this.#stopping.abort();
				await this.#looking;
				const connection = this.#connection;
				this.#connection = undefined;
				this.#set(false);
				if (connection) await closeConnection(connection, this.#options.clock);
			},
		);
	}

	/** The connection while the broker is there, else undefined. */
	get connection(): Connection | undefined {
		return this.#isUp ? this.#connection : undefined;
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	onUp(listener: LinkListener): () => void {
		const off = this.onReconnect(listener);
		if (this.connection) listener(this.connection);
		return off;
	}

	/** As `onUp`, for the next time only and those after it. */
	onReconnect(listener: LinkListener): () => void {
		this.#up.add(listener);
		return () => this.#up.delete(listener);
	}

	onDown(listener: () => void): () => void {
		this.#down.add(listener);
		return () => this.#down.delete(listener);
	}

	/** The connection as soon as it is there; undefined when `signal` aborts first. */
	async whenUp(signal: AbortSignal): Promise<Connection | undefined> {
		if (this.connection || signal.aborted) return this.connection;
		return new Promise((resolve) => {
			const settle = () => {
				off();
				signal.removeEventListener('abort', settle);
				resolve(this.connection);
			};
			signal.addEventListener('abort', settle, { once: true });
			const off = this.onUp(settle);
		});
	}

	async #look(signal: AbortSignal): Promise<void> {
		const { clock, log } = this.#options;
		// A dial cannot be called off: `stop` does not wait for it, and what it still finds is closed.
		const aborted = new Promise<undefined>((resolve) => {
			signal.addEventListener('abort', () => resolve(undefined), { once: true });
		});
		let said: string | undefined;
		for (let attempt = 0; !signal.aborted; attempt++) {
			const opening = openConnection(this.#options);
			try {
				const connection = await Promise.race([opening, aborted]);
				if (!connection) return void opening.then(({ nc }) => nc.close(), ignore);
				this.#connection = connection;
				void sayRefusals(connection.nc, log);
				connection.reach.onChange((isUp) => signal.aborted || this.#set(isUp));
				this.#set(connection.reach.isUp);
				return;
			} catch (error) {
				const code = isStewardError(error) ? error.code : 'no-broker';
				if (code !== said) log.warn({ err: messageOf(error) }, 'waiting for a broker');
				said = code;
				await clock.sleep(Math.min(250 * 2 ** attempt, 5000), signal);
			}
		}
	}

	#set(up: boolean): void {
		if (this.#isUp === up) return;
		this.#isUp = up;
		const { log, servers, domain } = this.#options;
		log.info({ servers, domain }, this.#word(up));
		if (up) for (const listener of [...this.#up]) this.#connection && listener(this.#connection);
		else for (const listener of [...this.#down]) listener();
	}

	#word(up: boolean): string {
		const { domain } = this.#options;
		if (domain === undefined) return up ? 'connected to the broker' : 'the link to the broker is down';
		if (up) return 'connected to the hub';
		const isAtLeaf = this.#connection?.reach.isConnected;
		return isAtLeaf
			? 'the leaf server answers, but not the hub behind it'
			: 'the link to the leaf server is down';
	}
}

/** Of a dial that nobody waits for any more: that it found nothing is no news. */
function ignore(): void {
	return undefined;
}
