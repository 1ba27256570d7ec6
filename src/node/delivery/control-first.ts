/**
 * Owns the order in which lanes begin after each connect: what waits on the control lane is taken before anything else.
 * Promises that a pause that was sent to an absent node is in effect before another command starts there, however many words
 * stand before it and however slow the link is; and that a control lane which is silent, or never comes to an end, holds the
 * others up for a bounded time only. Keeps nothing: each connect begins anew.
 */

import type { Clock } from '../../base/clock.ts';
import { Lifecycle, type Service } from '../../base/lifecycle.ts';
import type { Log } from '../../base/log.ts';
import type { Link } from '../../jetstream/connection.ts';

/** Longer than one step of a control message takes, and a missing consumer at the first connect; shorter than anybody's patience. */
const silentMs = 10_000;
/** Words that come faster than they are taken in have no end. */
const mostMs = 5 * 60_000;

export type ControlFirstOptions = { link: Link; onBegin: () => void; clock: Clock; log: Log };

export class ControlFirst implements Service {
	readonly name = 'control first';
	readonly #lifecycle: Lifecycle;
	readonly #options: ControlFirstOptions;
	#hasBegun = false;
	/** When the link came up; undefined while there is nothing to wait for. */
	#since: number | undefined;
	#cancel: () => void = () => undefined;

	constructor(options: ControlFirstOptions) {
		this.#options = options;
		const { link, clock } = options;
		let offs: (() => void)[] = [];
		this.#lifecycle = new Lifecycle(
			async () => {
				offs = [
					link.onDown(() => this.#close()),
					link.onUp(() => {
						this.#close();
						this.#since = clock.monotonic();
						this.progress();
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

	/** A control message has come, or is done with. */
	progress(): void {
		if (this.#since === undefined) return;
		const { clock, log } = this.#options;
		this.#cancel();
		const restMs = this.#since + mostMs - clock.monotonic();
		const isEnd = restMs <= silentMs;
		this.#cancel = clock.after(isEnd ? restMs : silentMs, () => {
			if (isEnd)
				log.warn({ mostMs }, 'the control lane has no end: it goes on beside the other lanes, which begin');
			else log.warn({ silentMs }, 'the control lane was silent for too long: the other lanes begin');
			this.#begin();
		});
	}

	/** Nothing waits on the control lane any more. */
	caughtUp(): void {
		if (this.#options.link.connection) this.#begin();
	}

	#begin(): void {
		if (this.#hasBegun) return;
		this.#cancel();
		this.#since = undefined;
		this.#hasBegun = true;
		this.#options.onBegin();
	}

	#close(): void {
		this.#cancel();
		this.#since = undefined;
		this.#hasBegun = false;
	}
}
