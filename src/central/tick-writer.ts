/**
 * Owns putting the commands of ticks on their streams, many at once.
 * Promises that a tick which was ever fired is not fired again, whoever fired it: one that waits is refused by its id, and one that
 * was started or settled is found by its claim or in the ledger, and then the new one goes. Nothing goes out once this process may
 * not fire any more. A crash in the middle leaves some of them queued: the same again completes it.
 */

import { randomToken } from '../base/ids.ts';
import { type Envelope, envelopeDigest } from '../domain/envelope.ts';
import { formatHandle } from '../domain/names.ts';
import type { CommandFacts } from '../domain/wire.ts';
import type { Claims } from '../jetstream/claims.ts';
import type { Commands, StoredCommand } from '../jetstream/commands.ts';
import type { LedgerStore } from '../jetstream/ledger-store.ts';
import { isTooLarge } from '../jetstream/publish-answer.ts';
import { isWrongSequence } from '../jetstream/publisher.ts';

/** Commands that are made and looked up together: as many as a batch holds. */
const atOnce = 1000;

/** `known`: it was fired before. `refused`: it never can be. `failed`: not now. */
export type Written =
	| { readonly outcome: 'queued' | 'known' }
	| { readonly outcome: 'refused' | 'failed'; readonly error: unknown };

export type TickWriterOptions = {
	readonly commands: Pick<Commands, 'enqueue' | 'remove' | 'shardOf'>;
	readonly claims: Pick<Claims, 'readMany'>;
	readonly ledger: Pick<LedgerStore, 'readMany'>;
	/** Told of each that is on its stream. */
	readonly onQueued: (command: StoredCommand) => void;
	readonly serverNow: () => number;
};

export class TickWriter {
	readonly #options: TickWriterOptions;

	constructor(options: TickWriterOptions) {
		this.#options = options;
	}

	/** What became of each, in order; each is made when its turn comes. */
	async write(makers: readonly (() => Envelope)[]): Promise<readonly Written[]> {
		const nonce = randomToken();
		const looked: Promise<readonly Written[]>[] = [];
		const make = (from: number) => makers.slice(from, from + atOnce).map((maker) => maker());
		let envelopes = make(0);
		for (let from = 0; from < makers.length; from += atOnce) {
			const publishing = Promise.all(envelopes.map((envelope) => this.#publish(envelope, nonce)));
			// While the broker writes these, the next are made, and those before are looked up.
			await Promise.resolve();
			envelopes = make(from + atOnce);
			looked.push(this.#look(await publishing));
		}
		return (await Promise.all(looked)).flat();
	}

	async #publish(envelope: Envelope, nonce: string): Promise<Publishing> {
		const digest = envelopeDigest(envelope);
		try {
			const { seq } = await this.#options.commands.enqueue(envelope, digest, nonce);
			return { envelope, digest, nonce, seq };
		} catch (error) {
			if (isWrongSequence(error)) return { envelope, written: { outcome: 'known' } };
			return { envelope, written: { outcome: isTooLarge(error) ? 'refused' : 'failed', error } };
		}
	}

	/** One that was started or settled before, and had left its stream. */
	async #look(publishing: readonly Publishing[]): Promise<readonly Written[]> {
		const { claims, ledger, commands, onQueued } = this.#options;
		const handles = publishing.flatMap((one) => ('seq' in one ? [one.envelope] : []));
		if (handles.length === 0) return publishing.map((one) => ('seq' in one ? queued : one.written));
		try {
			const [claimed, settled] = await Promise.all([
				claims.readMany(handles),
				ledger.readMany(handles.map(formatHandle)),
			]);
			return await Promise.all(
				publishing.map(async (one) => {
					if (!('seq' in one)) return one.written;
					const handle = formatHandle(one.envelope);
					const record = settled.get(handle);
					const seqs = [claimed.get(handle)?.facts.seq, record === 'unreadable' ? 0 : record?.entry.seq];
					if (seqs.some((seq) => seq !== undefined && seq !== one.seq)) {
						await commands.remove(one.envelope.node, one.seq);
						return { outcome: 'known' } as const;
					}
					onQueued(this.#stored(one));
					return queued;
				}),
			);
		} catch (error) {
			// They are on their streams, and the same again says what became of them.
			return publishing.map((one) => ('seq' in one ? { outcome: 'failed', error } : one.written));
		}
	}

	#stored({ envelope, digest, nonce, seq }: Published): StoredCommand {
		const { node, id, lane, method, sender, deliverWithinMs, runForMs, patienceMs, schedule } = envelope;
		const facts: CommandFacts = {
			...{ method, lane, sender, digest, seq, queuedAt: this.#options.serverNow(), deliverWithinMs },
			...(runForMs !== undefined && { runForMs }),
			...(patienceMs !== undefined && { patienceMs }),
			...(schedule && { schedule }),
		};
		return { node, id, lane, method, shard: this.#options.commands.shardOf(node), facts, nonce };
	}
}

const queued: Written = { outcome: 'queued' };

type Published = {
	readonly envelope: Envelope;
	readonly digest: string;
	readonly nonce: string;
	readonly seq: number;
};
type Publishing = Published | { readonly envelope: Envelope; readonly written: Written };
