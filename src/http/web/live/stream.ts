/**
 * Owns one connection to the live stream: it asks, reads, and notices when nothing comes any more.
 * Promises to end: by an error of the link, by its server, by silence of 25 seconds, or when it is told to.
 * Keeps nothing; what it read has been handed over.
 */

import { EventReader, type ServerEvent } from './event-stream.ts';

/** The server says something every 10 seconds. */
const silenceMs = 25_000;

export class StreamRefused extends Error {
	readonly status: number;

	constructor(status: number) {
		super(`the live stream was answered with ${status}`);
		this.name = 'StreamRefused';
		this.status = status;
	}
}

/** Resolves when the server ended it. @throws StreamRefused, or whatever ended the link */
export async function readStream(
	path: string,
	{
		after,
		signal,
		onEvent,
		onBytes,
	}: {
		/** Position that it continues. */
		after: string;
		signal: AbortSignal;
		onEvent: (event: ServerEvent) => void;
		onBytes: () => void;
	},
): Promise<void> {
	const silence = new AbortController();
	let timer = setTimeout(() => silence.abort(new Error('nothing came for 25 s')), silenceMs);
	try {
		const answer = await fetch(path, {
			credentials: 'same-origin',
			cache: 'no-store',
			headers: { accept: 'text/event-stream', 'last-event-id': after },
			signal: AbortSignal.any([signal, silence.signal]),
		});
		if (!answer.ok || !answer.body) throw new StreamRefused(answer.status);
		const reader = new EventReader();
		const text = new TextDecoder();
		const body = answer.body.getReader();
		for (;;) {
			const { done, value } = await body.read();
			if (done) return;
			clearTimeout(timer);
			timer = setTimeout(() => silence.abort(new Error('nothing came for 25 s')), silenceMs);
			onBytes();
			for (const event of reader.read(text.decode(value, { stream: true }))) onEvent(event);
		}
	} finally {
		clearTimeout(timer);
		silence.abort();
	}
}
