/**
 * Owns one reader of server-sent events: the headers, the frames, and how much may wait for one that does not read.
 * Promises that a reader who does not read is cut off instead of filling the memory; it resumes where it was.
 * Ends with its connection.
 */

import type { OutgoingHttpHeader, ServerResponse } from 'node:http';

/** What may wait to be sent when the next frame comes. */
const mostUnsentBytes = 1024 * 1024;

export type SseFrame = {
	readonly event: 'hello' | 'changes' | 'beat' | 'reset';
	readonly id?: string;
	/** JSON. */
	readonly data: string;
};

/** As it goes over the wire; made once for all who get it. */
export function formatFrame({ event, id, data }: SseFrame): Buffer {
	return Buffer.from(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`);
}

export class SseReader {
	readonly #response: ServerResponse;
	#onClose: () => void = () => undefined;
	#isOpen = true;

	constructor(response: ServerResponse, headers: Readonly<Record<string, OutgoingHttpHeader | undefined>>) {
		this.#response = response;
		for (const [name, value] of Object.entries(headers)) {
			if (value !== undefined) response.setHeader(name, value);
		}
		response.writeHead(200, {
			'content-type': 'text/event-stream; charset=utf-8',
			'cache-control': 'no-store',
			// Proxies are to pass each event on at once.
			'x-accel-buffering': 'no',
		});
		response.socket?.setNoDelay(true);
		response.on('close', () => this.#end());
		// What went wrong does not matter: 'close' follows.
		response.on('error', () => undefined);
	}

	get isOpen(): boolean {
		return this.#isOpen;
	}

	onClose(listener: () => void): void {
		this.#onClose = listener;
		if (!this.#isOpen) listener();
	}

	write(frame: Buffer): void {
		if (!this.#isOpen) return;
		if (this.#response.writableLength > mostUnsentBytes) return this.close();
		this.#response.write(frame);
	}

	/** At once: what was not sent is not waited for. */
	close(): void {
		this.#response.destroy();
		this.#end();
	}

	#end(): void {
		if (!this.#isOpen) return;
		this.#isOpen = false;
		this.#onClose();
	}
}
