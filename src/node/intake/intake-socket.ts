/**
 * Owns the node's unix socket: local programs hand it messages, and having it means being the only process on the store.
 * Promises that an `ok` is given after the outbox has the message on disk, and that requests, connections and idle time
 * are bounded.
 * A crash ends the connections; a client without an answer does not know, and asks again with the same id.
 */

import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { messageOf, StewardError } from '../../base/errors.ts';
import { ulidFactory } from '../../base/ids.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import { parseMessage } from '../../domain/message.ts';
import { describeProblems } from '../../domain/validation.ts';
import type { Intake } from './intake.ts';
import { serveConnection } from './socket-connection.ts';
import { bindAlone } from './socket-lock.ts';
import { longestSocketPath } from './socket-path.ts';
import {
	encodeLine,
	failure,
	type SocketAnswer,
	type SocketRequest,
	socketRequest,
} from './socket-protocol.ts';

export type IntakeSocketOptions = {
	/** See `socketPathFor`. */
	readonly path: string;
	readonly intake: Intake;
	readonly node: string;
	readonly clock: Clock;
	readonly log: Log;
	/** A connection that says nothing for so long is closed. Default 30 s. */
	readonly idleMs?: number;
	/** Connections at a time. Default 64. */
	readonly maxConnections?: number;
};

export class IntakeSocket implements Service {
	readonly name = 'intake-socket';
	readonly #options: IntakeSocketOptions;
	readonly #newId: () => string;
	readonly #lifecycle: Lifecycle;
	readonly #connections = new Set<Promise<void>>();
	#server: Server | undefined;
	#bound: { release(): Promise<void> } | undefined;
	#stopping = new AbortController();

	constructor(options: IntakeSocketOptions) {
		this.#options = options;
		this.#newId = ulidFactory(() => options.clock.now());
		this.#lifecycle = new Lifecycle(
			() => this.#begin(),
			() => this.#end(),
		);
	}

	/** @throws StewardError `already-running` when another process has the socket, `usage` when its path is too long. */
	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	async #begin(): Promise<void> {
		const { path, clock, log } = this.#options;
		if (Buffer.byteLength(path) > longestSocketPath) {
			throw new StewardError(
				'usage',
				`the socket path ${path} is longer than ${longestSocketPath} bytes; give a shorter data folder or runtime folder`,
			);
		}
		this.#stopping = new AbortController();
		this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#connected(socket));
		this.#bound = await bindAlone(this.#server, path, clock);
		this.#server.on('error', (error) => log.error({ path, err: messageOf(error) }, 'the socket failed'));
	}

	/** The name goes before the listener, so nobody finds a dead socket. What is being accepted is answered first. */
	async #end(): Promise<void> {
		const [server, bound] = [this.#server, this.#bound];
		this.#server = undefined;
		this.#bound = undefined;
		await bound?.release();
		this.#stopping.abort();
		if (server?.listening === true) await new Promise<void>((resolve) => server.close(() => resolve()));
		await Promise.all(this.#connections);
	}

	#connected(socket: Socket): void {
		const { clock, log, idleMs = 30_000, maxConnections = 64 } = this.#options;
		if (this.#connections.size >= maxConnections) {
			const error = new StewardError(
				'refused',
				`the socket has ${maxConnections} connections already; try again in a moment`,
			);
			socket.on('error', () => socket.destroy());
			socket.end(encodeLine(failure(error)), () => socket.destroy());
			return;
		}
		const served = serveConnection(socket, {
			answer: (line) => this.#answer(line),
			clock,
			log,
			idleMs,
			stopping: this.#stopping.signal,
		}).then(() => {
			this.#connections.delete(served);
		});
		this.#connections.add(served);
	}

	async #answer(line: string): Promise<SocketAnswer> {
		try {
			const request = parseRequest(line);
			if (request.op === 'ping') return { ok: true, accepted: [] };
			const message = parseMessage(request.message);
			const id = message.id ?? this.#newId();
			const accepted = await this.#options.intake.accept([{ message, id }]);
			return { ok: true, accepted: accepted.map(({ id, nodes }) => ({ id, nodes: [...nodes] })) };
		} catch (error) {
			return failure(error);
		}
	}
}

/** @throws StewardError `invalid`. */
function parseRequest(line: string): SocketRequest {
	let value: unknown;
	try {
		value = JSON.parse(line);
	} catch (error) {
		throw new StewardError(
			'invalid',
			`the request is not JSON (${messageOf(error)}); send one JSON object a line`,
			{
				cause: error,
			},
		);
	}
	const parsed = socketRequest.safeParse(value);
	if (!parsed.success) {
		const problems = describeProblems(parsed.error, value, ['op', 'message', 'send', 'ping']);
		throw new StewardError('invalid', `the request is not valid: ${problems.join('; ')}`, {
			cause: parsed.error,
			details: { problems },
		});
	}
	return parsed.data;
}
