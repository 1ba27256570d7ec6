/**
 * Owns what a running server knows of its tokens: the file as it was read last, and read again as soon as it is another.
 * Promises that a token which was removed, or has expired, counts no more with the next request, and that a file which is another one and
 * cannot be read lets nobody in, until it can: what was read before may have been taken back. Only reads.
 */

import { timingSafeEqual } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { isStewardError, messageOf, StewardError, systemCodeOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { digestOf, idOf, isExpired, readTokens, type TokenEntry } from '../../security/tokens.ts';

type Known = {
	readonly version: string;
	readonly tokens: readonly TokenEntry[];
	readonly isDamaged: boolean;
};

const nothing: Known = { version: 'none', tokens: [], isDamaged: false };
/** Compared with where there is no such token, so that it takes as long. */
const nobody = Buffer.alloc(32);

export class TokenFile {
	readonly #path: string;
	readonly #clock: Clock;
	readonly #log: Log;
	#known: Known = nothing;
	#reading: Promise<void> | undefined;
	/** What was logged of it last. */
	#said = '';

	constructor(path: string, { clock, log }: { clock: Clock; log: Log }) {
		this.#path = path;
		this.#clock = clock;
		this.#log = log;
	}

	/**
	 * Nobody has made a token yet. One that has expired is one, and so is whatever a damaged file held.
	 * @throws StewardError `storage` while it cannot be read, as the others
	 */
	async isEmpty(): Promise<boolean> {
		const { tokens, isDamaged } = await this.#current();
		return tokens.length === 0 && !isDamaged;
	}

	/** Whose token it is; undefined where it is none that counts now. */
	async find(token: string): Promise<TokenEntry | undefined> {
		const { tokens } = await this.#current();
		const id = idOf(token);
		const entry = tokens.find((one) => one.id === id);
		const expected = entry ? Buffer.from(entry.sha256, 'hex') : nobody;
		const isRight = timingSafeEqual(expected, digestOf(token));
		return entry && isRight && !isExpired(entry, this.#clock.now()) ? entry : undefined;
	}

	/** A token that was let in; undefined where it counts no more. */
	async entryOf(id: string): Promise<TokenEntry | undefined> {
		const { tokens } = await this.#current();
		const entry = tokens.find((one) => one.id === id);
		return entry && !isExpired(entry, this.#clock.now()) ? entry : undefined;
	}

	async #current(): Promise<Known> {
		for (;;) {
			const version = await this.#version();
			if (version === this.#known.version) return this.#known;
			this.#reading ??= this.#read(version).finally(() => {
				this.#reading = undefined;
			});
			// Somebody else's may have begun before it was this one.
			await this.#reading;
		}
	}

	/** Another one with each write: the file is replaced, never written over. */
	async #version(): Promise<string> {
		try {
			const { ino, mtimeMs, size, mode } = await stat(this.#path);
			return `${ino} ${mtimeMs} ${size} ${mode}`;
		} catch (error) {
			return systemCodeOf(error) === 'ENOENT' ? nothing.version : `unreadable ${systemCodeOf(error)}`;
		}
	}

	/** That it cannot be read (too many files are open, an I/O error) says nothing of what it holds, and is not kept. */
	async #read(version: string): Promise<void> {
		try {
			this.#known = { version, tokens: await readTokens(this.#path), isDamaged: false };
			this.#said = '';
		} catch (error) {
			const err = messageOf(error);
			if (err !== this.#said) this.#log.error({ err }, 'nobody is let in: the file of tokens cannot be used');
			this.#said = err;
			if (!isStewardError(error, 'invalid')) throw unreadableNow(error);
			this.#known = { version, tokens: [], isDamaged: true };
		}
	}
}

/** For whoever asks: the log says more. */
function unreadableNow(cause: unknown): StewardError {
	return new StewardError('storage', 'who may come in cannot be read at the moment: ask again', { cause });
}
