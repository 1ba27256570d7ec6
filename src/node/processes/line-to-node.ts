/**
 * Owns the line from the place where a user's module runs to whoever started it: the pipes of a child process, or the
 * port of a worker thread. Promises that the same words cross both, as JSON.
 * A child whose node is gone ends with all that it started; a thread ends with its process.
 */

import { Socket } from 'node:net';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { fromModuleFd, readMessages, toModuleFd, writeMessage } from './json-lines.ts';

export type LineToNode = {
	readonly isThread: boolean;
	/** Calls `then` when it is on its way, or cannot be. */
	post(json: string, then: () => void): void;
	listen(hear: (message: unknown) => void): void;
};

export function lineToNode(): LineToNode {
	return parentPort ? threadLine(parentPort) : childLine();
}

function threadLine(port: MessagePort): LineToNode {
	return {
		isThread: true,
		post(json, then) {
			port.postMessage(json);
			then();
		},
		listen: (hear) => void port.on('message', (text: string) => hear(JSON.parse(text))),
	};
}

function childLine(): LineToNode {
	const fromNode = new Socket({ fd: toModuleFd, readable: true, writable: false });
	const toNode = new Socket({ fd: fromModuleFd, readable: false, writable: true });
	// A pipe that breaks off closes, and what that means is said below.
	for (const pipe of [fromNode, toNode]) pipe.on('error', () => undefined);
	return {
		isThread: false,
		post: (json, then) => writeMessage(toNode, json, () => then()),
		listen(hear) {
			readMessages(fromNode, {
				largestBytes: Number.POSITIVE_INFINITY,
				hear,
				onTooLarge: () => undefined,
			});
			// The node is gone: so are we, with all that the user's code started.
			fromNode.on('close', () => process.kill(-process.pid, 'SIGKILL'));
		},
	};
}
