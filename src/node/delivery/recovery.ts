/**
 * Owns what an earlier process of this node left unfinished: its process groups are ended, and what may not start again is
 * called interrupted, whether or not the broker hands it over once more (it does not, where the centre has given it up).
 * Promises that nothing which the policy lets run again is settled here, and that
 * what a copy of this store on another machine may be running is not touched. A crash in the middle begins again.
 */

import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import type { ProcessIdentity } from '../../base/process.ts';
import type { ServerTime } from '../server-time.ts';
import type { Journal, JournalEntry } from '../store/journal.ts';
import type { Settlement } from './settlement.ts';

export type RecoveryOptions = {
	journal: Journal;
	settlement: Settlement;
	serverTime: ServerTime;
	/** Its delivery is here, and its turn decides. */
	isAtWork: (id: string) => boolean;
	endLeftovers: (id: string, child: ProcessIdentity | null) => Promise<void>;
	onShutdown: (error: unknown) => void;
	clock: Clock;
	log: Log;
};

export class Recovery implements Service {
	readonly name = 'recovery';
	readonly #options: RecoveryOptions;
	readonly #lifecycle: Lifecycle;
	#stopping = new AbortController();
	#recovering: Promise<unknown> = Promise.resolve();

	constructor(options: RecoveryOptions) {
		this.#options = options;
		this.#lifecycle = new Lifecycle(
			async () => {
				this.#stopping = new AbortController();
				this.#recovering = this.runOnce(this.#stopping.signal).catch(options.onShutdown);
			},
			async () => {
				this.#stopping.abort();
				await this.#recovering;
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Answers how many it settled. @throws StewardError `storage` */
	async runOnce(signal: AbortSignal): Promise<number> {
		const { journal, serverTime, log } = this.#options;
		const left = journal.startedEarlier();
		for (const entry of left) {
			if (!signal.aborted && this.#isLeft(entry.id)) await this.#endLeftovers(entry);
		}
		// When it was interrupted is said in server time.
		if (left.length > 0) await serverTime.known(signal);
		let settled = 0;
		for (const { id } of left) {
			if (!signal.aborted && (await this.#settle(id))) settled += 1;
		}
		if (settled > 0)
			log.warn({ count: settled }, 'commands of an earlier process of this node were interrupted');
		return settled;
	}

	async #endLeftovers({ id, child }: JournalEntry): Promise<void> {
		const { endLeftovers, log } = this.#options;
		try {
			await endLeftovers(id, child);
		} catch (error) {
			log.warn({ id, err: messageOf(error) }, 'what an earlier process left running could not be ended');
		}
	}

	async #settle(id: string): Promise<boolean> {
		const { journal, settlement } = this.#options;
		const entry = journal.get(id);
		if (!entry || !this.#isLeft(id)) return false;
		return settlement.interruptWaiting(entry);
	}

	/** Looked at again before each step: its delivery may have come, and a new attempt may run. */
	#isLeft(id: string): boolean {
		const { journal, isAtWork } = this.#options;
		const entry = journal.get(id);
		return entry !== undefined && !isAtWork(id) && journal.isLeft(entry);
	}
}
