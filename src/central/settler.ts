/**
 * Owns removing what is done from the commands streams, lazily.
 * Promises that only what the ledger calls final is removed, and that the claim stays longer than any delivery of it.
 * What a crash leaves behind is found by the sweeper.
 */

import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import type { Commands } from '../jetstream/commands.ts';

/** Purges at once: each is a request, and an fsync at the broker. */
const concurrency = 8;

export class Settler {
	readonly #commands: Commands;
	readonly #log: Log;
	readonly #waiting = new Map<string, Handle>();
	#working = 0;
	#idle: (() => void)[] = [];

	constructor(commands: Commands, log: Log) {
		this.#commands = commands;
		this.#log = log;
	}

	settle(handle: Handle): void {
		this.#waiting.set(formatHandle(handle), handle);
		while (this.#working < concurrency && this.#waiting.size > 0) void this.#work();
	}

	/** Resolves when nothing is left to remove. */
	async idle(): Promise<void> {
		if (this.#working === 0) return;
		await new Promise<void>((resolve) => this.#idle.push(resolve));
	}

	async #work(): Promise<void> {
		this.#working += 1;
		for (const [key, handle] of this.#waiting) {
			this.#waiting.delete(key);
			try {
				await this.#commands.purge(handle.node, handle.id);
			} catch (error) {
				this.#log.debug({ handle: key, err: messageOf(error) }, 'a settled command stays for the sweeper');
			}
		}
		this.#working -= 1;
		if (this.#working === 0) for (const resolve of this.#idle.splice(0)) resolve();
	}
}
