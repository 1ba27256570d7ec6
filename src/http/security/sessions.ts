/**
 * Owns who has signed in: for each session which token it was begun with, since when, and when it was used last.
 * Promises that what a browser keeps is worth nothing without this process (256 random bits, known here by their digest alone), and that
 * a session ends 12 h after it was last used and 7 d after it began. In memory: after a restart everybody shows his token again.
 */

import { randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { digestOf } from '../../security/tokens.ts';

const hourMs = 3_600_000;
const idleMs = 12 * hourMs;
export const longestSessionMs = 7 * 24 * hourMs;
/** At once; the one that was used longest ago gives way. */
const mostSessions = 10_000;
const idBytes = 32;

/** `token`: id of the token; times of the monotonic clock. */
type Session = { readonly token: string; readonly begunAt: number; usedAt: number };

export class Sessions {
	readonly #clock: Pick<Clock, 'monotonic'>;
	/** By digest; in the order of their last use. */
	readonly #sessions = new Map<string, Session>();

	constructor(clock: Pick<Clock, 'monotonic'>) {
		this.#clock = clock;
	}

	/** Answers the id that the browser is to keep; it is told here and never again. */
	begin(token: string): string {
		const id = randomBytes(idBytes).toString('base64url');
		const now = this.#clock.monotonic();
		this.#sessions.set(keyOf(id), { token, begunAt: now, usedAt: now });
		for (const key of this.#sessions.keys()) {
			if (this.#sessions.size <= mostSessions && this.isOpen(key)) break;
			this.#sessions.delete(key);
		}
		return id;
	}

	/** Of an id that a browser shows: the key that it is known by, and its token. */
	find(id: string): { readonly key: string; readonly token: string } | undefined {
		const key = keyOf(id);
		if (!this.isOpen(key)) return undefined;
		this.use(key);
		const session = this.#sessions.get(key);
		return session && { key, token: session.token };
	}

	isOpen(key: string): boolean {
		const session = this.#sessions.get(key);
		const now = this.#clock.monotonic();
		return session !== undefined && now - session.usedAt < idleMs && now - session.begunAt < longestSessionMs;
	}

	/** Somebody is there yet. */
	use(key: string): void {
		const session = this.#sessions.get(key);
		if (!session) return;
		session.usedAt = this.#clock.monotonic();
		this.#sessions.delete(key);
		this.#sessions.set(key, session);
	}

	end(key: string): void {
		this.#sessions.delete(key);
	}
}

function keyOf(id: string): string {
	return digestOf(id).toString('base64url');
}
