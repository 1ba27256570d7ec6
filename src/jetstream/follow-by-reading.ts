/**
 * Owns following a stream where no consumer may be made: a viewer's way. Who may make one could have what is stored sent to any
 * subject, and so write with it.
 * Promises the same messages in the same order as `follow`, up to half a second later, each in the state in which it is read: of a subject that
 * holds one message only the last is seen. Keeps a place in the stream and nothing else; what fails is read again.
 */

import type { Clock } from '../base/clock.ts';
import type { Connection } from './connection.ts';
import { getFrom, type Stored } from './direct-get.ts';
import { noAnswer } from './errors.ts';

const lookEveryMs = 500;
const usualBatch = 250;

/** As of `follow`. */
type ReadingOptions = {
	readonly stream: string;
	readonly filter: readonly string[];
	readonly from: 'all' | 'last' | 'new';
	readonly after?: number;
	/** Messages that are asked for at once. */
	readonly batch?: number;
	readonly onReset?: () => void;
};

export class ReadingFollower {
	readonly caughtUp: Promise<void>;
	readonly #connection: Connection;
	readonly #options: ReadingOptions;
	readonly #onMessage: (message: Stored) => unknown;
	readonly #clock: Clock;
	readonly #stopping = new AbortController();
	#isCaughtUp: () => void = () => undefined;
	#streamCreated = '';
	/** Everything up to here was handed over; undefined before the first look. */
	#cursor: number | undefined;

	constructor(
		connection: Connection,
		options: ReadingOptions,
		onMessage: (message: Stored) => unknown,
		clock: Clock,
	) {
		this.#connection = connection;
		this.#options = options;
		this.#onMessage = onMessage;
		this.#clock = clock;
		this.caughtUp = new Promise((resolve) => {
			this.#isCaughtUp = resolve;
		});
	}

	/** @throws StewardError `no-broker` */
	async open(): Promise<void> {
		try {
			const upTo = await this.#lookAtStream();
			void this.#goOn(upTo);
		} catch (error) {
			throw noAnswer(this.#options.stream, error);
		}
	}

	async stop(): Promise<void> {
		this.#stopping.abort();
	}

	async #goOn(first: number): Promise<void> {
		const { signal } = this.#stopping;
		for (let upTo = first; !signal.aborted; ) {
			try {
				await this.#readTo(upTo);
				this.#isCaughtUp();
				await this.#clock.sleep(lookEveryMs, signal);
				if (!signal.aborted) upTo = await this.#lookAtStream();
			} catch {
				// The broker is away, which whoever watches the link says; what was read so far counts.
				await this.#clock.sleep(lookEveryMs, signal);
			}
		}
	}

	/** The last sequence of the stream. */
	async #lookAtStream(): Promise<number> {
		const { stream, from, after = 0, onReset } = this.#options;
		const { created, state } = await this.#connection.jsm.streams.info(stream);
		const isAnother = this.#streamCreated !== '' && created !== this.#streamCreated;
		this.#streamCreated = created;
		if (isAnother) {
			this.#cursor = 0;
			onReset?.();
		}
		this.#cursor ??= from === 'new' ? state.last_seq : after;
		return state.last_seq;
	}

	/** One filter after another, all up to the same place: then their messages are in one order. */
	async #readTo(upTo: number): Promise<void> {
		const { filter, from } = this.#options;
		const after = this.#cursor ?? 0;
		if (upTo <= after) return;
		const found: Stored[] = [];
		for (const one of filter) found.push(...(await this.#read(one, after + 1, upTo)));
		const last = new Map(found.map((stored) => [stored.subject, stored.seq]));
		const isWanted = ({ subject, seq }: Stored) => from !== 'last' || last.get(subject) === seq;
		for (const stored of found.sort((a, b) => a.seq - b.seq)) {
			if (this.#stopping.signal.aborted) return;
			if (!isWanted(stored)) continue;
			const handled = this.#onMessage(stored);
			if (handled instanceof Promise) await handled;
		}
		this.#cursor = upTo;
	}

	async #read(filter: string, from: number, upTo: number): Promise<readonly Stored[]> {
		const { stream, batch = usualBatch } = this.#options;
		const found: Stored[] = [];
		for (let next = from; next <= upTo && !this.#stopping.signal.aborted; ) {
			const part = await getFrom(this.#connection, stream, filter, next, { batch });
			found.push(...part.filter(({ seq }) => seq <= upTo));
			const last = part.at(-1);
			if (!last) break;
			next = last.seq + 1;
		}
		return found;
	}
}
