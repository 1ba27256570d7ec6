/**
 * Owns the server's own copying of a stream: a snapshot as chunks, and a stream made of such chunks (the server's format,
 * tar and S2: sequences, times, headers and gaps are as they were). Promises every chunk in its order or an error, and no more
 * in memory than one window. A crash in the middle leaves the stream as it was, or half a restore that the server throws away.
 *
 * The protocol: $JS.API.STREAM.SNAPSHOT answers with config and state, then sends chunks to `deliver_subject`, each to be
 * acknowledged on its reply subject, whose last token counts them; an empty message with status 204 ends it.
 * $JS.API.STREAM.RESTORE answers with the subject that takes chunks, each answered; an empty one ends it.
 */

import { JetStreamApiError, StorageType, type StreamConfig, type StreamInfo } from '@nats-io/jetstream';
import {
	type Msg,
	type MsgHdrs,
	headers as makeHeaders,
	RequestError,
	type Subscription,
} from '@nats-io/transport-node';
import { z } from 'zod';
import { type Clock, systemClock } from '../base/clock.ts';
import { messageOf, StewardError } from '../base/errors.ts';
import { randomToken } from '../base/ids.ts';
import type { Held, SavedStream } from '../domain/keeping-view-schema.ts';
import { buckets } from '../domain/subject.ts';
import { bucketSubject } from './bucket.ts';
import type { Connection } from './connection.ts';
import { noAnswer } from './errors.ts';
import { headersOf } from './headers.ts';
import { withLife } from './stream-lives.ts';
import { refusalOf } from './topology.ts';

const chunkBytes = 256 * 1024;
/** The server sends no more than this without an answer. */
const windowBytes = 2 * 1024 * 1024;
/** The server waits as long for our answers. */
const silentMs = 10_000;
/** The last answer comes after the server has checked and opened what it was given. */
const openWithinMs = 120_000;
const [mostTries, retryMs] = [50, 100];

const apiError = z.object({
	error: z.object({ code: z.number(), err_code: z.number(), description: z.string() }),
});
const restoreAnswer = z.object({ deliver_subject: z.string().min(1) });

/**
 * Copies a stream, without its consumers. Each chunk is taken before the next window is asked for.
 * @throws StewardError `no-broker` when the server falls silent, `gave-up` when it cannot copy the stream
 */
export async function saveSnapshot(
	connection: Connection,
	stream: string,
	take: (chunk: Uint8Array) => Promise<void>,
	clock: Clock,
): Promise<void> {
	const { nc, api } = connection;
	const inbox = connection.newInbox();
	const messages = nc.subscribe(inbox);
	try {
		const request = {
			...{ deliver_subject: inbox, no_consumers: true, jsck: true },
			...{ chunk_size: chunkBytes, window_size: windowBytes },
		};
		await ask(connection, stream, `${api}.STREAM.SNAPSHOT.${stream}`, request);
		let count = 0;
		for await (const message of heard(connection, messages, stream, clock)) {
			if (message.data.length === 0) return finish(stream, message);
			count += 1;
			// A stream of one chunk is not numbered.
			if (message.reply && Number(message.reply.split('.').at(-1)) !== count) throw silent(stream);
			await take(message.data);
			message.respond();
		}
	} finally {
		messages.unsubscribe();
	}
}

/** The messages of a subscription, for as long as they come; chunks that were sent into a lost link never come again. */
async function* heard(
	{ reach }: Connection,
	messages: Subscription,
	stream: string,
	clock: Clock,
): AsyncGenerator<Msg> {
	let isOver = false;
	const end = () => {
		isOver = true;
		messages.unsubscribe();
	};
	let cancel = clock.after(silentMs, end);
	const offReach = reach.onChange((isUp) => !isUp && end());
	try {
		for await (const message of messages) {
			cancel();
			yield message;
			if (isOver) break;
			cancel = clock.after(silentMs, end);
		}
	} finally {
		cancel();
		offReach();
	}
	throw silent(stream);
}

function finish(stream: string, message: Msg): void {
	const { code } = headersOf(message);
	// One chunk alone ends without a status.
	if (code === 0 || code === 204) return;
	throw new StewardError(
		'gave-up',
		`the server could not copy stream ${stream} (status ${code}): see its log, try again`,
	);
}

function silent(stream: string): StewardError {
	return new StewardError(
		'no-broker',
		`the broker fell silent while stream ${stream} was copied: is the link bad? try again, best on the broker's own machine`,
	);
}

/** What a backup says of a stream. */
export async function describeStream(
	{ jsm }: Connection,
	name: string,
): Promise<{ config: SavedStream['config']; createdAt: string; held: Held }> {
	const { config, created, state } = await jsm.streams.info(name);
	return { config: { ...config }, createdAt: created, held: heldOf(state) };
}

/**
 * Finds out whether the broker would take streams of so many bytes on so many servers, by a stream that is gone at once, and
 * whether these credentials may send what is in them.
 * @throws StewardError `refused`
 */
export async function assertPlace(connection: Connection, bytes: number, replicas: number): Promise<void> {
	const { jsm } = connection;
	await assertAllowed(connection);
	const probe = {
		...{ name: `STEWARD_PROBE_${randomToken()}`, subjects: [`steward.probe.${randomToken()}`] },
		...{ storage: StorageType.File, max_bytes: Math.max(bytes, 1024), num_replicas: replicas },
	};
	try {
		await jsm.streams.add(probe);
	} catch (error) {
		throw await refusalOf(connection, probe, error);
	}
	await jsm.streams.delete(probe.name);
}

/**
 * A restore sends chunks, and publishes what came beside them, also to the ledger. Nobody is behind the one name, and no stream takes
 * what is meant for another: who may ask hears that, and who may not hears something else.
 */
async function assertAllowed(connection: Connection): Promise<void> {
	const probe = `STEWARD_PROBE_${randomToken()}`;
	const headers = makeHeaders();
	headers.set('Nats-Expected-Stream', probe);
	await assertMay(connection, `$JS.SNAPSHOT.RESTORE.${probe}.${randomToken()}`);
	await assertMay(connection, bucketSubject(buckets.ledger, probe), headers);
}

async function assertMay({ nc }: Connection, subject: string, headers?: MsgHdrs): Promise<void> {
	try {
		await nc.request(subject, '', { timeout: silentMs, ...(headers && { headers }) });
	} catch (error) {
		if (error instanceof RequestError && error.isNoResponders()) return;
		throw new StewardError(
			'refused',
			`these credentials may not restore (${messageOf(error)}): use those of the centre`,
			{ cause: error },
		);
	}
}

/**
 * Makes a stream of the chunks of a snapshot; it must not be there. Its sequences stay those of the stream that was copied.
 * @throws StewardError `no-broker`; `refused` where the server has too little room, or too few servers
 */
export async function restoreSnapshot(
	connection: Connection,
	{ config, createdAt, after }: Pick<SavedStream, 'config' | 'createdAt' | 'after'>,
	chunks: AsyncIterable<Uint8Array>,
): Promise<Held> {
	const { api, jsm } = connection;
	const { metadata } = config as Partial<StreamConfig>;
	const { name } = config;
	// No sequence of the copy is above it.
	const wanted = { ...config, metadata: withLife(metadata, createdAt, after.lastSeq) };
	try {
		const answer = await ask(connection, name, `${api}.STREAM.RESTORE.${name}`, {
			config: wanted,
			state: {},
		});
		const target = restoreAnswer.parse(answer).deliver_subject;
		for await (const chunk of chunks) await send(connection, name, target, chunk, silentMs);
		const info = (await send(connection, name, target, '', openWithinMs)) as StreamInfo;
		if (info.state.last_seq < after.lastSeq) {
			const exact = withLife(metadata, createdAt, info.state.last_seq);
			await jsm.streams.update(name, { ...info.config, metadata: { ...info.config.metadata, ...exact } });
		}
		return heldOf(info.state);
	} catch (error) {
		throw await refusalOf(connection, wanted, error);
	}
}

/** On a cluster the server that takes the chunks may not be known to the one that we are connected to for a moment. */
async function send(
	{ nc }: Connection,
	stream: string,
	target: string,
	data: Uint8Array | '',
	timeout: number,
): Promise<unknown> {
	for (let attempt = 1; ; attempt++) {
		try {
			const answer = await nc.request(target, data, { timeout });
			return answer.data.length === 0 ? undefined : orThrow(answer.json());
		} catch (error) {
			// Then nobody took it.
			const isUnknown = error instanceof RequestError && error.isNoResponders();
			if (!isUnknown || attempt === mostTries) throw noAnswer(stream, error);
			await systemClock.sleep(retryMs);
		}
	}
}

function heldOf(state: { messages: number; bytes: number; first_seq: number; last_seq: number }): Held {
	const { messages, bytes, first_seq: firstSeq, last_seq: lastSeq } = state;
	return { messages, bytes, firstSeq, lastSeq };
}

async function ask({ nc }: Connection, stream: string, subject: string, request: unknown): Promise<unknown> {
	try {
		return orThrow((await nc.request(subject, JSON.stringify(request), { timeout: silentMs })).json());
	} catch (error) {
		throw noAnswer(stream, error);
	}
}

function orThrow(answer: unknown): unknown {
	const refusal = apiError.safeParse(answer);
	if (refusal.success) throw new JetStreamApiError(refusal.data.error);
	return answer;
}
