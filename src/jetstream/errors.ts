/**
 * Owns reading the errors of the JetStream API: which of them say "there is none", or "there is no room".
 * Promises that no other file compares its error codes.
 * Pure.
 */

import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { messageOf, StewardError } from '../base/errors.ts';

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

/** What a request without an answer means to a caller; `what` is whom it was for. What the server said stays as it is. */
export function noAnswer(what: string, cause: unknown): unknown {
	if (cause instanceof JetStreamApiError || cause instanceof StewardError) return cause;
	return new StewardError(
		'no-broker',
		`the broker did not answer for ${what} (${messageOf(cause)}): is it restarting, or the link bad? try again`,
		{ cause },
	);
}
