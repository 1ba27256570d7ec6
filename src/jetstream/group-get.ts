/**
 * Owns reading together what many callers want at once: what is asked while the last question is under way becomes the next.
 * Promises no timer and no added latency for a lone caller, and an answer that is younger than the question.
 * Reads only.
 */

import type { Connection } from './connection.ts';
import { getLastOfMany, type Stored } from './direct-get.ts';

type Asker = {
	readonly subjects: readonly string[];
	readonly resolve: (stored: ReadonlyMap<string, Stored>) => void;
	readonly reject: (error: unknown) => void;
};

export class GroupGet {
	readonly #connection: Connection;
	readonly #stream: string;
	readonly #mostAtOnce: number;
	#waiting: Asker[] = [];
	#busy = false;

	/** `mostAtOnce`: callers that share one question, where what is read is large. */
	constructor(connection: Connection, stream: string, mostAtOnce = Number.POSITIVE_INFINITY) {
		this.#connection = connection;
		this.#stream = stream;
		this.#mostAtOnce = mostAtOnce;
	}

	/** The last messages by subject, of these and perhaps of others that were asked for. @throws StewardError `no-broker` */
	get(subjects: readonly string[]): Promise<ReadonlyMap<string, Stored>> {
		return new Promise((resolve, reject) => {
			this.#waiting.push({ subjects, resolve, reject });
			if (!this.#busy) void this.#drain();
		});
	}

	async #drain(): Promise<void> {
		this.#busy = true;
		// Callers of the same turn of the event loop belong together.
		await Promise.resolve();
		while (this.#waiting.length > 0) {
			const askers = this.#waiting.splice(0, this.#mostAtOnce);
			const subjects = subjectsOf(askers);
			try {
				const found = await getLastOfMany(this.#connection, this.#stream, subjects);
				const bySubject = new Map(found.map((stored) => [stored.subject, stored]));
				for (const { resolve } of askers) resolve(bySubject);
			} catch (error) {
				for (const { reject } of askers) reject(error);
			}
		}
		this.#busy = false;
	}
}

/** Each once. */
function subjectsOf(askers: readonly Asker[]): readonly string[] {
	const [only, ...others] = askers;
	if (only && others.length === 0) return only.subjects;
	return [...new Set(askers.flatMap(({ subjects }) => subjects))];
}
