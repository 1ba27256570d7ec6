/**
 * Owns waiting for the broker's word on acks: one subscription of a connection for all of them.
 * Promises an answer to each within its time: false where no word came, or nobody is there to say one.
 * Dies with its connection. (A request of the client makes an error with a stack for each answer that comes: a tenth of what
 * a node does for a short command.)
 */

import { systemClock } from '../base/clock.ts';
import type { Connection } from './connection.ts';
import { headersOf } from './headers.ts';

const answerWithinMs = 5000;
const noResponders = 503;

class AckAnswers {
	readonly #connection: Connection;
	readonly #inbox: string;
	readonly #waiting = new Map<string, (isTaken: boolean) => void>();
	#last = 0;

	constructor(connection: Connection) {
		this.#connection = connection;
		this.#inbox = connection.newInbox();
		connection.nc.subscribe(`${this.#inbox}.*`, {
			callback: (error, message) => {
				const end = error ? undefined : this.#waiting.get(message.subject.slice(this.#inbox.length + 1));
				end?.(headersOf(message).code !== noResponders);
			},
		});
		void connection.nc.closed().then(() => {
			for (const end of [...this.#waiting.values()]) end(false);
		});
	}

	ack(reply: string): Promise<boolean> {
		const { nc } = this.#connection;
		const token = String(++this.#last);
		return new Promise((resolve) => {
			const end = (isTaken: boolean) => {
				cancel();
				this.#waiting.delete(token);
				resolve(isTaken);
			};
			const cancel = systemClock.after(answerWithinMs, () => end(false));
			this.#waiting.set(token, end);
			nc.publish(reply, '+ACK', { reply: `${this.#inbox}.${token}` });
		});
	}
}

const answers = new WeakMap<Connection['nc'], AckAnswers>();

/** Acknowledges to `reply`. True once the broker has said that it knows; false where it does not in time, or the connection is closed. */
export async function ackAndWait(connection: Connection, reply: string): Promise<boolean> {
	const { nc } = connection;
	if (nc.isClosed()) return false;
	const known = answers.get(nc) ?? new AckAnswers(connection);
	answers.set(nc, known);
	return known.ack(reply);
}
