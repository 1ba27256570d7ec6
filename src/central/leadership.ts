/**
 * Owns leadership among centres: the lease is kept, and the leader's services run exactly while it is held.
 * Promises that they are asked to stop before another centre can take the lease; compare-and-set is the fence for what
 * is under way then. A leader that dies is followed after the TTL, at once where its process is seen to be gone.
 */

import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { randomToken } from '../base/ids.ts';
import { Lifecycle, Periodic, type Service } from '../base/lifecycle.ts';
import type { Log } from '../base/log.ts';
import { pidSpace } from '../base/machine.ts';
import { processIdentity } from '../base/process.ts';
import type { Link } from '../jetstream/connection.ts';
import { Lease } from '../jetstream/lease.ts';
import { leaderKey } from '../jetstream/nodes.ts';

export type LeadershipOptions = {
	link: Link;
	lease: Lease;
	ttlMs: number;
	/** Runs while this centre leads. */
	duties: Service;
	clock: Clock;
	log: Log;
};

/** The lease of the leader, for this process. */
export function leaderLease(ttlMs: number, clock: Clock): Lease {
	return new Lease({
		key: leaderKey,
		holder: randomToken(),
		pidSpace: pidSpace(),
		process: processIdentity(process.pid) ?? { pid: process.pid, startTime: 0 },
		...{ ttlMs, clock },
	});
}

export class Leadership implements Service {
	readonly name = 'leadership';
	readonly #options: LeadershipOptions;
	readonly #lifecycle: Lifecycle;
	#leads = false;
	#following: Promise<void> = Promise.resolve();
	#cancelWatch: () => void = () => undefined;

	constructor(options: LeadershipOptions) {
		this.#options = options;
		const { ttlMs, clock, log, link, lease } = options;
		const loop = new Periodic({
			name: 'lease',
			everyMs: ttlMs / 5,
			runOnce: () => this.runOnce(),
			clock,
			log,
		});
		this.#lifecycle = new Lifecycle(
			() => loop.start(),
			async () => {
				await loop.stop();
				this.#cancelWatch();
				await this.#follow(true);
				if (link.connection) await lease.release(link.connection).catch(() => undefined);
			},
		);
	}

	get leads(): boolean {
		return this.#leads;
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Takes or renews the lease; answers whether this centre leads now. */
	async runOnce(): Promise<boolean> {
		const { link, lease, log } = this.#options;
		const { connection } = link;
		const wasHeld = lease.held;
		if (connection) {
			await lease.refresh(connection).catch((error: unknown) => {
				log.warn({ err: messageOf(error) }, 'the lease could not be renewed');
			});
		}
		if (lease.held !== wasHeld)
			log.info(lease.held ? 'this centre leads' : 'this centre does not lead any more');
		await this.#follow();
		this.#watch();
		return this.#leads;
	}

	/** A renewal may take longer than the lease lasts. */
	#watch(): void {
		const { lease, clock, log } = this.#options;
		this.#cancelWatch();
		if (!this.#leads) return;
		this.#cancelWatch = clock.after(lease.heldForMs + 1, () => {
			this.#follow().catch((error: unknown) => log.error({ err: messageOf(error) }, 'duties did not stop'));
		});
	}

	/** Does as the lease says, one change at a time. */
	#follow(isOver = false): Promise<void> {
		const step = this.#following.then(() => this.#change(!isOver && this.#options.lease.held));
		this.#following = step.catch(() => undefined);
		return step;
	}

	async #change(leads: boolean): Promise<void> {
		if (leads === this.#leads) return;
		// Duties that cannot start are tried again with the next renewal; the lease stays, and nothing is done twice.
		if (leads) await this.#options.duties.start();
		else await this.#options.duties.stop();
		this.#leads = leads;
	}
}
