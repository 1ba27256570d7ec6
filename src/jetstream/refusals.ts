/**
 * Owns saying what the broker refuses on a connection that once was let in: its credentials, or a subject.
 * Promises one line in the log each time the credentials begin to be refused, however often it is tried, and one for each
 * subject that may not be used.
 * Keeps nothing.
 */

import { errors, type NatsConnection } from '@nats-io/transport-node';
import type { Log } from '../base/log.ts';
import { refusalOf } from './errors.ts';

/** Ends with the connection. */
export async function sayRefusals(nc: NatsConnection, log: Log): Promise<void> {
	let isRefused = false;
	const subjects = new Set<string>();
	for await (const status of nc.status()) {
		if (status.type === 'reconnect') isRefused = false;
		if (status.type !== 'error') continue;
		const { error } = status;
		if (error instanceof errors.PermissionViolationError) {
			const { operation, subject } = error;
			if (subjects.has(subject)) continue;
			subjects.add(subject);
			log.warn({ operation, subject }, 'the broker does not allow this subject to this program');
		} else if (!isRefused && refusalOf(error) === 'credentials') {
			isRefused = true;
			log.error(
				{ err: error.message },
				'the broker refuses the credentials: revoked or expired? it is tried again until others are in their place',
			);
		}
	}
}
