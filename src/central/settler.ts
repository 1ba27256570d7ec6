/**
 * Owns removing what is done from the commands streams, lazily.
 * Promises that only what the ledger itself calls final at that moment is removed, and that a failed removal is tried
 * again. What a crash leaves behind is found when the next index is built.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import { isFinal } from '../domain/state.ts';
import { type CommandFacts, isLocal, isOfOneTime } from '../domain/wire.ts';
import type { Commands } from '../jetstream/commands.ts';
import type { LedgerStore } from '../jetstream/ledger-store.ts';

/** Purges at once: each is a request, and an fsync at the broker. */
const concurrency = 8;
const retryMs = 2000;

export type SettlerOptions = {
	commands: Commands;
	ledger: LedgerStore;
	/** The ledger does not know the command any more: whoever said that it was final is out of date. */
	onForgotten: (handle: Handle) => void;
	clock: Clock;
	log: Log;
};

type Settled = Handle & { readonly facts?: CommandFacts | undefined };

export class Settler {
	readonly #options: SettlerOptions;
	readonly #waiting = new Map<string, Settled>();
	#working = 0;

	constructor(options: SettlerOptions) {
		this.#options = options;
	}

	/** `facts`: of what waits under its id, where that is known to be another message. */
	settle({ node, id, facts }: Settled): void {
		this.#waiting.set(formatHandle({ node, id }), { node, id, facts });
		while (this.#working < concurrency && this.#waiting.size > 0) void this.#work();
	}

	async #work(): Promise<void> {
		this.#working += 1;
		for (const [key, handle] of this.#waiting) {
			this.#waiting.delete(key);
			try {
				await this.#remove(handle);
			} catch (error) {
				this.#options.log.debug({ handle: key, err: messageOf(error) }, 'a settled command stays for now');
				this.#options.clock.after(retryMs, () => this.settle(handle));
			}
		}
		this.#working -= 1;
	}

	async #remove({ facts, ...handle }: Settled): Promise<void> {
		const { commands, ledger, onForgotten } = this.#options;
		const record = await ledger.read(handle);
		if (!record) return onForgotten(handle);
		const { state, seq } = record.entry;
		if (!isFinal(state)) return;
		// Sent again in the moment of its settling; what was sent long after is another command with its id.
		const isRepeat = facts !== undefined && isOfOneTime(facts, record.entry);
		// Its node made it itself: nothing of it was ever stored, save where the centre queued the same tick.
		if (isLocal({ seq }) && !isRepeat) return;
		await commands.purge(handle.node, handle.id, isRepeat ? Math.max(facts.seq, seq) : seq);
	}
}
