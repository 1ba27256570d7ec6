/**
 * Owns one command's stay on the node: what it is, and the lease on its delivery.
 * Promises what the lease promises, for the command that its subject and headers name.
 * When the process dies the lease runs out, and the command is delivered again.
 */

import type { Clock } from '../../base/clock.ts';
import type { StoredCommand } from '../../jetstream/commands.ts';
import type { Delivery } from '../../jetstream/pull.ts';
import { DeliveryLease } from './delivery-lease.ts';

export class Turn extends DeliveryLease {
	readonly command: StoredCommand;

	constructor(command: StoredCommand, delivery: Delivery, clock: Clock) {
		super(delivery, clock);
		this.command = command;
	}

	get id(): string {
		return this.command.id;
	}

	get data(): Uint8Array {
		return this.delivery.data;
	}
}
