/**
 * Owns group commit: what callers hand over while the last batch is in flight becomes the next atomic batch.
 * Promises one PubAck a message, no timer and no added latency for a lone caller, and never a message twice
 * where its expectation forbids it. An answer that was lost is ambiguous: it asks what exists and sends the rest as singles.
 * Nothing is kept across a crash: a caller whose promise did not resolve still owns its message.
 */

import { setImmediate } from 'node:timers/promises';
import { type Msg, type MsgHdrs, nuid } from '@nats-io/transport-node';
import { type Connection, requestTimeoutMs } from './connection.ts';
import { getFromLeader, getLastOfMany, type Stored } from './direct-get.ts';
import { headersToPublish } from './headers.ts';
import {
	isLeaderless,
	PublishError,
	parseAnswer,
	publishErrorOf,
	tooLarge,
	willPass,
} from './publish-answer.ts';
import {
	expectationOf,
	type PublishRequest,
	type Seal,
	sealBytes,
	sizeOf,
	withSeals,
} from './publish-request.ts';
import { LinkLostError } from './reach.ts';
import { askOne } from './replies.ts';
import { electionMs, rideOver } from './ride-over.ts';

export { isWrongSequence, PublishError } from './publish-answer.ts';
export {
	expectedSeqHeader,
	expectedSubjectHeader,
	type PublishRequest,
	type Seal,
} from './publish-request.ts';

/** Sequence of the message on its stream. */
export type PublishAck = { readonly seq: number };

/** The three headers that a batch adds to a message: id, sequence, commit. */
export const batchHeadersBytes = 128;

/** A subject of the batch may have a newer message; several do not at once. */
const mostAskedOfLeader = 4;

type Waiting = {
	request: PublishRequest;
	/** Bytes of headers and body, as the broker counts them against `max_payload`. */
	size: number;
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
	/** How long it is tried again where nobody takes it, because the stream is between two leaders. */
	readonly rideOverMs?: number;
	/**
	 * Batches under way at once, 1 by default. More than one where they are full: smaller ones are better together. With more, what is handed
	 * over later may be stored earlier, save what has the same `order`.
	 */
	readonly inFlight?: number;
	/** Asked at the last moment before something goes out; where it says no, that is refused. */
	readonly mayPublish?: () => boolean;
	/** What vouches for messages that go out together, as a header of each: the same for another try, and for one that goes alone then. */
	readonly seal?: Seal | undefined;
};

export class Publisher {
	readonly #connection: Connection;
	readonly #options: Required<Omit<PublisherOptions, 'seal'>>;
	readonly #seal: Seal | undefined;
	#waiting: Waiting[] = [];
	#busy = false;
	/** What is in a batch under way, where there may be another beside it. */
	readonly #ordersUnderWay = new Set<string>();
	#lastMaxPayload = 1024 * 1024;

	constructor(connection: Connection, { seal, ...options }: PublisherOptions) {
		this.#connection = connection;
		this.#seal = seal;
		const usual = { maxMessages: 1000, maxBytes: 4 * 1024 * 1024, timeoutMs: requestTimeoutMs };
		const free = { rideOverMs: electionMs, inFlight: 1, mayPublish: () => true };
		this.#options = { ...usual, ...free, ...options };
	}

	/** @throws PublishError */
	publish(given: PublishRequest): Promise<PublishAck> {
		return new Promise((resolve, reject) => {
			const { data } = given;
			// Once, for its size and for the wire; the client's own way takes twice as long.
			const request = { ...given, data: typeof data === 'string' ? Buffer.from(data) : data };
			const size = sizeOf(request) + sealBytes(this.#seal);
			// The server would close the connection over it, and every other caller's answer would be lost.
			if (size > this.#maxPayload) return reject(tooLarge(size, this.#maxPayload));
			this.#waiting.push({ request, size, resolve, reject });
			if (!this.#busy) void this.#drain();
		});
	}

	/** Publishes alone, beside whatever batch is in flight. @throws PublishError */
	async publishSingle(request: PublishRequest): Promise<PublishAck> {
		const ask = () => this.#request(request, headersToPublish(request.headers ?? {}));
		const { seq } = await rideOver(ask, willPass, this.#options.rideOverMs);
		return { seq };
	}

	/** What the broker said last: while the link is down the client does not know. */
	get #maxPayload(): number {
		this.#lastMaxPayload = this.#connection.nc.info?.max_payload ?? this.#lastMaxPayload;
		return this.#lastMaxPayload;
	}

	async #drain(): Promise<void> {
		this.#busy = true;
		// Callers of the same turn of the event loop belong together.
		await Promise.resolve();
		const underWay = new Set<Promise<void>>();
		while (this.#waiting.length > 0 || underWay.size > 0) {
			const batch = this.#mayBegin(underWay.size) ? this.#take() : [];
			if (batch.length > 0) {
				const commit = this.#commit(this.#sealed(batch)).finally(() => underWay.delete(commit));
				underWay.add(commit);
			} else {
				await Promise.race(underWay);
				// Callers that send again when they have their word join those that waited meanwhile: otherwise two halves take turns for ever.
				if (this.#waiting.length > 0) await setImmediate();
			}
		}
		this.#busy = false;
	}

	#mayBegin(underWay: number): boolean {
		const { inFlight, maxMessages } = this.#options;
		if (underWay === 0) return true;
		return underWay < inFlight && this.#waiting.length >= maxMessages;
	}

	async #commit(batch: readonly Waiting[]): Promise<void> {
		const orders = this.#options.inFlight > 1 ? batch.flatMap(({ request: { order } }) => order ?? []) : [];
		for (const order of orders) this.#ordersUnderWay.add(order);
		await (batch.length === 1 ? this.#commitSingles(batch) : this.#commitBatch(batch));
		for (const order of orders) this.#ordersUnderWay.delete(order);
	}

	/**
	 * What may go together. No two that expect the same: inside one batch a wildcard does not see the other, and both
	 * would be stored. None that is too large with the batch's own headers, except alone. Nothing where the next has to wait for what is under way.
	 */
	#take(): Waiting[] {
		const { maxMessages, maxBytes } = this.#options;
		const largest = this.#maxPayload - batchHeadersBytes;
		const expectations = new Set<string>();
		let bytes = 0;
		let count = 0;
		for (const { request, size } of this.#waiting) {
			const expectation = expectationOf(request);
			bytes += size + request.subject.length;
			const joins = bytes <= maxBytes && size <= largest && !expectations.has(expectation ?? '');
			if (count > 0 && !joins) break;
			if (request.order !== undefined && this.#ordersUnderWay.has(request.order)) break;
			count++;
			if (count === maxMessages || size > largest) break;
			if (expectation !== undefined) expectations.add(expectation);
		}
		return this.#waiting.splice(0, count);
	}

	#sealed(batch: readonly Waiting[]): readonly Waiting[] {
		if (!this.#seal) return batch;
		const requests = withSeals(
			this.#seal,
			batch.map(({ request }) => request),
		);
		return batch.map((waiting, place) => ({ ...waiting, request: requests[place] ?? waiting.request }));
	}

	async #commitSingles(batch: readonly Waiting[]): Promise<void> {
		await Promise.all(
			batch.map(({ request, resolve, reject }) => this.publishSingle(request).then(resolve, reject)),
		);
	}

	/** One atomic batch (ADR-50): all of it is stored, or none. */
	async #commitBatch(batch: readonly Waiting[]): Promise<void> {
		let id = '';
		try {
			const send = () => {
				id = nuid.next();
				return this.#sendBatch(batch, id);
			};
			const lastSeq = await rideOver(send, isLeaderless, this.#options.rideOverMs);
			for (const [index, { resolve }] of batch.entries())
				resolve({ seq: lastSeq - batch.length + 1 + index });
		} catch (error) {
			if (error instanceof PublishError && error.kind === 'unavailable') {
				for (const { reject } of batch) reject(error);
				return;
			}
			const rest = await this.#withoutStored(batch, id, error);
			await this.#commitSingles(rest);
		}
	}

	async #sendBatch(batch: readonly Waiting[], id: string): Promise<number> {
		const { nc, reach } = this.#connection;
		if (!reach.isUp && !(await reach.whenUp(this.#options.timeoutMs))) {
			throw publishErrorOf(new LinkLostError(false));
		}
		this.#assertMayPublish();
		const last = batch.length - 1;
		for (let index = 0; index < last; index++) {
			const request = batch[index]?.request;
			if (!request) continue;
			nc.publish(this.#wireSubject(request), request.data, { headers: batchHeaders(request, id, index) });
		}
		const closing = batch[last]?.request;
		if (!closing) throw new PublishError('refused', 0, 'an empty batch');
		const headers = batchHeaders(closing, id, last, { 'Nats-Batch-Commit': '1' });
		const answer = await this.#request(closing, headers);
		if (answer.count !== batch.length) {
			throw new PublishError('ambiguous', 0, `the batch holds ${answer.count} of ${batch.length} messages`);
		}
		return answer.seq;
	}

	/** A batch whose answer was lost may have committed, whole: then its callers have their sequences. */
	async #withoutStored(batch: readonly Waiting[], id: string, error: unknown): Promise<readonly Waiting[]> {
		const isRefused = error instanceof PublishError && error.kind === 'refused';
		if (isRefused || !this.#options.mayLookUp) return batch;
		let firstSeq: number | undefined;
		try {
			firstSeq = await firstSeqOfBatch(this.#connection, this.#options, batch, id);
		} catch {
			// Not to be learned now. Singles with their expectations are still safe: what exists is refused, not doubled.
			return batch;
		}
		if (firstSeq === undefined) return batch;
		for (const [index, { resolve }] of batch.entries()) resolve({ seq: firstSeq + index });
		return [];
	}

	#assertMayPublish(): void {
		if (!this.#options.mayPublish())
			throw new PublishError('refused', 0, 'this process may not write that any more');
	}

	/** Buckets are reached by the API's prefix where that names a domain: their own subjects do not cross a leaf's link. */
	#wireSubject({ subject }: PublishRequest): string {
		const { domain, api } = this.#connection;
		return domain !== undefined && subject.startsWith('$KV.') ? `${api}.${subject}` : subject;
	}

	async #request(request: PublishRequest, headers: MsgHdrs): Promise<ReturnType<typeof parseAnswer>> {
		const { timeoutMs } = this.#options;
		const { domain } = this.#connection;
		this.#assertMayPublish();
		const question = { subject: this.#wireSubject(request), data: request.data, headers, timeoutMs };
		let reply: Msg;
		try {
			reply = await askOne(this.#connection, question);
		} catch (error) {
			throw publishErrorOf(error);
		}
		return parseAnswer(reply, domain);
	}
}

/**
 * Sequence of the first message of a committed batch, undefined when the stream holds none of it: a batch is atomic,
 * and a stored message keeps its batch's id, so one that is found speaks for all.
 */
async function firstSeqOfBatch(
	connection: Connection,
	{ stream, timeoutMs }: { readonly stream: string; readonly timeoutMs: number },
	batch: readonly Waiting[],
	id: string,
): Promise<number | undefined> {
	const subjects = [...new Set(batch.map(({ request }) => request.subject))];
	for (const message of await getLastOfMany(connection, stream, subjects, timeoutMs)) {
		if (isOfBatch(message, id)) return firstSeq(message);
	}
	// A replica that lags knows nothing of it; the leader does.
	for (const last_by_subj of subjects.slice(-mostAskedOfLeader)) {
		const message = await getFromLeader(connection, stream, { last_by_subj });
		if (message && isOfBatch(message, id)) return firstSeq(message);
	}
	return undefined;
}

function isOfBatch({ header }: Stored, id: string): boolean {
	return header('Nats-Batch-Id') === id;
}

function firstSeq({ seq, header }: Stored): number {
	return seq - Number(header('Nats-Batch-Sequence')) + 1;
}

function batchHeaders(
	request: PublishRequest,
	id: string,
	index: number,
	also: Readonly<Record<string, string>> = {},
): MsgHdrs {
	const batch = { 'Nats-Batch-Id': id, 'Nats-Batch-Sequence': String(index + 1) };
	return headersToPublish(request.headers ?? {}, batch, also);
}
