/**
 * Owns the way back from an envelope to the JSON form that it could have been written in.
 * Promises a form that means the same when it is checked again: its policy to the millisecond, and no lane that nobody named.
 * Pure. What belongs to the one command stays out: its id, its time, the schedule and the command that it came from.
 */

import { exactDuration } from '../base/duration.ts';
import type { Envelope } from './envelope.ts';

export function formOf(envelope: Envelope): Record<string, unknown> {
	const { node, method, data, lane, laneFrom, deliverWithinMs, attempts, onInterrupt } = envelope;
	const { runForMs, backoff, patienceMs } = envelope;
	return {
		toNode: node,
		method,
		commandOrEvent: 'command',
		...(data !== null && data !== undefined && { data }),
		...(laneFrom === undefined && { lane }),
		deliverWithin: deliverWithinMs === null ? 'never' : exactDuration(deliverWithinMs),
		...(runForMs !== undefined && { runFor: exactDuration(runForMs) }),
		...(attempts !== undefined && { attempts }),
		...(backoff && {
			backoff: {
				kind: backoff.kind,
				initial: exactDuration(backoff.initialMs),
				cap: exactDuration(backoff.capMs),
				jitter: backoff.jitter,
			},
		}),
		...(onInterrupt && { onInterrupt }),
		...(patienceMs !== undefined && { patience: exactDuration(patienceMs) }),
	};
}
