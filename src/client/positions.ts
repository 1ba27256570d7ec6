/**
 * Owns telling senders where their commands stand in the queue.
 * Promises that it is told only while few are sent at once: it costs up to two requests each, and who sends many asks for the queue.
 * Reads only; what is not told was queued all the same.
 */

import type { Receipt } from '../domain/view.ts';
import type { Commands } from '../jetstream/commands.ts';

/** Messages that are being sent at once. */
const mostAtOnce = 20;

export class Positions {
	readonly #commands: Commands;
	#beingSent = 0;

	constructor(commands: Commands) {
		this.#commands = commands;
	}

	/** So many are being sent until `send` ends. */
	async during<T>(count: number, send: () => Promise<T>): Promise<T> {
		this.#beingSent += count;
		try {
			return await send();
		} finally {
			this.#beingSent -= count;
		}
	}

	/** The receipts, each with its place: null where too many are sent, the broker does not say, or the command has gone already. */
	async tell(receipts: readonly Receipt[]): Promise<Receipt[]> {
		if (this.#beingSent > mostAtOnce) return [...receipts];
		return Promise.all(receipts.map(async (receipt) => ({ ...receipt, position: await this.#of(receipt) })));
	}

	async #of({ kind, state, duplicate, node, lane, seq }: Receipt): Promise<number | null> {
		const isQueued = kind === 'command' && state !== 'scheduled' && !duplicate && seq !== null;
		if (!isQueued) return null;
		try {
			return (await this.#commands.positionOf(node, lane, seq)) || null;
		} catch {
			return null;
		}
	}
}
