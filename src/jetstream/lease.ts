/**
 * Owns one lease: taking it, renewing it, giving it back, and knowing for how long it is certainly held.
 * Promises that the holder stands down, by both of its own clocks, before another can take it.
 * A holder that dies loses it after the TTL; one that died on this machine is seen to be dead, and followed at once.
 */

import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { isSameProcess, type ProcessIdentity } from '../base/process.ts';
import { buckets } from '../domain/subject.ts';
import { decode } from '../domain/wire.ts';
import { bucketStream, deleteRequest, readEntry, writeRequest } from './bucket.ts';
import type { Connection } from './connection.ts';
import { isWrongSequence, PublishError, Publisher } from './publisher.ts';

const holderSchema = z.object({
	/** Made anew by each process. */
	holder: z.string(),
	/** Where the pid means something. */
	pidSpace: z.string(),
	pid: z.number(),
	startTime: z.number(),
});
type Holder = z.infer<typeof holderSchema>;

export class Lease {
	readonly #key: string;
	readonly #self: Holder;
	readonly #ttlMs: number;
	readonly #clock: Clock;
	/** Undefined where the answer to the last write was lost. */
	#revision: number | undefined;
	#heldUntil = 0;
	#heldUntilWall = 0;

	constructor(options: {
		key: string;
		holder: string;
		pidSpace: string;
		process: ProcessIdentity;
		ttlMs: number;
		clock: Clock;
	}) {
		this.#key = options.key;
		const { pid, startTime } = options.process;
		this.#self = { holder: options.holder, pidSpace: options.pidSpace, pid, startTime };
		this.#ttlMs = options.ttlMs;
		this.#clock = options.clock;
	}

	/** True while it is certain that nobody else can hold it. */
	get held(): boolean {
		return this.heldForMs > 0;
	}

	/**
	 * For how long from now it is certainly held, milliseconds. By both clocks: the monotonic one stands still while the machine is
	 * suspended, and the wall clock may be put back.
	 */
	get heldForMs(): number {
		const restMs = Math.min(
			this.#heldUntil - this.#clock.monotonic(),
			this.#heldUntilWall - this.#clock.now(),
		);
		return Math.max(0, restMs);
	}

	/** Takes the lease, or renews it. Answers whether it is held; a lost answer counts as "no". */
	async refresh(connection: Connection): Promise<boolean> {
		const askedAt = this.#clock.monotonic();
		const askedAtWall = this.#clock.now();
		try {
			const known = this.held ? this.#revision : undefined;
			const expectRevision = known ?? (await this.#freeRevision(connection));
			if (expectRevision === undefined) return false;
			const write = writeRequest(buckets.leases, this.#key, JSON.stringify(this.#self), {
				expectRevision,
				ttlMs: this.#ttlMs,
			});
			const publisher = publisherOf(connection);
			this.#revision = undefined;
			this.#revision = (await publisher.publish(write)).seq;
			// A third is left for clocks that tick apart and for what is under way when it ends.
			this.#heldUntil = askedAt + (this.#ttlMs * 2) / 3;
			this.#heldUntilWall = askedAtWall + (this.#ttlMs * 2) / 3;
		} catch (error) {
			if (isWrongSequence(error)) this.#heldUntil = 0;
			else if (!(error instanceof PublishError)) throw error;
		}
		return this.held;
	}

	/** Gives it back; the marker tells since when there is no holder. */
	async release(connection: Connection): Promise<void> {
		if (!this.held) return;
		this.#heldUntil = 0;
		const revision = this.#revision ?? (await this.#freeRevision(connection));
		if (revision === undefined) return;
		const publisher = publisherOf(connection);
		await publisher.publish(deleteRequest(buckets.leases, this.#key, revision));
	}

	/** The revision to write over, undefined while another holds it. */
	async #freeRevision(connection: Connection): Promise<number | undefined> {
		const entry = await readEntry(connection, buckets.leases, this.#key);
		if (!entry) return 0;
		if (entry.gone) return entry.revision;
		const other = decode(holderSchema, entry.value);
		const isOurs = other?.holder === this.#self.holder;
		const isDead = other?.pidSpace === this.#self.pidSpace && !isSameProcess(other);
		return isOurs || isDead ? entry.revision : undefined;
	}
}

/** Waits for no election: the next renewal comes soon, and the holder has to know in time that this one failed. */
function publisherOf(connection: Connection): Publisher {
	return new Publisher(connection, {
		stream: bucketStream(buckets.leases),
		mayLookUp: false,
		rideOverMs: 0,
	});
}
