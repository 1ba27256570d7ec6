/**
 * Owns writing this node's claims while the link is there.
 * Promises that a command goes on only with a certain answer; a claim is made anew for each try, so that what a try waited
 * for counts, and without the link nothing is tried. A claim whose answer was lost is found as "mine, not in the journal"
 * by the next delivery.
 */

import type { Clock } from '../../base/clock.ts';
import { isStewardError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatHandle } from '../../domain/names.ts';
import type { Claim, NodeClaim } from '../../domain/wire.ts';
import { Claims } from '../../jetstream/claims.ts';
import type { Connection, Link } from '../../jetstream/connection.ts';
import type { Seal } from '../../jetstream/publisher.ts';

const retryMs = 1000;
/** A node batches at most this much. */
const batchBytes = 64 * 1024;
/** Then the claim is made anew: what was true when it was written down may be so no more. */
const rideOverMs = 1000;

/** What the next try is to write; undefined when nothing may be tried any more. */
export type NextClaim = () => Promise<NodeClaim | undefined>;

type ClaimWriterOptions = {
	node: string;
	link: Link;
	/** Vouches for its claims. */
	seal?: Seal | undefined;
	clock: Clock;
	log: Log;
};

export class ClaimWriter {
	readonly #options: ClaimWriterOptions;
	#of: { connection: Connection; claims: Claims } | undefined;

	constructor(options: ClaimWriterOptions) {
		this.#options = options;
	}

	/**
	 * The claim that holds; undefined when there is no certain answer and no further try.
	 * @throws StewardError `schema-newer` when the claim that holds cannot be read
	 */
	async write(id: string, next: NextClaim, stopping: AbortSignal): Promise<Claim | undefined> {
		const { node, link, clock, log } = this.#options;
		const handle = { node, id };
		while (!stopping.aborted) {
			const claim = await next();
			const connection = link.connection;
			if (!claim || !connection) return undefined;
			try {
				// What the claim says may be out of date by then: the next try asks for it anew.
				return await this.#claims(connection).write(handle, claim, () => false);
			} catch (error) {
				if (isStewardError(error, 'schema-newer')) throw error;
				log.warn(
					{ handle: formatHandle(handle), err: messageOf(error) },
					'no certain answer to a claim; asking again',
				);
				await clock.sleep(retryMs, stopping);
			}
		}
		return undefined;
	}

	#claims(connection: Connection): Claims {
		if (this.#of?.connection !== connection) {
			const { seal } = this.#options;
			const claims = new Claims(connection, { maxBatchBytes: batchBytes, rideOverMs, seal });
			this.#of = { connection, claims };
		}
		return this.#of.claims;
	}
}
