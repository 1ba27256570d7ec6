/**
 * Owns the line from the place where a user's module runs to whoever started it: the channel of a child process, or the
 * port of a worker thread. Promises that the same words cross both, as JSON.
 * A child whose node is gone ends with all that it started; a thread ends with its process.
 */

import { parentPort } from 'node:worker_threads';
import type { FromChild } from './isolated-protocol.ts';

export type LineToNode = {
	readonly isThread: boolean;
	/** False when nobody listens any more. */
	readonly isOpen: boolean;
	/** Calls `then` when it is on its way. */
	post(message: FromChild, then: () => void): void;
	listen(hear: (message: unknown) => void): void;
};

export function lineToNode(): LineToNode {
	const port = parentPort;
	if (port === null) return childLine;
	return {
		isThread: true,
		isOpen: true,
		post(message, then) {
			// What JSON cannot hold would stop at a port with another error than at a channel, or cross it.
			port.postMessage(JSON.stringify(message));
			then();
		},
		listen: (hear) => void port.on('message', (text: string) => hear(JSON.parse(text))),
	};
}

const childLine: LineToNode = {
	isThread: false,
	get isOpen() {
		return process.connected;
	},
	post(message, then) {
		if (process.connected) process.send?.(message, undefined, undefined, then);
	},
	listen(hear) {
		process.on('message', hear);
		// The node is gone: so are we, with all that the user's code started.
		process.on('disconnect', () => process.kill(-process.pid, 'SIGKILL'));
	},
};
