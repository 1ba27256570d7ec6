/**
 * Owns reading the errors of the JetStream API: which of them say "there is none", or "there is no room".
 * Promises that no other file compares its error codes.
 * Pure.
 */

import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { errors, RequestError, TimeoutError } from '@nats-io/transport-node';
import { messageOf, StewardError, systemCodeOf } from '../base/errors.ts';

export function isConsumerNotFound(error: unknown): boolean {
	return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;
}

export function isStreamNotFound(error: unknown): boolean {
	return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}

/** The sum of what the streams may hold is above `max_file` (10047) or `max_mem` (10028) of the server. */
export function isNoRoom(error: unknown): boolean {
	return error instanceof JetStreamApiError && [10023, 10028, 10047].includes(error.code);
}

/**
 * Nobody answered, or nobody who could: what was asked is between two leaders, or lives on a server that is away (10008,
 * 10009, 10118 of a stream, 10119 of a consumer).
 */
export function isNoAnswer(error: unknown): boolean {
	if (error instanceof JetStreamApiError) return isPassing(error.code);
	return error instanceof TimeoutError || (error instanceof RequestError && error.isNoResponders());
}

/** The server's word for "not now": it says nothing of what was asked. */
export function isPassing(errCode: number): boolean {
	return [10008, 10009, 10118, 10119].includes(errCode);
}

/** No server can hold as many replicas: there is no cluster (10074), or it is too small, or some of it is away (10005). */
export function isNoPlace(error: unknown): boolean {
	return error instanceof JetStreamApiError && [10005, 10074].includes(error.code);
}

/**
 * Who does not let whom in: the server these credentials or this program's certificate, this program the server's certificate; or
 * TLS is not there.
 */
export type Refusal = 'credentials' | 'ownCertificate' | 'certificate' | 'protocol';

/** Undefined for what is no refusal: then no server answered. */
export function refusalOf(error: unknown): Refusal | undefined {
	const { AuthorizationError, UserAuthenticationExpiredError, ProtocolError, ConnectionError } = errors;
	if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError)
		return 'credentials';
	// The client knows no error of its own for it.
	if (error instanceof ProtocolError && /authentication revoked/i.test(error.message)) return 'credentials';
	if (error instanceof ConnectionError && /does not support 'tls'/.test(error.message)) return 'protocol';
	const code = systemCodeOf(error) ?? '';
	if (code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'protocol';
	// An alert is the other side's word.
	if (/^ERR_SSL_.*ALERT/.test(code)) return 'ownCertificate';
	return /CERT|^ERR_TLS|^ERR_SSL|^UNABLE_TO_/.test(code) ? 'certificate' : undefined;
}

/** The broker does not let this user ask, or listen. */
export function isNotAllowed(error: unknown): boolean {
	if (error instanceof errors.PermissionViolationError) return true;
	return error instanceof Error && error.cause instanceof errors.PermissionViolationError;
}

/** What a request without an answer means to a caller; `what` is whom it was for. What the server said stays as it is. */
export function noAnswer(what: string, cause: unknown): unknown {
	if (cause instanceof StewardError) return cause;
	if (cause instanceof JetStreamApiError && !isPassing(cause.code)) return cause;
	if (isNotAllowed(cause)) return notAllowed(cause);
	return new StewardError(
		'no-broker',
		`the broker did not answer for ${what} (${messageOf(cause)}): is it restarting, or the link bad? try again`,
		{ cause },
	);
}

/** Certain, unlike silence: nothing was asked or stored. */
export function notAllowed(cause: unknown): StewardError {
	return new StewardError(
		'unauthorized',
		`the broker does not allow this to these credentials (${messageOf(cause)}): use those of a role that may (--credentials)`,
		{ cause },
	);
}
