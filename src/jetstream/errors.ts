/**
 * Owns reading the errors of the JetStream API: which of them say "there is none".
 * Promises that no other file compares its error codes.
 * Pure.
 */

import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';

export function isConsumerNotFound(error: unknown): boolean {
	return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;
}

export function isStreamNotFound(error: unknown): boolean {
	return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}
