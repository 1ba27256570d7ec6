/**
 * Owns the one decision about everything that goes wrong: fault in, verdict out.
 * Promises a pure function over one table; nothing else retries, terminates or swallows.
 * No state: attempts are counted by the journal, and a verdict is recorded before it is acted on.
 */

import { type Backoff, backoffMs } from '../base/backoff.ts';

type Severity = 'info' | 'warning' | 'error' | 'critical';

export const faultKinds = [
	'failed',
	'retryAsked',
	'runForPassed',
	'threw',
	'undecodable',
	'unknownMethod',
	'badData',
	'untrusted',
	'denied',
	'refused',
	'processDied',
	'intensityExceeded',
	'storeFailed',
	'leaseLost',
	'linkLost',
	'invariantBroken',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** What went wrong, and how far the command was. */
export type Fault = {
	readonly kind: FaultKind;
	/** The start that it happened in, 1 for the first; 0 before any. */
	readonly attempt: number;
	/** Starts that the policy allows. */
	readonly attempts: number;
	readonly backoff: Backoff;
	/** Milliseconds that the method itself asked for, with `retryAsked`. */
	readonly retryAfterMs?: number | undefined;
};

type SettledState = 'failed' | 'timedOut';

/**
 * settle: ack with this final state. retry: again after this long. reject: term, dead letter, error event.
 * restart: the process is started again, and `command` says what becomes of the command. stop: the lane is paused.
 * shutdown: nothing is acked, the node ends. none: the run goes on.
 */
export type Verdict =
	| { readonly verdict: 'settle'; readonly state: SettledState }
	| { readonly verdict: 'retry'; readonly afterMs: number }
	| { readonly verdict: 'reject' }
	| { readonly verdict: 'restart'; readonly command: Verdict }
	| { readonly verdict: 'stop' }
	| { readonly verdict: 'shutdown' }
	| { readonly verdict: 'none' };

/** `retryOr`: again while attempts are left, then this final state. */
type Rule =
	| { readonly severity: Severity; readonly retryOr: SettledState; readonly restart?: true }
	| { readonly severity: Severity; readonly verdict: 'reject' | 'stop' | 'shutdown' | 'none' };

export const rules = {
	failed: { severity: 'info', retryOr: 'failed' },
	retryAsked: { severity: 'info', retryOr: 'failed' },
	runForPassed: { severity: 'warning', retryOr: 'timedOut' },
	threw: { severity: 'error', retryOr: 'failed' },
	undecodable: { severity: 'error', verdict: 'reject' },
	unknownMethod: { severity: 'error', verdict: 'reject' },
	badData: { severity: 'error', verdict: 'reject' },
	untrusted: { severity: 'error', verdict: 'reject' },
	denied: { severity: 'error', verdict: 'reject' },
	refused: { severity: 'error', verdict: 'reject' },
	processDied: { severity: 'error', retryOr: 'failed', restart: true },
	intensityExceeded: { severity: 'critical', verdict: 'stop' },
	storeFailed: { severity: 'critical', verdict: 'shutdown' },
	leaseLost: { severity: 'warning', verdict: 'none' },
	linkLost: { severity: 'info', verdict: 'none' },
	invariantBroken: { severity: 'critical', verdict: 'shutdown' },
} as const satisfies Record<FaultKind, Rule>;

/** `random` gives [0, 1): it spreads the waits. */
export function decide(fault: Fault, random: () => number): Verdict {
	const rule: Rule = rules[fault.kind];
	if ('verdict' in rule) return { verdict: rule.verdict };
	const again: Verdict =
		fault.attempt < fault.attempts
			? { verdict: 'retry', afterMs: fault.retryAfterMs ?? backoffMs(fault.backoff, fault.attempt, random) }
			: { verdict: 'settle', state: rule.retryOr };
	return rule.restart ? { verdict: 'restart', command: again } : again;
}

/** Faults above `warning` become errorLog events to the centre. */
export function isReported(kind: FaultKind): boolean {
	return rules[kind].severity === 'error' || rules[kind].severity === 'critical';
}
