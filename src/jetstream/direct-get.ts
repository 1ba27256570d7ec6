/**
 * Owns direct gets: the last message of one subject, or of up to a thousand exact subjects in one request, and counts.
 * Promises that "there is none" and "nobody answered" are told apart, and that every request ends within its time, also when
 * the connection is closed under it. Reads only. Any replica may answer, and one may lag: a decision that rests on "there is
 * none" asks the leader ({@link getFromLeader}). Whatever headers a sender wrote, the server's own count. (The client's
 * multi-get keeps its subscription, and reads an empty answer as an error.)
 */

import type { Msg } from '@nats-io/transport-node';
import { askLeader, askReplicas, type Try } from './ask-again.ts';
import { type Connection, requestTimeoutMs } from './connection.ts';
import { noAnswer } from './errors.ts';
import { headersOf, storedHeader } from './headers.ts';
import { ask } from './replies.ts';

export type Stored = {
	readonly subject: string;
	readonly data: Uint8Array;
	readonly header: (name: string) => string;
	readonly seq: number;
	/** Server time of its storing, milliseconds since the epoch. */
	readonly storedAt: number;
};

/** The server answers at most 1,024 subjects of one request. */
const mostSubjects = 1000;

/**
 * The last message of `subject`, undefined when there is none. Needs only the right to this one subject.
 * @throws StewardError `no-broker`
 */
export function getLast(
	connection: Connection,
	stream: string,
	subject: string,
): Promise<Stored | undefined> {
	return getOne(connection, stream, `${subjectOf(connection, stream)}.${subject}`, '');
}

/**
 * The last messages of many subjects (wildcards count as one); those without a message are left out.
 * @throws StewardError `no-broker`
 */
export async function getLastOfMany(
	connection: Connection,
	stream: string,
	subjects: readonly string[],
	timeoutMs = requestTimeoutMs,
): Promise<readonly Stored[]> {
	const [only = '', ...others] = subjects;
	if (others.length === 0 && /^[^*>]+$/.test(only)) {
		// Its answer is one message, where that to many ends with a word of its own.
		const stored = await getLast(connection, stream, only);
		return stored ? [stored] : [];
	}
	const found: Stored[] = [];
	for (let from = 0; from < subjects.length; from += mostSubjects) {
		const part = subjects.slice(from, from + mostSubjects);
		try {
			found.push(...(await askReplicas((one) => getPart(connection, stream, part, one), timeoutMs)));
		} catch (error) {
			throw noAnswer(stream, error);
		}
	}
	return found;
}

/** The message with this sequence, undefined when it is gone. @throws StewardError `no-broker` */
export function getAt(connection: Connection, stream: string, seq: number): Promise<Stored | undefined> {
	return getOne(connection, stream, subjectOf(connection, stream), JSON.stringify({ seq }));
}

/** The first message that matches `filter` from sequence `from` on. @throws StewardError `no-broker` */
export function getNext(
	connection: Connection,
	stream: string,
	filter: string,
	from: number,
): Promise<Stored | undefined> {
	const question = JSON.stringify({ seq: from, next_by_subj: filter });
	return getOne(connection, stream, subjectOf(connection, stream), question);
}

/**
 * Up to `batch` messages that match `filter`, from sequence `from` on (ADR-31), fewer where they are large.
 * @param maxBytes The server's own bound without it.
 * @throws StewardError `no-broker`
 */
export async function getFrom(
	connection: Connection,
	stream: string,
	filter: string,
	from: number,
	{ batch, maxBytes }: { readonly batch: number; readonly maxBytes?: number },
): Promise<readonly Stored[]> {
	const question = JSON.stringify({ batch, max_bytes: maxBytes, seq: from, next_by_subj: filter });
	try {
		return await askReplicas((one) => getAll(connection, stream, question, one), requestTimeoutMs);
	} catch (error) {
		throw noAnswer(stream, error);
	}
}

/** Where a stream's direct gets are asked for. */
function subjectOf({ api }: Connection, stream: string): string {
	return `${api}.DIRECT.GET.${stream}`;
}

/** One message, undefined where the server says that there is none. */
async function getOne(
	connection: Connection,
	stream: string,
	subject: string,
	question: string,
): Promise<Stored | undefined> {
	try {
		return await askReplicas(async (one) => {
			let found: Stored | undefined;
			await askOnce(connection, { subject, question, ...one }, (message) => {
				found = toStored(message);
				return found !== undefined || headersOf(message).code === 404 ? 'done' : statusOf(message);
			});
			return found;
		}, requestTimeoutMs);
	} catch (error) {
		throw noAnswer(stream, error);
	}
}

/**
 * As {@link getLast} or {@link getAt}, from the leader of the stream, which has what it has acknowledged. Not for nodes: the
 * right to ask cannot be given for one subject.
 * @throws StewardError `no-broker`
 */
export async function getFromLeader(
	{ jsm }: Connection,
	stream: string,
	query: { readonly last_by_subj: string } | { readonly seq: number },
): Promise<Stored | undefined> {
	try {
		const message = await askLeader(() => jsm.streams.getMessage(stream, query));
		if (!message) return undefined;
		const { subject, data, seq, timestamp } = message;
		const header = (name: string) => storedHeader(message, name);
		return { subject, data, header, seq, storedAt: Date.parse(timestamp) };
	} catch (error) {
		throw noAnswer(stream, error);
	}
}

/** How many messages match, as {@link firstFrom}. @throws StewardError `no-broker` */
export async function countFrom(
	connection: Connection,
	stream: string,
	filter: string,
	from: number,
): Promise<number> {
	return (await firstFrom(connection, stream, filter, from)).count;
}

/**
 * The first message that matches `filter` from sequence `from` on, and how many do. The server counts in its index, and answers with one number
 * beside the first of them (ADR-31): a list of the subjects costs 20 times as much where thousands wait.
 * @throws StewardError `no-broker`
 */
export async function firstFrom(
	connection: Connection,
	stream: string,
	filter: string,
	from: number,
): Promise<{ readonly first: Stored | undefined; readonly count: number }> {
	const question = JSON.stringify({ batch: 1, seq: from, next_by_subj: filter });
	const first = await getOne(connection, stream, subjectOf(connection, stream), question);
	return { first, count: first ? Number(first.header('Nats-Num-Pending')) + 1 : 0 };
}

function getPart(
	connection: Connection,
	stream: string,
	subjects: readonly string[],
	one: Try,
): Promise<readonly Stored[]> {
	return getAll(connection, stream, JSON.stringify({ multi_last: subjects }), one);
}

/** All messages of an answer, which ends with a word of its own. */
async function getAll(
	connection: Connection,
	stream: string,
	question: string,
	one: Try,
): Promise<readonly Stored[]> {
	const found: Stored[] = [];
	const subject = subjectOf(connection, stream);
	await askOnce(connection, { subject, question, ...one }, (message) => {
		const stored = toStored(message);
		if (stored) {
			found.push(stored);
			return 'more';
		}
		const { code } = headersOf(message);
		return code === 204 || code === 404 ? 'done' : statusOf(message);
	});
	return found;
}

/** One of several tries. */
function askOnce(
	connection: Connection,
	{
		subject,
		question,
		timeoutMs,
		signal,
		heard,
	}: Try & { readonly subject: string; readonly question: string },
	take: (message: Msg) => 'done' | 'more' | Error,
): Promise<void> {
	return ask(connection, { subject, data: question, timeoutMs, signal }, (message) => {
		heard();
		return take(message);
	});
}

/** Undefined for a status. */
function toStored(message: Msg): Stored | undefined {
	const { get: header } = headersOf(message);
	const seq = header('Nats-Sequence');
	if (seq === '') return undefined;
	return {
		subject: header('Nats-Subject'),
		data: message.data,
		header,
		seq: Number(seq),
		storedAt: Date.parse(header('Nats-Time-Stamp')),
	};
}

function statusOf(message: Msg): Error {
	const { code, description } = headersOf(message);
	return new Error(`${code} ${description || 'no sequence'}`);
}
