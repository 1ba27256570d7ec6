/**
 * Owns direct gets: the last message of one subject, or of up to a thousand exact subjects in one request, and counts.
 * Promises that "there is none" and "nobody answered" are told apart, that every request ends within its time, also when
 * the connection is closed under it, and that no subscription stays behind. Reads only. Any replica may answer, and one may
 * lag: a decision that rests on "there is none" asks the leader ({@link getFromLeader}).
 * (The client's own multi-get keeps its subscription, and reads an empty answer as an error.)
 */

import { createInbox, type Msg } from '@nats-io/transport-node';
import { askReplicas } from './ask-replicas.ts';
import { type Connection, requestTimeoutMs } from './connection.ts';
import { isNoAnswer, noAnswer } from './errors.ts';
import { LinkLostError } from './reach.ts';
import { electionMs, rideOver } from './ride-over.ts';

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
export async function getLast(
	{ reach, api }: Connection,
	stream: string,
	subject: string,
): Promise<Stored | undefined> {
	let reply: Msg;
	try {
		const asked = `${api}.DIRECT.GET.${stream}.${subject}`;
		reply = await askReplicas((timeoutMs) => reach.request(asked, '', { timeoutMs }), requestTimeoutMs);
	} catch (error) {
		throw noAnswer(stream, error);
	}
	if (reply.headers?.code === 404) return undefined;
	const stored = toStored(reply);
	if (!stored) throw noAnswer(stream, statusOf(reply));
	return stored;
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
	const found: Stored[] = [];
	for (let from = 0; from < subjects.length; from += mostSubjects) {
		const part = subjects.slice(from, from + mostSubjects);
		try {
			found.push(...(await askReplicas((ms) => getPart(connection, stream, part, ms), timeoutMs)));
		} catch (error) {
			throw noAnswer(stream, error);
		}
	}
	return found;
}

/** The message with this sequence, undefined when it is gone. @throws StewardError `no-broker` */
export function getAt(connection: Connection, stream: string, seq: number): Promise<Stored | undefined> {
	return ask(connection, stream, { seq });
}

/** The first message that matches `filter` from sequence `from` on. @throws StewardError `no-broker` */
export function getNext(
	connection: Connection,
	stream: string,
	filter: string,
	from: number,
): Promise<Stored | undefined> {
	return ask(connection, stream, { seq: from, next_by_subj: filter });
}

async function ask(
	{ reach, api }: Connection,
	stream: string,
	question: object,
): Promise<Stored | undefined> {
	const asked = `${api}.DIRECT.GET.${stream}`;
	try {
		const reply = await askReplicas(
			(timeoutMs) => reach.request(asked, JSON.stringify(question), { timeoutMs }),
			requestTimeoutMs,
		);
		if (reply.headers?.code === 404) return undefined;
		const stored = toStored(reply);
		if (!stored) throw statusOf(reply);
		return stored;
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
		const message = await rideOver(() => jsm.streams.getMessage(stream, query), isNoAnswer, electionMs);
		return (
			(message && {
				subject: message.subject,
				data: message.data,
				header: (name) => message.header.get(name),
				seq: message.seq,
				storedAt: Date.parse(message.timestamp),
			}) ??
			undefined
		);
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
	{ reach, api }: Connection,
	stream: string,
	filter: string,
	from: number,
): Promise<{ readonly first: Stored | undefined; readonly count: number }> {
	const question = JSON.stringify({ batch: 1, seq: from, next_by_subj: filter });
	try {
		const reply = await askReplicas(
			(timeoutMs) => reach.request(`${api}.DIRECT.GET.${stream}`, question, { timeoutMs }),
			requestTimeoutMs,
		);
		if (reply.headers?.code === 404) return { first: undefined, count: 0 };
		const first = toStored(reply);
		if (!first) throw statusOf(reply);
		return { first, count: Number(first.header('Nats-Num-Pending')) + 1 };
	} catch (error) {
		throw noAnswer(stream, error);
	}
}

async function getPart(
	{ nc, reach, api }: Connection,
	stream: string,
	subjects: readonly string[],
	timeoutMs: number,
): Promise<readonly Stored[]> {
	if (!reach.isUp && !(await reach.whenUp(timeoutMs))) throw new LinkLostError(false);
	const found: Stored[] = [];
	const inbox = createInbox();
	let settle: (error?: unknown) => void = () => undefined;
	const answered = new Promise<void>((resolve, reject) => {
		settle = (error) => (error === undefined ? resolve() : reject(error));
	});
	const subscription = nc.subscribe(inbox, {
		timeout: timeoutMs,
		callback: (error, message) => {
			const code = error ? -1 : (message.headers?.code ?? 0);
			const stored = code === 0 ? toStored(message) : undefined;
			if (stored) found.push(stored);
			else if (code === 204 || code === 404) settle();
			else settle(error ?? statusOf(message));
		},
	});
	const { lost, end } = reach.whenLost();
	try {
		nc.publish(`${api}.DIRECT.GET.${stream}`, JSON.stringify({ multi_last: subjects }), { reply: inbox });
		await Promise.race([answered, lost]);
		return found;
	} finally {
		end();
		subscription.unsubscribe();
	}
}

/** Undefined for a status. */
function toStored(message: Msg): Stored | undefined {
	const header = (name: string) => message.headers?.get(name) ?? '';
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

function statusOf({ headers }: Msg): Error {
	return new Error(`${headers?.code ?? 0} ${headers?.description ?? 'no sequence'}`);
}
