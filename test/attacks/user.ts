/**
 * Owns a hostile or curious user: a raw NATS client with credentials, and nothing of steward in between.
 * Promises what the server made of each thing that it tried, in the order of the wire: a refusal comes before the answer to a ping.
 * Closed at the end.
 */

import {
	connect,
	createInbox,
	credsAuthenticator,
	errors,
	headers as makeHeaders,
	type NatsConnection,
} from '@nats-io/transport-node';
import type { Credentials } from '../../src/security/credentials.ts';

export type User = AsyncDisposable & {
	readonly name: string;
	readonly nc: NatsConnection;
	/** Publishes, and says whether the server let it. */
	mayPublish(
		subject: string,
		data?: string,
		also?: { headers?: Readonly<Record<string, string>>; reply?: string },
	): Promise<boolean>;
	maySubscribe(subject: string): Promise<boolean>;
	/** As a request: whether it was let, and somebody is there who takes it. */
	reaches(subject: string, data?: string): Promise<boolean>;
	/** What the first answer says; undefined where none comes, or nobody may be asked. */
	ask(
		subject: string,
		data?: string,
		headers?: Readonly<Record<string, string>>,
	): Promise<string | undefined>;
};

/** Where nothing stands against it, an answer comes. */
const answerWithinMs = { defended: 5000, undefended: 60_000 };

/** Without credentials: on a server that has no accounts. */
export async function openUser(url: string, credentials?: Credentials): Promise<User> {
	const name = credentials?.name ?? 'anybody';
	const prefix = `_INBOX.${name}`;
	const nc = await connect({
		...{ servers: url, name, inboxPrefix: prefix, noAsyncTraces: true, reconnect: false },
		...(credentials && { authenticator: credsAuthenticator(credentials.bytes) }),
	});
	let refused: string[] = [];
	void (async () => {
		for await (const status of nc.status()) {
			if (status.type === 'error' && status.error instanceof errors.PermissionViolationError) {
				refused.push(`${status.error.operation} ${status.error.subject}`);
			}
		}
	})();
	/** One thing at a time: a refusal names the subject only. */
	const isLet = async (what: string, attempt: () => void) => {
		refused = [];
		attempt();
		await nc.flush();
		// The client hands a refusal on before the answer to the ping, in a turn of its own.
		await new Promise((resolve) => setImmediate(resolve));
		return !refused.includes(what);
	};
	const toHeaders = (fields: Readonly<Record<string, string>> = {}) => {
		const made = makeHeaders();
		for (const [key, value] of Object.entries(fields)) made.set(key, value);
		return made;
	};
	const user: User = {
		name,
		nc,
		mayPublish: (subject, data = '', { headers, reply } = {}) =>
			isLet(`publish ${subject}`, () =>
				nc.publish(subject, data, {
					...(headers && { headers: toHeaders(headers) }),
					...(reply && { reply }),
				}),
			),
		maySubscribe: async (subject) => {
			const subscription = nc.subscribe(subject, { callback: () => undefined });
			const isAllowed = await isLet(`subscription ${subject}`, () => undefined);
			if (isAllowed) subscription.unsubscribe();
			return isAllowed;
		},
		reaches: async (subject, data = '') => {
			const reply = createInbox(prefix);
			let isNobody = false;
			const subscription = nc.subscribe(reply, {
				callback: (error, message) => {
					isNobody ||= error !== null || message.headers?.code === 503;
				},
			});
			const isAllowed = await user.mayPublish(subject, data, { reply });
			subscription.unsubscribe();
			return isAllowed && !isNobody;
		},
		ask: async (subject, data = '', headers) => {
			try {
				// What is pulled keeps its own subject: answers that share an inbox are told apart by theirs.
				const options = {
					timeout: credentials ? answerWithinMs.defended : answerWithinMs.undefended,
					noMux: true,
					...(headers && { headers: toHeaders(headers) }),
				};
				const answer = await nc.request(subject, data, options);
				const status = answer.headers?.code ? `${answer.headers.code} ` : '';
				return `${status}${answer.string()}`;
			} catch {
				return undefined;
			}
		},
		[Symbol.asyncDispose]: () => nc.close(),
	};
	return user;
}
