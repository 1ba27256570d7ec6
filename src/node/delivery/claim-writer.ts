/**
 * Owns writing this node's claims, however long the link takes.
 * Promises that a command goes on only with a certain answer; without the link the node waits, and starts nothing.
 * A claim whose answer was lost in a crash is found as "mine, not in the journal" by the next delivery.
 */

import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { formatHandle } from '../../domain/names.ts';
import type { Claim, NodeClaim } from '../../domain/wire.ts';
import { Claims } from '../../jetstream/claims.ts';
import type { Connection, Link } from '../../jetstream/connection.ts';

const retryMs = 1000;
/** A node batches at most this much. */
const batchBytes = 64 * 1024;

export class ClaimWriter {
	readonly #options: { node: string; link: Link; clock: Clock; log: Log };
	#of: { connection: Connection; claims: Claims } | undefined;

	constructor(options: { node: string; link: Link; clock: Clock; log: Log }) {
		this.#options = options;
	}

	/** The claim that holds; undefined when `stopping` aborts first. */
	async write(id: string, claim: NodeClaim, stopping: AbortSignal): Promise<Claim | undefined> {
		const { node, link, clock, log } = this.#options;
		const handle = { node, id };
		while (!stopping.aborted) {
			const connection = await link.whenUp(stopping);
			if (!connection) return undefined;
			try {
				return await this.#claims(connection).write(handle, claim);
			} catch (error) {
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
			this.#of = { connection, claims: new Claims(connection, { maxBatchBytes: batchBytes }) };
		}
		return this.#of.claims;
	}
}
