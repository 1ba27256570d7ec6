/**
 * Owns one command's stay on the node: what it is, the lease on its delivery, and whether it was called off.
 * Promises what the lease promises, for the command that its subject and headers name.
 * When the process dies the lease runs out, and the command is delivered again.
 */

import type { Clock } from '../../base/clock.ts';
import { type Closed, isLocal } from '../../domain/wire.ts';
import type { Delivery } from '../../jetstream/pull.ts';
import type { StoredCommand } from '../../jetstream/stored-command.ts';
import type { Spends } from '../trust/spent.ts';
import { DeliveryLease } from './delivery-lease.ts';

export class Turn extends DeliveryLease {
	readonly command: StoredCommand;
	/** What its start uses up, where it is signed. */
	spends: Spends | undefined;
	#calledOff: Closed | undefined;
	#onCalledOff: (() => void) | undefined;

	constructor(command: StoredCommand, delivery: Delivery, clock: Clock) {
		super(delivery, clock);
		this.command = command;
	}

	get id(): string {
		return this.command.id;
	}

	/** Made by this node itself: under its journal alone, without claim, link or the broker's clock. */
	get isLocal(): boolean {
		return isLocal(this.command.facts);
	}

	/** Somebody wants it to end: who, and why. */
	get calledOff(): Closed | undefined {
		return this.#calledOff;
	}

	/** The first who asks is the one who is told of. */
	callOff(closed: Closed): void {
		this.#calledOff ??= closed;
		this.#onCalledOff?.();
	}

	/** Calls `listener` when it is called off, at once where it was. The answer takes it off; one at a time listens. */
	whenCalledOff(listener: () => void): () => void {
		this.#onCalledOff = listener;
		if (this.#calledOff) listener();
		return () => {
			this.#onCalledOff = undefined;
		};
	}

	get data(): Uint8Array {
		return this.delivery.data;
	}
}
