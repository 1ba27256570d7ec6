/**
 * Owns group commit: what callers hand over while the last batch is in flight becomes the next atomic batch.
 * Promises one PubAck a message, no timer and no added latency for a lone caller, and never a message twice
 * where its expectation forbids it. An answer that was lost is ambiguous: it asks what exists and sends the rest as singles.
 * Nothing is kept across a crash: a caller whose promise did not resolve still owns its message.
 */

import {
	type Msg,
	type MsgHdrs,
	headers as makeHeaders,
	nuid,
	RequestError,
	TimeoutError,
} from '@nats-io/transport-node';
import { type Connection, requestTimeoutMs } from './connection.ts';
import { getLastOfMany } from './direct-get.ts';

export type PublishRequest = {
	readonly subject: string;
	readonly data: Uint8Array | string;
	/** Raw headers, also the expectations (`Nats-Expected-Last-Subject-Sequence`): a batch drops those of the client's options. */
	readonly headers?: Readonly<Record<string, string>>;
};

/** Sequence of the message on its stream. */
export type PublishAck = { readonly seq: number };

/**
 * Why a publish has no PubAck. `refused`: the server said no, with its error code. `unavailable`: nobody took it
 * (no responders). `ambiguous`: no answer came, and it may be stored.
 */
export class PublishError extends Error {
	readonly kind: 'refused' | 'unavailable' | 'ambiguous';
	/** The server's `err_code`, 0 where it gave none. */
	readonly errCode: number;

	constructor(kind: PublishError['kind'], errCode: number, message: string, options?: { cause?: unknown }) {
		super(message, options);
		this.name = 'PublishError';
		this.kind = kind;
		this.errCode = errCode;
	}
}

export const expectedSeqHeader = 'Nats-Expected-Last-Subject-Sequence';
export const expectedSubjectHeader = 'Nats-Expected-Last-Subject-Sequence-Subject';

/** The expectation of a compare-and-set was not met. */
export function isWrongSequence(error: unknown): boolean {
	return error instanceof PublishError && error.errCode === 10071;
}

/** Another message of the same subject is in flight: ask again. */
function isInFlight(error: unknown): boolean {
	return error instanceof PublishError && error.errCode === 10164;
}

type Waiting = {
	request: PublishRequest;
	resolve: (ack: PublishAck) => void;
	reject: (error: Error) => void;
};

export type PublisherOptions = {
	readonly stream: string;
	/** Messages of one batch, the server's own limit by default. */
	readonly maxMessages?: number;
	/** Bytes of one batch. */
	readonly maxBytes?: number;
	/** Whether this connection may ask the stream what exists; nodes may not, and send again instead. */
	readonly mayLookUp: boolean;
	readonly timeoutMs?: number;
};

export class Publisher {
	readonly #connection: Connection;
	readonly #options: Required<PublisherOptions>;
	#waiting: Waiting[] = [];
	#busy = false;

	constructor(connection: Connection, options: PublisherOptions) {
		this.#connection = connection;
		this.#options = { maxMessages: 1000, maxBytes: 4 * 1024 * 1024, timeoutMs: requestTimeoutMs, ...options };
	}

	/** @throws PublishError */
	publish(request: PublishRequest): Promise<PublishAck> {
		return new Promise((resolve, reject) => {
			this.#waiting.push({ request, resolve, reject });
			if (!this.#busy) void this.#drain();
		});
	}

	/** Publishes alone, beside whatever batch is in flight. @throws PublishError */
	async publishSingle(request: PublishRequest): Promise<PublishAck> {
		for (let attempt = 1; ; attempt++) {
			try {
				const answer = await this.#request(request, toHeaders(request.headers));
				return { seq: answer.seq };
			} catch (error) {
				// The other one in flight is settled within a round trip; ten are plenty.
				if (!isInFlight(error) || attempt === 10) throw error;
			}
		}
	}

	async #drain(): Promise<void> {
		this.#busy = true;
		// Callers of the same turn of the event loop belong together.
		await Promise.resolve();
		while (this.#waiting.length > 0) {
			const batch = this.#take();
			if (batch.length === 1) await this.#commitSingles(batch);
			else await this.#commitBatch(batch);
		}
		this.#busy = false;
	}

	#take(): Waiting[] {
		let bytes = 0;
		let count = 0;
		for (const { request } of this.#waiting) {
			bytes += sizeOf(request);
			if (count > 0 && (count === this.#options.maxMessages || bytes > this.#options.maxBytes)) break;
			count++;
		}
		return this.#waiting.splice(0, count);
	}

	async #commitSingles(batch: readonly Waiting[]): Promise<void> {
		await Promise.all(
			batch.map(({ request, resolve, reject }) => this.publishSingle(request).then(resolve, reject)),
		);
	}

	/** One atomic batch (ADR-50): all of it is stored, or none. */
	async #commitBatch(batch: readonly Waiting[]): Promise<void> {
		const id = nuid.next();
		try {
			const lastSeq = await this.#sendBatch(batch, id);
			for (const [index, { resolve }] of batch.entries())
				resolve({ seq: lastSeq - batch.length + 1 + index });
		} catch (error) {
			const rest = await this.#withoutStored(batch, id, error);
			await this.#commitSingles(rest);
		}
	}

	async #sendBatch(batch: readonly Waiting[], id: string): Promise<number> {
		const { nc } = this.#connection;
		const last = batch.length - 1;
		for (let index = 0; index < last; index++) {
			const request = batch[index]?.request;
			if (request) nc.publish(request.subject, request.data, { headers: batchHeaders(request, id, index) });
		}
		const closing = batch[last]?.request;
		if (!closing) throw new PublishError('refused', 0, 'an empty batch');
		const headers = batchHeaders(closing, id, last);
		headers.set('Nats-Batch-Commit', '1');
		const answer = await this.#request(closing, headers);
		if (answer.count !== batch.length) {
			throw new PublishError('ambiguous', 0, `the batch holds ${answer.count} of ${batch.length} messages`);
		}
		return answer.seq;
	}

	/** A batch whose answer was lost may have committed, whole: then its callers have their sequences. */
	async #withoutStored(batch: readonly Waiting[], id: string, error: unknown): Promise<readonly Waiting[]> {
		const refused = error instanceof PublishError && error.kind === 'refused';
		if (refused || !this.#options.mayLookUp) return batch;
		let firstSeq: number | undefined;
		try {
			firstSeq = await firstSeqOfBatch(this.#connection, this.#options.stream, batch, id);
		} catch {
			// Not to be learned now. Singles with their expectations are still safe: what exists is refused, not doubled.
			return batch;
		}
		if (firstSeq === undefined) return batch;
		for (const [index, { resolve }] of batch.entries()) resolve({ seq: firstSeq + index });
		return [];
	}

	async #request(request: PublishRequest, headers: MsgHdrs): Promise<BatchAnswer> {
		let reply: Msg;
		try {
			reply = await this.#connection.nc.request(request.subject, request.data, {
				headers,
				timeout: this.#options.timeoutMs,
			});
		} catch (error) {
			throw publishErrorOf(error);
		}
		return parseAnswer(reply);
	}
}

type BatchAnswer = { seq: number; count?: number | undefined };

function parseAnswer(reply: Msg): BatchAnswer {
	const answer = reply.json<{
		seq?: number;
		count?: number;
		error?: { err_code?: number; description?: string };
	}>();
	if (answer.error) {
		throw new PublishError(
			'refused',
			answer.error.err_code ?? 0,
			answer.error.description ?? 'refused by the server',
		);
	}
	if (typeof answer.seq !== 'number') throw new PublishError('ambiguous', 0, 'the answer holds no sequence');
	return { seq: answer.seq, count: answer.count };
}

function publishErrorOf(error: unknown): PublishError {
	if (error instanceof RequestError && error.isNoResponders()) {
		return new PublishError('unavailable', 0, 'no stream takes this subject at the moment', { cause: error });
	}
	const text =
		error instanceof TimeoutError || error instanceof RequestError
			? 'no answer in time'
			: 'the connection failed';
	return new PublishError('ambiguous', 0, text, { cause: error });
}

/**
 * Sequence of the first message of a committed batch, undefined when the stream holds none of it: a batch is atomic,
 * and a stored message keeps its batch's id, so one that is found speaks for all.
 */
async function firstSeqOfBatch(
	connection: Connection,
	stream: string,
	batch: readonly Waiting[],
	id: string,
): Promise<number | undefined> {
	const subjects = [...new Set(batch.map(({ request }) => request.subject))];
	let first: number | undefined;
	for (const message of await getLastOfMany(connection, stream, subjects)) {
		if (message.header('Nats-Batch-Id') !== id) continue;
		first = message.seq - Number(message.header('Nats-Batch-Sequence')) + 1;
	}
	return first;
}

function batchHeaders(request: PublishRequest, id: string, index: number): MsgHdrs {
	const headers = toHeaders(request.headers);
	headers.set('Nats-Batch-Id', id);
	headers.set('Nats-Batch-Sequence', String(index + 1));
	return headers;
}

/** Always a new object: the client writes into the one that it is given. */
function toHeaders(fields: Readonly<Record<string, string>> = {}): MsgHdrs {
	const headers = makeHeaders();
	for (const [name, value] of Object.entries(fields)) headers.set(name, value);
	return headers;
}

function sizeOf(request: PublishRequest): number {
	const headers = Object.entries(request.headers ?? {}).reduce(
		(sum, [k, v]) => sum + k.length + v.length + 4,
		64,
	);
	return request.subject.length + headers + request.data.length;
}
