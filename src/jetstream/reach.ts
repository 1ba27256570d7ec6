/**
 * Owns whether the broker of one connection can be reached now (through a leaf server: the hub behind it).
 * Promises to tell of every loss and every return. Says nothing of a link that is silent: that is noticed by the timeout of
 * whoever asks.
 */

import type { NatsConnection } from '@nats-io/transport-node';
import { systemClock } from '../base/clock.ts';
import { HubWatch } from './hub-watch.ts';

/** `sent` false: nothing has left, so nothing can have happened. */
export class LinkLostError extends Error {
	readonly sent: boolean;

	constructor(sent: boolean) {
		super(sent ? 'the link was lost before an answer came' : 'the link to the broker is down');
		this.name = 'LinkLostError';
		this.sent = sent;
	}
}

export class Reach {
	readonly #nc: NatsConnection;
	readonly #listeners = new Set<(isUp: boolean) => void>();
	readonly #hub: HubWatch | undefined;
	#isConnected = true;
	#isUp: boolean;
	#changes = 0;

	/** `hub`: where JetStream is, when that is behind the server that the connection leads to. */
	constructor(nc: NatsConnection, hub?: { readonly domain: string; readonly api: string }) {
		this.#nc = nc;
		this.#isUp = hub === undefined;
		const onChange = (isThere: boolean) => this.#set(isThere);
		this.#hub = hub && new HubWatch({ ...hub, nc, onChange, clock: systemClock });
	}

	/** The server answers that the connection leads to, whether or not it is only a leaf of the hub. */
	get isConnected(): boolean {
		return this.#isConnected && !this.#nc.isClosed();
	}

	get isUp(): boolean {
		return this.#isUp && !this.#nc.isClosed();
	}

	/** How often it was lost and found again. */
	get changes(): number {
		return this.#changes;
	}

	/** Listens until the connection is closed. */
	async follow(): Promise<void> {
		this.#hub?.start();
		for await (const { type } of this.#nc.status()) {
			if (type === 'disconnect') this.#connected(false);
			if (type === 'reconnect') this.#connected(true);
		}
		this.#connected(false);
	}

	#connected(isConnected: boolean): void {
		this.#isConnected = isConnected;
		if (!this.#hub) return this.#set(isConnected);
		if (isConnected) this.#hub.start();
		else this.#hub.stop();
	}

	/** Called on every loss (false) and every return (true); the answer takes it off. */
	onChange(listener: (isUp: boolean) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** True as soon as the link is there; false after `ms`, or when the connection is closed. */
	whenUp(ms: number): Promise<boolean> {
		if (this.isUp || this.#nc.isClosed()) return Promise.resolve(this.isUp);
		return new Promise((resolve) => {
			const settle = () => {
				off();
				cancel();
				resolve(this.isUp);
			};
			const off = this.onChange(settle);
			const cancel = systemClock.after(ms, settle);
		});
	}

	#set(isUp: boolean): void {
		if (this.#isUp === isUp) return;
		this.#isUp = isUp;
		this.#changes += 1;
		for (const listener of [...this.#listeners]) listener(isUp);
	}
}

/** Asks again what only reads, where the link was lost on the way. */
export async function askAgainWhenLost<T>(ask: () => Promise<T>): Promise<T> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await ask();
		} catch (error) {
			if (!(error instanceof LinkLostError && error.sent) || attempt === 3) throw error;
		}
	}
}

/**
 * Runs the callback of a subscription apart from the client's reader, which would stop reading, and say nothing, if it
 * threw: a defect of ours then ends the process, as a defect does anywhere else.
 */
export function apartFromReader(callback: () => void): void {
	try {
		callback();
	} catch (error) {
		queueMicrotask(() => {
			throw error;
		});
	}
}
