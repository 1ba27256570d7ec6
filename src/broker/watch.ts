/**
 * Owns the decision to restart a server that lives and yet does not work.
 * Promises: a stream that froze on a full disk is healed as soon as there is space (nothing else heals it, tried with
 * 2.15.1), a server that stays unhealthy is restarted after its patience, and none while a restart could not help.
 * Keeps only what it saw; a crash forgets it, and is a restart itself.
 */

import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';

export type Health = { readonly ok: true } | { readonly ok: false; readonly reason: string };

const mib = 2 ** 20;
/** With less than this, a write has most likely failed already, whatever /healthz says. */
const fullBytes = 16 * mib;
/** With less than this, a restarted server would soon freeze again. */
const enoughBytes = 256 * mib;

export type WatchOptions = {
	/** What /healthz says now; undefined while no server is meant to answer. */
	health: () => Promise<Health | undefined>;
	freeBytes: () => Promise<number>;
	restart: (reason: string) => Promise<void>;
	/** Free space that should be there; below it, the operator is told. */
	reserveBytes: number;
	/** How long a server may be unhealthy while there is space. */
	patienceMs: number;
	clock: Clock;
	log: Log;
};

export class BrokerWatch {
	readonly #options: WatchOptions;
	#unhealthySinceMs: number | undefined;
	#wasFull = false;
	#saidLow = false;

	constructor(options: WatchOptions) {
		this.#options = options;
	}

	/** One look. Tells what it found and did. */
	async runOnce(): Promise<'down' | 'healthy' | 'unhealthy' | 'no space' | 'restarted'> {
		const { clock, log, patienceMs } = this.#options;
		const [health, freeBytes] = await Promise.all([this.#options.health(), this.#options.freeBytes()]);
		this.#tellSpace(freeBytes);
		if (health === undefined) {
			this.#unhealthySinceMs = undefined;
			return 'down';
		}
		if (health.ok) this.#unhealthySinceMs = undefined;
		else if (this.#unhealthySinceMs === undefined) {
			this.#unhealthySinceMs = clock.monotonic();
			log.warn({ reason: health.reason }, 'the broker is unhealthy');
		}
		if (freeBytes < fullBytes) this.#wasFull = true;
		if (freeBytes < enoughBytes) return 'no space';
		if (this.#wasFull) return this.#restart('the disk was full, and there is space again');
		if (health.ok || this.#unhealthySinceMs === undefined) return 'healthy';
		if (clock.monotonic() - this.#unhealthySinceMs < patienceMs) return 'unhealthy';
		return this.#restart(health.reason);
	}

	async #restart(reason: string): Promise<'restarted'> {
		this.#options.log.warn({ reason }, 'restarting the broker');
		await this.#options.restart(reason);
		this.#unhealthySinceMs = undefined;
		this.#wasFull = false;
		return 'restarted';
	}

	#tellSpace(freeBytes: number): void {
		const { log, reserveBytes } = this.#options;
		const low = freeBytes < reserveBytes;
		if (low === this.#saidLow) return;
		this.#saidLow = low;
		if (low)
			log.warn(
				{ freeBytes, reserveBytes },
				'little disk space is left; free some, or the broker will stop taking messages',
			);
		else log.info({ freeBytes }, 'there is enough disk space again');
	}
}
