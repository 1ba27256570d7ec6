/**
 * Owns queueing the commands whose time has come, and removing what they leave behind where they waited.
 * Promises that each is queued once, in the order of their times, also with two leaders: the broker compares and sets. A claim
 * that closed it holds, wherever it is by then. A crash in between leaves both messages; the newer counts, and the other goes.
 */

import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { formatHandle } from '../domain/names.ts';
import type { Stored } from '../jetstream/direct-get.ts';
import type { LaterCommands } from '../jetstream/later-commands.ts';
import { isWrongSequence } from '../jetstream/publisher.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';
import type { CentreIndex } from './index.ts';

/** Commands queued in one go: their messages are in memory for that long. */
const atOnce = 256;
/** Messages removed in one round: the next that is due does not wait for more. */
const droppedAtOnce = 128;

export type ReleaserOptions = {
	index: Pick<CentreIndex, 'later' | 'ledger' | 'isComplete' | 'forgetLater'>;
	later: Pick<LaterCommands, 'read' | 'queue' | 'drop'>;
	/** The broker's clock, milliseconds since the epoch. */
	serverNow: () => number;
	log: Log;
};

type Found = { readonly command: StoredCommand; readonly stored: Stored };

export class Releaser {
	readonly #options: ReleaserOptions;

	constructor(options: ReleaserOptions) {
		this.#options = options;
	}

	/** Answers how many commands it queued. */
	async runOnce(stopping?: AbortSignal): Promise<number> {
		const { index, serverNow } = this.#options;
		// What is not known of yet may be due before.
		if (!index.isComplete) return 0;
		let queued = 0;
		for (let taken = atOnce; taken === atOnce && !stopping?.aborted; ) {
			const due = index.later.takeDue(serverNow(), atOnce);
			taken = due.length;
			queued += await this.#queueAll(due);
		}
		await this.#dropLeftovers();
		return queued;
	}

	/** All are read before the first is queued, so that none overtakes another. */
	async #queueAll(due: readonly StoredCommand[]): Promise<number> {
		const { index } = this.#options;
		// Closed already: the ledger has its own way on.
		const open = due.filter((command) => !index.ledger.has(formatHandle(command)));
		const read = await Promise.allSettled(open.map((command) => this.#read(command)));
		this.#tell(read);
		const found = read.flatMap((one) => (one.status === 'fulfilled' && one.value ? [one.value] : []));
		const queued = await Promise.allSettled(found.map((one) => this.#queue(one)));
		this.#tell(queued);
		return queued.filter((one) => one.status === 'fulfilled' && one.value).length;
	}

	async #read(command: StoredCommand): Promise<Found | undefined> {
		const { index, later } = this.#options;
		const stored = await later.read(command);
		// Another leader queued it, or it has ended: the index hears of the one, and needs nothing of the other.
		if (!stored) index.forgetLater(command);
		return stored && { command, stored };
	}

	async #queue({ command, stored }: Found): Promise<boolean> {
		const { later, log } = this.#options;
		const handle = formatHandle(command);
		try {
			await later.queue(command, stored);
			log.info({ handle }, 'its time has come: queued');
			return true;
		} catch (error) {
			if (!isWrongSequence(error)) throw error;
			log.debug({ handle }, 'another queued it, or it has ended');
			return false;
		}
	}

	/** They are due again soon. */
	#tell(outcomes: readonly PromiseSettledResult<unknown>[]): void {
		const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
		const [first] = failed;
		if (!first) return;
		const err = messageOf(first.reason);
		this.#options.log.warn(
			{ err, commands: failed.length },
			'their time has come, and they are not queued yet',
		);
	}

	async #dropLeftovers(): Promise<void> {
		const { index, later, log } = this.#options;
		const dropping = index.later.leftovers(droppedAtOnce).map(async (command) => {
			try {
				await later.drop(command);
				index.later.noteDropped(command);
			} catch (error) {
				log.debug({ handle: formatHandle(command), err: messageOf(error) }, 'a message stays for now');
			}
		});
		await Promise.all(dropping);
	}
}
