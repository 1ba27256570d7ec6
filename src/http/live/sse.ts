/**
 * Owns one reader of server-sent events: the headers, the frames, and how much waits for one that reads slowly.
 * Promises to tell when so much waits that it is to be told nothing more for now, and when it does not read at all.
 * Ends with its connection.
 */

import type { OutgoingHttpHeader, ServerResponse } from 'node:http';

/** With more than this unsent it is told nothing new: what it misses is in the next step that it is told. */
const mostUnsentBytes = 1024 * 1024;
/** In pieces, so that one sees how a slow link takes a large frame. */
const pieceBytes = 64 * 1024;

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
	#onDrain: () => void = () => undefined;
	#isOpen = true;
	/** Unsent when it was looked at last. */
	#unsent = 0;

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
		response.on('drain', () => this.#onDrain());
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

	/** Called when all that waited is sent. */
	onDrain(listener: () => void): void {
		this.#onDrain = listener;
	}

	get isFull(): boolean {
		return this.#response.writableLength > mostUnsentBytes;
	}

	/** It is full, and nothing of that has gone since this was asked before. */
	isStuck(): boolean {
		const before = this.#unsent;
		this.#unsent = this.#response.writableLength;
		return this.isFull && before > 0 && this.#unsent >= before;
	}

	write(frame: Buffer): void {
		if (!this.#isOpen) return;
		for (let from = 0; from < frame.length; from += pieceBytes) {
			this.#response.write(frame.subarray(from, from + pieceBytes));
		}
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
