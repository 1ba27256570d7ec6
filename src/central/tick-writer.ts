/**
 * Owns putting the commands of ticks on their streams, many at once.
 * Promises that a tick which was ever fired is not fired again, whoever fired it: one that is on its stream is refused by its id,
 * and one that has left it is in the ledger, which was written before, and then the new one goes. A node's ticks keep their order.
 * Nothing goes out once this process may
 * not fire any more. A crash in the middle leaves some of them queued: the same again completes it.
 */

import type { StewardError } from '../base/errors.ts';
import { type Envelope, envelopeDigest } from '../domain/envelope.ts';
import { formatHandle } from '../domain/names.ts';
import type { CommandFacts } from '../domain/wire.ts';
import type { Commands } from '../jetstream/commands.ts';
import type { LedgerStore } from '../jetstream/ledger-store.ts';
import { isTooLarge } from '../jetstream/publish-answer.ts';
import { isWrongSequence } from '../jetstream/publisher.ts';
import type { StoredCommand } from '../jetstream/stored-command.ts';
import type { CentreIndex } from './index.ts';

/** Commands that are made and looked up together: as many as a batch holds. */
const atOnce = 1000;
/** Parts that are under way together. */
const underWay = 2;

/** A tick for a node, which is made when its turn comes. */
export type TickToWrite = { readonly node: string; readonly make: () => Envelope };

/** `known`: it was fired before. `refused`: it never can be. `failed`: not now. */
export type Written =
	| { readonly outcome: 'queued' | 'known' }
	| { readonly outcome: 'refused' | 'failed'; readonly error: unknown };

export type TickWriterOptions = {
	readonly commands: Pick<Commands, 'enqueue' | 'remove' | 'shardOf'>;
	readonly ledger: Pick<LedgerStore, 'readMany'>;
	/** Told of each before it is put on its stream, and what came of that. */
	readonly index: Pick<CentreIndex, 'expectStored' | 'noteStored'>;
	readonly serverNow: () => number;
	/** Why its node would not run it, if so. */
	readonly denial?: (envelope: Envelope) => StewardError | undefined;
};

export class TickWriter {
	readonly #options: TickWriterOptions;

	constructor(options: TickWriterOptions) {
		this.#options = options;
	}

	/** What became of each, in order. */
	async write(ticks: readonly TickToWrite[]): Promise<readonly Written[]> {
		const written: Promise<readonly Written[]>[] = [];
		for (const part of partsOf(ticks)) {
			const publishing = Promise.all(part.map(({ make }) => this.#publish(make())));
			written.push(publishing.then((published) => this.#look(published)));
			// While the broker writes these, the next are made.
			await written.at(-underWay);
		}
		return (await Promise.all(written)).flat();
	}

	async #publish(envelope: Envelope): Promise<Publishing> {
		const { commands, index } = this.#options;
		const error = this.#options.denial?.(envelope);
		if (error) return { envelope, written: { outcome: 'refused', error } };
		const digest = envelopeDigest(envelope);
		index.expectStored(envelope);
		try {
			const { seq } = await commands.enqueue(envelope, digest, '');
			return { envelope, digest, seq };
		} catch (error) {
			index.noteStored(envelope, undefined);
			if (isWrongSequence(error)) return { envelope, written: known };
			return { envelope, written: { outcome: isTooLarge(error) ? 'refused' : 'failed', error } };
		}
	}

	/** One that had left its stream is in the ledger. */
	async #look(publishing: readonly Publishing[]): Promise<readonly Written[]> {
		const { ledger, commands, index } = this.#options;
		const handles = publishing.flatMap((one) => ('seq' in one ? [formatHandle(one.envelope)] : []));
		if (handles.length === 0) return publishing.map((one) => ('seq' in one ? queued : one.written));
		try {
			const settled = await ledger.readMany(handles);
			const takenBack: Promise<void>[] = [];
			const written = publishing.map((one) => {
				if (!('seq' in one)) return one.written;
				const record = settled.get(formatHandle(one.envelope));
				const isOpen = !record || (record !== 'unreadable' && record.entry.seq === one.seq);
				index.noteStored(one.envelope, isOpen ? this.#stored(one) : undefined);
				if (isOpen) return queued;
				takenBack.push(commands.remove(one.envelope.node, one.seq));
				return known;
			});
			await Promise.all(takenBack);
			return written;
		} catch (error) {
			// They are on their streams, and the same again says what became of them.
			return publishing.map((one) => {
				if (!('seq' in one)) return one.written;
				index.noteStored(one.envelope, undefined);
				return { outcome: 'failed', error };
			});
		}
	}

	#stored({ envelope, digest, seq }: Published): StoredCommand {
		const { node, id, lane, method, sender, deliverWithinMs, runForMs, patienceMs, schedule } = envelope;
		const facts: { -readonly [K in keyof CommandFacts]: CommandFacts[K] } = {
			method,
			lane,
			sender,
			digest,
			seq,
			queuedAt: this.#options.serverNow(),
			deliverWithinMs,
		};
		if (runForMs !== undefined) facts.runForMs = runForMs;
		if (patienceMs !== undefined) facts.patienceMs = patienceMs;
		if (schedule) facts.schedule = schedule;
		return { node, id, lane, method, shard: this.#options.commands.shardOf(node), facts, nonce: '' };
	}
}

const queued: Written = { outcome: 'queued' };
const known: Written = { outcome: 'known' };

type Published = {
	readonly envelope: Envelope;
	readonly digest: string;
	readonly seq: number;
};
type Publishing = Published | { readonly envelope: Envelope; readonly written: Written };

/** Of at most a batch, with no node's ticks in two parts, which may change places; unless one has more than a batch. */
function* partsOf(ticks: readonly TickToWrite[]): Generator<readonly TickToWrite[]> {
	const isWithin = (place: number) => place < ticks.length && ticks[place]?.node === ticks[place - 1]?.node;
	for (let from = 0; from < ticks.length; ) {
		let to = Math.min(from + atOnce, ticks.length);
		while (to > from + 1 && isWithin(to)) to -= 1;
		if (isWithin(to)) to = Math.min(from + atOnce, ticks.length);
		while (isWithin(to)) to += 1;
		yield ticks.slice(from, to);
		from = to;
	}
}
