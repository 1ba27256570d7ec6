/**
 * Owns direct gets: the last message of one subject, or of up to a thousand exact subjects in one request.
 * Promises that "there is none" and "nobody answered" are told apart, that every request ends within its time, also when
 * the connection is closed under it, and that no subscription stays behind. Reads only.
 * (The client's own multi-get keeps its subscription, and reads an empty answer as an error.)
 */

import { createInbox, type Msg } from '@nats-io/transport-node';
import { type Connection, requestTimeoutMs } from './connection.ts';
import { noAnswer } from './errors.ts';

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
	{ nc }: Connection,
	stream: string,
	subject: string,
): Promise<Stored | undefined> {
	let reply: Msg;
	try {
		reply = await nc.request(`$JS.API.DIRECT.GET.${stream}.${subject}`, '', { timeout: requestTimeoutMs });
	} catch (error) {
		throw noAnswer(stream, error);
	}
	return reply.headers?.code === 404 ? undefined : toStored(stream, reply);
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
		found.push(...(await getPart(connection, stream, subjects.slice(from, from + mostSubjects), timeoutMs)));
	}
	return found;
}

function getPart(
	{ nc }: Connection,
	stream: string,
	subjects: readonly string[],
	timeoutMs: number,
): Promise<readonly Stored[]> {
	return new Promise((resolve, reject) => {
		const found: Stored[] = [];
		const inbox = createInbox();
		const subscription = nc.subscribe(inbox, {
			timeout: timeoutMs,
			callback: (error, message) => {
				const code = error ? -1 : (message.headers?.code ?? 0);
				if (code === 0) return void found.push(toStored(stream, message));
				if (code === 204 || code === 404) resolve(found);
				else reject(noAnswer(stream, error ?? new Error(`${code} ${message.headers?.description}`)));
				subscription.unsubscribe();
			},
		});
		// Settles what nothing else did: the connection was closed.
		void subscription.closed.then(() => reject(noAnswer(stream, new Error('the connection was closed'))));
		nc.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ multi_last: subjects }), { reply: inbox });
	});
}

function toStored(stream: string, message: Msg): Stored {
	const header = (name: string) => message.headers?.get(name) ?? '';
	const seq = header('Nats-Sequence');
	if (seq === '') {
		const { code = 0, description = 'no sequence' } = message.headers ?? {};
		throw noAnswer(stream, new Error(`${code} ${description}`));
	}
	return {
		subject: header('Nats-Subject'),
		data: message.data,
		header,
		seq: Number(seq),
		storedAt: Date.parse(header('Nats-Time-Stamp')),
	};
}
