/**
 * Owns settling what will not come by itself: commands whose time to start has passed.
 * Promises that "expired" is said only where the centre won the claim, so that the command certainly never started.
 * A crash after the claim is resumed by the projector, which reads the claim again.
 */

import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { formatHandle } from '../domain/names.ts';
import type { CentreClaim } from '../domain/wire.ts';
import type { Claims } from '../jetstream/claims.ts';
import type { StoredCommand } from '../jetstream/commands.ts';
import type { CentreIndex } from './index.ts';

/** Commands expired in one go. */
const atOnce = 256;
const tryAgainMs = 10_000;
const mostRemembered = 10_000;

export type ReaperOptions = {
	index: CentreIndex;
	claims: Claims;
	/** The command's body, for the claim's copy; null when it is gone. */
	readMessage: (command: StoredCommand) => Promise<string | null>;
	serverNow: () => number;
	log: Log;
};

export class Reaper {
	readonly #options: ReaperOptions;
	/** Those that could not be closed, and when to try again: they do not keep the others. */
	readonly #notBefore = new Map<string, number>();

	constructor(options: ReaperOptions) {
		this.#options = options;
	}

	/** Answers how many commands it closed. */
	async runOnce(): Promise<number> {
		const due = this.#due();
		const closed = await Promise.all(due.map((command) => this.#expire(command)));
		return closed.filter(Boolean).length;
	}

	#due(): StoredCommand[] {
		const { index, serverNow } = this.#options;
		const now = serverNow();
		const due: StoredCommand[] = [];
		for (const ofNode of index.waiting.values()) {
			for (const command of ofNode.values()) {
				const { queuedAt, deliverWithinMs } = command.facts;
				if (deliverWithinMs === null || queuedAt + deliverWithinMs > now) continue;
				// Claimed by its node, or closed already: the ledger has its own way on.
				const handle = formatHandle(command);
				if (index.ledger.has(handle) || (this.#notBefore.get(handle) ?? 0) > now) continue;
				due.push(command);
				if (due.length === atOnce) return due;
			}
		}
		return due;
	}

	async #expire(command: StoredCommand): Promise<boolean> {
		const { claims, serverNow, readMessage, log } = this.#options;
		const handle = formatHandle(command);
		const at = serverNow();
		const claim: CentreClaim = {
			v: 1,
			by: 'centre',
			event: 'expired',
			reason: 'deliverWithin passed before a start',
			actor: 'central',
			at,
			facts: command.facts,
			envelope: await readMessage(command),
		};
		try {
			const held = await claims.write(command, claim);
			this.#notBefore.delete(handle);
			if (held === claim) log.info({ handle }, 'expired');
			return held === claim;
		} catch (error) {
			log.warn({ handle, err: messageOf(error) }, 'not expired yet; trying again');
			if (this.#notBefore.size >= mostRemembered) this.#notBefore.clear();
			this.#notBefore.set(handle, at + tryAgainMs);
			return false;
		}
	}
}
