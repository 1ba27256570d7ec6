/**
 * Owns saying what is refused: at the first connect as an error with the next step, later in the log.
 * Promises one line in the log each time the credentials begin to be refused, however often it is tried, and one for each
 * subject that may not be used.
 * Keeps nothing.
 */

import { errors, type NatsConnection, TimeoutError } from '@nats-io/transport-node';
import { messageOf, StewardError, systemCodeOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type Refusal, refusalOf } from './errors.ts';

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
				'the broker refuses the credentials: revoked or expired? put others in their place (steward enrol --again, steward join), and start this again',
			);
		}
	}
}

/** A server that wants TLS before anything else says nothing to who waits for its greeting. */
export function silentHint(error: unknown, hasTls: boolean): string {
	return error instanceof TimeoutError && !hasTls
		? '; it takes connections and says nothing: if it begins with TLS, write tls:// before its address'
		: '';
}

/** What a refusal means to whoever connects, and the next step. */
export function notLetIn(servers: readonly string[], refusal: Refusal, cause: unknown): StewardError {
	const where = servers.join(', ');
	// OpenSSL's own text has lines of its source.
	const code = systemCodeOf(cause) ?? '';
	const why = code.startsWith('ERR_SSL_') || code === 'EPROTO' ? code : messageOf(cause);
	const words = {
		credentials: `${where} does not let this program in (${why}): are its credentials of this fleet (--credentials, STEWARD_CREDENTIALS), not revoked and not expired?`,
		ownCertificate: `${where} asks for a certificate of this program that it trusts (${why}): name it (--tls-cert, --tls-key)`,
		certificate: `the certificate of ${where} is not trusted (${why}): name the authority that signed it (--tls-ca, STEWARD_TLS_CA), and the server by a name that the certificate has`,
		protocol: `${where} does not begin with TLS (${why}): is TLS set up there? a server that greets first needs tls.handshakeFirst: false`,
	} as const satisfies Record<Refusal, string>;
	return new StewardError('unauthorized', words[refusal], { cause });
}
