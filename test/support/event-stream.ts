/**
 * Owns reading server-sent events in tests as a browser reads them: an event counts when its empty line has come, and what is half there
 * is thrown away with its connection.
 * Promises that the connection is closed when it is disposed of.
 * Keeps the events that it was given.
 */

import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { eventually } from './eventually.ts';

export type StreamEvent = { readonly event: string; readonly id: string | undefined; readonly data: string };

export type StreamAnswer = AsyncDisposable & {
	readonly status: number;
	readonly headers: IncomingMessage['headers'];
	readonly events: readonly StreamEvent[];
	/** Resolves when it is over, whoever ended it. */
	readonly ended: Promise<void>;
	readonly isOver: boolean;
	/** The first event from `from` on that is so. */
	event(isIt: (event: StreamEvent) => boolean, from?: number): Promise<StreamEvent>;
	/** Reads no more, and keeps the connection. */
	pause(): void;
	resume(): void;
	close(): void;
};

export type StreamOptions = {
	readonly lastEventId?: string | undefined;
	readonly headers?: Readonly<Record<string, string>>;
	/** Closes when so many bytes have come, in the middle of whatever they are. */
	readonly cutAfterBytes?: number;
};

export async function openStream(
	url: string,
	{ lastEventId, headers = {}, cutAfterBytes = Number.POSITIVE_INFINITY }: StreamOptions = {},
): Promise<StreamAnswer> {
	const last = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
	const { asked, answer } = await ask(url, { accept: 'text/event-stream', ...last, ...headers });
	const events: StreamEvent[] = [];
	let [text, bytes, isOver] = ['', 0, false];
	answer.setEncoding('utf8').on('data', (chunk: string) => {
		bytes += Buffer.byteLength(chunk);
		text += bytes > cutAfterBytes ? chunk.slice(0, cutAfterBytes - bytes) : chunk;
		const parts = text.split('\n\n');
		text = parts.pop() ?? '';
		events.push(...parts.map(parseEvent));
		if (bytes > cutAfterBytes) asked.destroy();
	});
	// What went wrong does not matter: 'close' follows.
	answer.on('error', () => undefined);
	const ended = new Promise<void>((resolve) => {
		answer.once('close', () => {
			isOver = true;
			resolve();
		});
	});
	return {
		status: answer.statusCode ?? 0,
		headers: answer.headers,
		...{ events, ended },
		get isOver() {
			return isOver;
		},
		event: (isIt, from = 0) =>
			eventually(() => events.slice(from).find(isIt), { message: 'the event did not come', everyMs: 5 }),
		pause: () => void answer.pause(),
		resume: () => void answer.resume(),
		close: () => void asked.destroy(),
		async [Symbol.asyncDispose]() {
			asked.destroy();
			await ended;
		},
	};
}

function ask(
	url: string,
	headers: Readonly<Record<string, string>>,
): Promise<{ asked: ClientRequest; answer: IncomingMessage }> {
	return new Promise((resolve, reject) => {
		// A connection of its own, so that closing it closes nothing else.
		const asked = request(url, { headers, agent: false });
		asked.on('error', reject);
		asked.on('response', (answer) => resolve({ asked, answer }));
		asked.end();
	});
}

function parseEvent(text: string): StreamEvent {
	const fields = new Map(
		text.split('\n').map((line): [string, string] => {
			const colon = line.indexOf(': ');
			return [line.slice(0, colon), line.slice(colon + 2)];
		}),
	);
	return { event: fields.get('event') ?? 'message', id: fields.get('id'), data: fields.get('data') ?? '' };
}
