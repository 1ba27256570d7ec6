/**
 * Owns how a run is to be treated: what its sender said, else its method, else the defaults.
 * Promises that every field has a value.
 * Pure.
 */

import type { Backoff } from '../../base/backoff.ts';
import type { Envelope } from '../../domain/envelope.ts';
import { commandDefaults, type OnInterrupt } from '../../domain/policy.ts';
import type { KnownMethod } from '../methods-table.ts';

export type Policy = {
	readonly runForMs: number;
	readonly attempts: number;
	readonly backoff: Backoff;
	readonly onInterrupt: OnInterrupt;
};

export function policyOf(envelope: Envelope, method: KnownMethod | undefined): Policy {
	const defaults = method?.description.defaults ?? {};
	return {
		runForMs: envelope.runForMs ?? defaults.runForMs ?? commandDefaults.runForMs,
		attempts: envelope.attempts ?? defaults.attempts ?? commandDefaults.attempts,
		backoff: envelope.backoff ?? defaults.backoff ?? commandDefaults.backoff,
		onInterrupt: envelope.onInterrupt ?? defaults.onInterrupt ?? commandDefaults.onInterrupt,
	};
}
