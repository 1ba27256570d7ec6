/**
 * Owns claims: writing one, once, and reading whose it is.
 * Promises that for one command a single claim is ever accepted while the stream holds it, and that the answer to
 * `write` is certain: when the broker's word was lost, the stored claim is read before anything goes on.
 */

import { systemClock } from '../base/clock.ts';
import { isStewardError, StewardError } from '../base/errors.ts';
import { formatHandle, type Handle } from '../domain/names.ts';
import { parseKeyedSubject, streams, subjects } from '../domain/subject.ts';
import { type Claim, claimSchema, decode } from '../domain/wire.ts';
import type { Connection } from './connection.ts';
import { getLast, getLastOfMany, type Stored } from './direct-get.ts';
import { type Front, purgeFront } from './front.ts';
import { expectedSeqHeader, isWrongSequence, PublishError, Publisher, type Seal } from './publisher.ts';

const tries = 4;
/** A replica that lags is asked again after this long, times the tries. */
const lagMs = 50;

export class Claims {
	readonly #connection: Connection;
	readonly #publisher: Publisher;

	/** `maxBatchBytes`: a node batches at most 64 KiB. `rideOverMs`, `seal`: as of a Publisher. */
	constructor(
		connection: Connection,
		options: { maxBatchBytes?: number; rideOverMs?: number; seal?: Seal | undefined } = {},
	) {
		this.#connection = connection;
		const { maxBatchBytes, rideOverMs, seal } = options;
		this.#publisher = new Publisher(connection, {
			stream: streams.claims,
			...{ mayLookUp: false, seal },
			...(maxBatchBytes === undefined ? {} : { maxBytes: maxBatchBytes }),
			...(rideOverMs === undefined ? {} : { rideOverMs }),
		});
	}

	/**
	 * Writes the claim if there is none; again while `mayRepeat` where no word came. The answer is the claim that holds: the given one, or who was first.
	 * @throws PublishError while neither can be known; nothing may be started on that.
	 * @throws StewardError `schema-newer` when the claim that holds cannot be read.
	 */
	async write(handle: Handle, claim: Claim, mayRepeat: () => boolean = () => true): Promise<Claim> {
		for (let attempt = 1; ; attempt++) {
			try {
				await this.#publisher.publish({
					subject: subjects.claim(handle.node, handle.id),
					data: JSON.stringify(claim),
					headers: { [expectedSeqHeader]: '0' },
				});
				return claim;
			} catch (error) {
				const ambiguous = error instanceof PublishError && error.kind === 'ambiguous';
				if (!isWrongSequence(error) && !ambiguous) throw error;
				const existing = await this.#readOr(handle, error);
				if (existing) return existing;
				// Not there: it was refused by one that is gone again, or that a replica does not know yet, or never arrived.
				if (attempt === tries || !mayRepeat()) throw isWrongSequence(error) ? unknownHolder(error) : error;
				await systemClock.sleep(lagMs * attempt);
			}
		}
	}

	/** The claim of a command, undefined when it is unclaimed. */
	async read(handle: Handle): Promise<Claim | undefined> {
		const stored = await getLast(this.#connection, streams.claims, subjects.claim(handle.node, handle.id));
		return stored && readClaim(formatHandle(handle), stored);
	}

	/** As {@link read}, by handle; what is unclaimed is left out. Not for nodes, which may read only their own, one by one. */
	async readMany(handles: readonly Handle[]): Promise<ReadonlyMap<string, Claim>> {
		const wanted = new Map(handles.map((one) => [subjects.claim(one.node, one.id), formatHandle(one)]));
		const found = await getLastOfMany(this.#connection, streams.claims, [...wanted.keys()]);
		return new Map(
			found.map((stored) => {
				const handle = wanted.get(stored.subject) ?? '';
				return [handle, readClaim(handle, stored)];
			}),
		);
	}

	/** The claim, or the write's own error where the broker cannot be asked either. */
	async #readOr(handle: Handle, writeError: unknown): Promise<Claim | undefined> {
		try {
			return await this.read(handle);
		} catch (error) {
			throw isStewardError(error, 'no-broker') ? writeError : error;
		}
	}

	/** Removes the claim of a command that is settled and gone. */
	async purge(handle: Handle): Promise<void> {
		await this.#connection.jsm.streams.purge(streams.claims, {
			filter: subjects.claim(handle.node, handle.id),
		});
	}

	/**
	 * Removes claims of a node from the first on, no more than `atMost`: up to the first whose id `isOver` does not know as over.
	 * @throws As {@link purgeFront}
	 */
	purgeFront(node: string, atMost: number, isOver: (id: string) => boolean): Promise<Front> {
		return purgeFront(this.#connection, streams.claims, subjects.claim(node, '*'), atMost, ({ subject }) => {
			const handle = parseKeyedSubject(subject);
			return handle !== undefined && isOver(handle.id);
		});
	}
}

function readClaim(handle: string, { data }: Stored): Claim {
	const claim = decode(claimSchema, data);
	if (claim) return claim;
	throw new StewardError(
		'schema-newer',
		`the claim of ${handle} cannot be read: it was written by a newer steward; install that`,
		{ details: { handle } },
	);
}

/** There is a claim, and nobody tells whose: that is no refusal. */
function unknownHolder(cause: unknown): PublishError {
	return new PublishError('ambiguous', 0, 'there is a claim, and no replica tells it yet', { cause });
}
