/**
 * Owns the client's side of a node's unix socket, for the CLI when no broker answers.
 * Promises the node's own answer, or an error that says whether the message may have been accepted.
 * Holds nothing; whoever was cut off asks again with the same id.
 */

import { connect, type Socket } from 'node:net';
import { type Clock, withDeadline } from '../../base/clock.ts';
import { messageOf, StewardError, systemCodeOf } from '../../base/errors.ts';
import type { MessageForm } from '../../domain/message.ts';
import type { Accepted } from './intake.ts';
import {
	encodeLine,
	LineSplitter,
	maxAnswerBytes,
	type SocketRequest,
	socketAnswer,
} from './socket-protocol.ts';

type SocketClientOptions = { readonly timeoutMs: number; readonly clock: Clock };

/**
 * Hands a message to the node that listens at `path`; resolves when the node's outbox has it on disk.
 * @throws StewardError `not-found` when no node listens there; `ambiguous` when it did not answer and may have the
 * message; whatever code the node refuses with.
 */
export async function sendViaSocket(
	path: string,
	message: MessageForm,
	options: SocketClientOptions,
): Promise<readonly Accepted[]> {
	return ask(path, { op: 'send', message }, options);
}

/** Resolves when a node answers at `path`. @throws StewardError as {@link sendViaSocket}. */
export async function pingSocket(path: string, options: SocketClientOptions): Promise<void> {
	await ask(path, { op: 'ping' }, options);
}

async function ask(
	path: string,
	request: SocketRequest,
	options: SocketClientOptions,
): Promise<readonly Accepted[]> {
	const socket = connect(path);
	try {
		const line = await withDeadline(options.clock, exchange(socket, path, request), options.timeoutMs, () =>
			noAnswer(path, `nothing came within ${options.timeoutMs} ms`),
		);
		const answer = decode(path, line);
		if (answer.ok) return answer.accepted;
		throw new StewardError(answer.code, answer.message, { details: answer.details });
	} finally {
		socket.destroy();
	}
}

/** Sends the request and gives the first line that comes back. */
async function exchange(socket: Socket, path: string, request: SocketRequest): Promise<string> {
	await new Promise<void>((resolve, reject) => {
		socket.once('connect', resolve);
		socket.once('error', (error) => reject(notReached(path, error)));
	});
	const lines = new LineSplitter(maxAnswerBytes);
	return new Promise((resolve, reject) => {
		socket.on('data', (chunk) => {
			const found = lines.push(chunk);
			if (found === 'too-long') reject(noAnswer(path, 'its answer is too long'));
			else if (found[0] !== undefined) resolve(found[0]);
		});
		// A refused request is answered while it is still being written: the answer counts more than the broken pipe.
		socket.on('close', () => reject(noAnswer(path, 'it closed the connection')));
		socket.write(encodeLine(request));
	});
}

function decode(path: string, line: string) {
	try {
		return socketAnswer.parse(JSON.parse(line));
	} catch (error) {
		throw noAnswer(path, `its answer cannot be read: ${messageOf(error)}`, error);
	}
}

function notReached(path: string, cause: Error): StewardError {
	const code = systemCodeOf(cause);
	if (code === 'ENOENT' || code === 'ECONNREFUSED') {
		return new StewardError(
			'not-found',
			`no node listens at ${path}; start one on this machine (steward node), or name a broker that can be reached`,
			{ cause, details: { path } },
		);
	}
	return new StewardError(
		'refused',
		`the node's socket ${path} cannot be used (${messageOf(cause)}); run this as the node's user`,
		{ cause, details: { path } },
	);
}

function noAnswer(path: string, evidence: string, cause?: unknown): StewardError {
	return new StewardError(
		'ambiguous',
		`the node at ${path} did not answer (${evidence}); it may have accepted the message: send it again with the same id`,
		{ cause, details: { path } },
	);
}
