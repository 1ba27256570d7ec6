/**
 * Owns dead letters: messages taken out of their lane, with their evidence.
 * Promises one for each message, however often it is written.
 * Written before the message leaves its stream, so a crash in between leaves both.
 */

import type { Kind } from '../domain/names.ts';
import type { FaultRecord } from '../domain/result.ts';
import { streams, subjects } from '../domain/subject.ts';
import type { Connection } from './connection.ts';
import { expectedSeqHeader, isWrongSequence, Publisher } from './publisher.ts';

/** A quote of text takes up to six bytes a character. */
const keptCharacters = 128 * 1024;

export type DeadLetter = {
	readonly node: string;
	readonly kind: Kind;
	readonly method: string;
	readonly id: string;
	readonly sender: string;
	/** Server time, milliseconds since the epoch. */
	readonly at: number;
	readonly attempts: number;
	readonly fault: FaultRecord;
	/** The message as it was, as text, its beginning where it is very long; null where it is gone. */
	readonly message: string | null;
};

export class DeadLetters {
	readonly #publisher: Publisher;

	constructor(connection: Connection) {
		this.#publisher = new Publisher(connection, { stream: streams.dead, mayLookUp: true });
	}

	/** @throws PublishError */
	async write(letter: DeadLetter): Promise<void> {
		const { node, kind, method, id } = letter;
		try {
			await this.#publisher.publish({
				subject: subjects.dead(node, kind, method, id),
				data: JSON.stringify({ v: 1, ...letter, message: bounded(letter.message) }),
				headers: { [expectedSeqHeader]: '0' },
			});
		} catch (error) {
			if (!isWrongSequence(error)) throw error;
		}
	}
}

/** Of a message that would not fit beside its evidence, the beginning is kept, and how much there was. */
function bounded(message: string | null): string | null {
	if (message === null || message.length <= keptCharacters) return message;
	return `${message.slice(0, keptCharacters)}… (cut: ${message.length} characters)`;
}
