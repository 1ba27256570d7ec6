/**
 * Owns one connection to the node's socket: requests in, one answer each, in their order.
 * Promises that a connection that says nothing, reads nothing or asks too much is closed, and that a request which is
 * being answered when the node stops is answered first.
 * Holds nothing; a crash closes it.
 */

import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { messageOf, StewardError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { encodeLine, failure, LineSplitter, maxRequestBytes, type SocketAnswer } from './socket-protocol.ts';

type ConnectionOptions = {
	/** The answer to one line; never rejects. */
	readonly answer: (line: string) => Promise<SocketAnswer>;
	readonly clock: Clock;
	readonly log: Log;
	readonly idleMs: number;
	readonly stopping: AbortSignal;
};

/** Resolves when the connection is closed. Never rejects. */
export async function serveConnection(socket: Socket, options: ConnectionOptions): Promise<void> {
	const { clock, log, idleMs, stopping } = options;
	const lines = new LineSplitter(maxRequestBytes);
	/** However many bytes have come meanwhile: a request that drips in keeps nobody's place for longer. */
	const timeOver = () => {
		if (lines.isMidLine && !discarding) socket.write(encodeLine(failure(tooSlow(idleMs))));
		socket.destroySoon();
	};
	let answering = false;
	let discarding = false;
	let cancelIdle = clock.after(idleMs, timeOver);
	const stop = () => {
		if (!answering) socket.destroy();
	};
	stopping.addEventListener('abort', stop);
	socket.on('error', (error) => log.debug({ err: messageOf(error) }, 'a connection to the socket broke'));
	try {
		for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
			if (discarding) continue;
			const found = lines.push(chunk);
			discarding = found === 'too-long';
			if (found === 'too-long') socket.end(encodeLine(failure(tooLong())));
			for (const line of found === 'too-long' ? [] : found) {
				cancelIdle();
				answering = true;
				const answer = await options.answer(line);
				cancelIdle = clock.after(idleMs, timeOver);
				await write(socket, encodeLine(answer));
				answering = false;
				if (stopping.aborted) return;
			}
		}
	} catch (error) {
		log.debug({ err: messageOf(error) }, 'a connection to the socket ended early');
	} finally {
		cancelIdle();
		stopping.removeEventListener('abort', stop);
		socket.destroy();
	}
}

function tooLong(): StewardError {
	return new StewardError(
		'refused',
		`the request is longer than ${maxRequestBytes} bytes; put large data where the node can read it, and send its place`,
	);
}

function tooSlow(idleMs: number): StewardError {
	return new StewardError(
		'refused',
		`the request was not whole within ${idleMs / 1000} s, and nothing was accepted: write it in one go`,
	);
}

/** Resolves when the kernel has it. */
function write(socket: Socket, text: string): Promise<void> {
	return new Promise((resolve, reject) => {
		socket.write(text, (error) => (error ? reject(error) : resolve()));
	});
}
