/**
 * Owns direct gets: the last message of one subject, or of up to a thousand exact subjects in one request.
 * Promises that "there is none" and "nobody answered" are told apart, and that no subscription stays behind.
 * (The client's own multi-get keeps its subscription, and reads an empty answer as an error.)
 */

import { createInbox, type Msg } from '@nats-io/transport-node';
import { type Connection, requestTimeoutMs } from './connection.ts';

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

/** The last message of `subject`, undefined when there is none. Needs only the right to this one subject. */
export async function getLast(
	{ nc }: Connection,
	stream: string,
	subject: string,
): Promise<Stored | undefined> {
	const reply = await nc.request(`$JS.API.DIRECT.GET.${stream}.${subject}`, '', {
		timeout: requestTimeoutMs,
	});
	return reply.headers?.code === 404 ? undefined : toStored(reply);
}

/** The last messages of many subjects (wildcards count as one); those without a message are left out. */
export async function getLastOfMany(
	connection: Connection,
	stream: string,
	subjects: readonly string[],
): Promise<readonly Stored[]> {
	const found: Stored[] = [];
	for (let from = 0; from < subjects.length; from += mostSubjects) {
		found.push(...(await getPart(connection, stream, subjects.slice(from, from + mostSubjects))));
	}
	return found;
}

function getPart(
	{ nc }: Connection,
	stream: string,
	subjects: readonly string[],
): Promise<readonly Stored[]> {
	return new Promise((resolve, reject) => {
		const found: Stored[] = [];
		const inbox = createInbox();
		const subscription = nc.subscribe(inbox, {
			timeout: requestTimeoutMs,
			callback: (error, message) => {
				const code = error ? -1 : (message.headers?.code ?? 0);
				if (code === 0) return void found.push(toStored(message));
				subscription.unsubscribe();
				if (code === 204 || code === 404) return resolve(found);
				const why = error ? 'no answer in time' : `${code} ${message.headers?.description}`;
				reject(new Error(`direct get from ${stream}: ${why}`, error ? { cause: error } : undefined));
			},
		});
		nc.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ multi_last: subjects }), { reply: inbox });
	});
}

function toStored(message: Msg): Stored {
	const header = (name: string) => message.headers?.get(name) ?? '';
	const seq = header('Nats-Sequence');
	if (seq === '') {
		throw new Error(
			`direct get: ${message.headers?.code ?? 0} ${message.headers?.description ?? 'no sequence'}`,
		);
	}
	return {
		subject: header('Nats-Subject'),
		data: message.data,
		header,
		seq: Number(seq),
		storedAt: Date.parse(header('Nats-Time-Stamp')),
	};
}
