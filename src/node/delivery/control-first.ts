/**
 * Owns the order in which lanes begin after each connect: what waits on the control lane is taken before anything else.
 * Promises that a pause that was sent to an absent node is in effect before another command starts there, and that a control
 * lane which cannot be looked at holds the others up for a bounded time only. Keeps nothing: each connect begins anew.
 */

import type { Clock } from '../../base/clock.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import type { Link } from '../../jetstream/connection.ts';

/** Longer than a control message takes, and a missing consumer at the first connect; shorter than anybody's patience. */
const mostMs = 10_000;

export type ControlFirstOptions = { link: Link; onBegin: () => void; clock: Clock; log: Log };

export class ControlFirst implements Service {
	readonly name = 'control first';
	readonly #lifecycle: Lifecycle;
	readonly #options: ControlFirstOptions;
	#hasBegun = false;
	#cancel: () => void = () => undefined;

	constructor(options: ControlFirstOptions) {
		this.#options = options;
		const { link, clock, log } = options;
		let offs: (() => void)[] = [];
		this.#lifecycle = new Lifecycle(
			async () => {
				offs = [
					link.onDown(() => this.#close()),
					link.onUp(() => {
						this.#close();
						this.#cancel = clock.after(mostMs, () => {
							log.warn({ mostMs }, 'the control lane could not be looked at in time: the other lanes begin');
							this.#begin();
						});
					}),
				];
			},
			async () => {
				for (const off of offs) off();
				this.#close();
			},
		);
	}

	start(): Promise<void> {
		return this.#lifecycle.start();
	}

	stop(): Promise<void> {
		return this.#lifecycle.stop();
	}

	/** Whether the other lanes may take what comes. */
	get hasBegun(): boolean {
		return this.#hasBegun;
	}

	/** Nothing waits on the control lane any more. */
	caughtUp(): void {
		if (this.#options.link.connection) this.#begin();
	}

	#begin(): void {
		if (this.#hasBegun) return;
		this.#cancel();
		this.#hasBegun = true;
		this.#options.onBegin();
	}

	#close(): void {
		this.#cancel();
		this.#hasBegun = false;
	}
}
