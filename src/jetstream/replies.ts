/**
 * Owns questions to the broker and their answers: one subscription of a connection for all of them.
 * Promises that a question ends within its time, as soon as its link is lost or its connection closed, and at once where the broker does
 * not let this user ask; that one which begins while the link is down waits for it within its time; and that an answer which comes
 * after its question is over meets nobody.
 * Dies with its connection. (A subscription a question costs two more words with the broker, each of them a write here and a read there;
 * a request of the client makes an error with a stack for each answer that comes, and reads headers in the reader of the connection,
 * which stops for good where they are bad.)
 */

import { ClosedConnectionError, errors, type Msg, type MsgHdrs, TimeoutError } from '@nats-io/transport-node';
import { systemClock } from '../base/clock.ts';
import type { Connection } from './connection.ts';
import { headersOf } from './headers.ts';
import { apartFromReader, LinkLostError } from './reach.ts';

type Question = {
	readonly subject: string;
	readonly data: Uint8Array | string;
	readonly headers?: MsgHdrs;
	readonly timeoutMs: number;
	/** The answer is of no use any more. */
	readonly signal?: AbortSignal;
};

type Take = (message: Msg) => 'done' | 'more' | Error;

/** All that one connection asks at a time. */
class Replies {
	readonly inbox: string;
	readonly asked = new Map<string, Asked>();
	#last = 0;

	constructor({ nc, reach, newInbox }: Connection) {
		this.inbox = `${newInbox()}.`;
		nc.subscribe(`${this.inbox}*`, {
			callback: (error, message) => {
				if (!error) return apartFromReader(() => this.asked.get(this.#tokenOf(message))?.take(message));
				// This user may not listen: who asks next finds out anew.
				ofConnections.delete(nc);
				this.#endAll(error);
			},
		});
		reach.onChange((isUp) => isUp || this.#endAll(new LinkLostError(true)));
		void this.#follow(nc);
	}

	newToken(): string {
		return String(++this.#last);
	}

	/** The broker says apart from all answers what it does not let through. */
	async #follow(nc: Connection['nc']): Promise<void> {
		for await (const status of nc.status()) {
			if (status.type !== 'error' || !(status.error instanceof errors.PermissionViolationError)) continue;
			const { operation, subject } = status.error;
			if (operation === 'publish') this.#endAll(status.error, subject);
		}
		this.#endAll(new ClosedConnectionError());
	}

	#tokenOf({ subject }: Msg): string {
		return subject.slice(this.inbox.length);
	}

	#endAll(error: Error, of?: string): void {
		for (const asked of [...this.asked.values()])
			if (of === undefined || asked.subject === of) asked.end(error);
	}
}

/** One question that is under way. */
class Asked {
	readonly subject: string;
	readonly #replies: Replies;
	readonly #token: string;
	readonly #take: Take;
	readonly #resolve: () => void;
	readonly #reject: (error: Error) => void;
	readonly #cancelTimer: () => void;

	constructor(
		replies: Replies,
		{ subject, timeoutMs }: Question,
		take: Take,
		resolve: () => void,
		reject: (error: Error) => void,
	) {
		this.subject = subject;
		this.#replies = replies;
		this.#token = replies.newToken();
		this.#take = take;
		this.#resolve = resolve;
		this.#reject = reject;
		this.#cancelTimer = systemClock.after(timeoutMs, () => this.end(new TimeoutError()));
		replies.asked.set(this.#token, this);
	}

	get reply(): string {
		return this.#replies.inbox + this.#token;
	}

	take(message: Msg): void {
		const next = this.#take(message);
		if (next !== 'more') this.end(next);
	}

	end(how: 'done' | Error): void {
		if (!this.#replies.asked.delete(this.#token)) return;
		this.#cancelTimer();
		if (how === 'done') this.#resolve();
		else this.#reject(how);
	}
}

const ofConnections = new WeakMap<Connection['nc'], Replies>();

function repliesOf(connection: Connection): Replies {
	let replies = ofConnections.get(connection.nc);
	if (replies) return replies;
	replies = new Replies(connection);
	ofConnections.set(connection.nc, replies);
	return replies;
}

/**
 * Hands the answers to `take` until that says `done`, or what is wrong.
 * @throws LinkLostError, or the client's own TimeoutError, ClosedConnectionError and PermissionViolationError
 */
export async function ask(connection: Connection, question: Question, take: Take): Promise<void> {
	const { nc, reach } = connection;
	const { subject, data, headers, timeoutMs, signal } = question;
	if (!reach.isUp && !(await reach.whenUp(timeoutMs))) throw new LinkLostError(false);
	const replies = repliesOf(connection);
	return new Promise((resolve, reject) => {
		const asked = new Asked(replies, question, take, resolve, reject);
		const options = { reply: asked.reply };
		try {
			nc.publish(subject, data, headers ? { ...options, headers } : options);
		} catch (error) {
			asked.end(error instanceof Error ? error : new Error(String(error)));
		}
		signal?.addEventListener('abort', () => asked.end(new Error('it is of no use any more')), { once: true });
	});
}

const noResponders = 503;

/**
 * The first answer.
 * @throws As {@link ask}, and the client's own NoRespondersError
 */
export async function askOne(connection: Connection, question: Question): Promise<Msg> {
	let answer: Msg | undefined;
	await ask(connection, question, (message) => {
		const isNobody = message.data.length === 0 && headersOf(message).code === noResponders;
		if (isNobody) return new errors.NoRespondersError(question.subject);
		answer = message;
		return 'done';
	});
	if (!answer) throw new TimeoutError();
	return answer;
}
