/**
 * Owns one run of a method: its abort by clock or by the node's stop, and how its end is told.
 * Promises that it resolves only when the run has truly ended, and that nothing but a failing store makes it reject.
 * A crash in the middle leaves what the journal has: started, and the leader of its process group.
 */

import type { Clock } from '../../base/clock.ts';
import { isStewardError, messageOf } from '../../base/errors.ts';
import type { ProcessIdentity } from '../../base/process.ts';
import type { Envelope } from '../../domain/message.ts';
import type { AttemptOutcome, FaultRecord } from '../../domain/result.ts';
import type { FaultKind } from '../../supervision/error-kernel.ts';
import type { KnownMethod } from '../methods-table.ts';
import { type Outcome, ProcessDied } from '../processes/method.ts';
import { boundedFault, boundedOutcome } from './outcome-bounds.ts';

export type Ended =
	| { readonly how: 'outcome'; readonly outcome: Outcome }
	| { readonly how: 'threw' | 'died'; readonly fault: FaultRecord };

/** Why a run was asked to end. */
export type AbortReason = 'runFor' | 'shutdown';

export type MethodRunOptions = {
	readonly envelope: Envelope;
	readonly method: KnownMethod;
	readonly attempt: number;
	readonly runForMs: number;
	/** Aborts what still runs when the node's grace has passed. */
	readonly graceOver: AbortSignal;
	readonly recordChild: (child: ProcessIdentity) => Promise<void>;
	readonly clock: Clock;
};

/** @throws StewardError `storage` */
export async function runMethod(
	options: MethodRunOptions,
): Promise<{ ended: Ended; aborted: AbortReason | undefined }> {
	const { envelope, method, attempt, runForMs, graceOver, recordChild, clock } = options;
	const { sender, id, data } = envelope;
	const controller = new AbortController();
	let aborted: AbortReason | undefined;
	const abort = (reason: AbortReason) => {
		aborted ??= reason;
		controller.abort(new Error(reason === 'runFor' ? 'runFor passed' : 'the node stops'));
	};
	const cancelTimer = clock.after(runForMs, () => abort('runFor'));
	const onGraceOver = () => abort('shutdown');
	if (graceOver.aborted) onGraceOver();
	graceOver.addEventListener('abort', onGraceOver, { once: true });
	try {
		const input = { sender, id, attempt, data, recordChild };
		const outcome = await method.process.run(envelope.method, input, controller.signal);
		return { ended: { how: 'outcome', outcome: boundedOutcome(outcome) }, aborted };
	} catch (error) {
		if (isStewardError(error, 'storage')) throw error;
		const how = error instanceof ProcessDied ? 'died' : 'threw';
		const fault = { code: how === 'died' ? 'processDied' : 'threw', message: messageOf(error) };
		return { ended: { how, fault: boundedFault(fault) }, aborted };
	} finally {
		cancelTimer();
		graceOver.removeEventListener('abort', onGraceOver);
	}
}

export type EndDescription = {
	readonly kind: FaultKind;
	readonly attemptOutcome: AttemptOutcome;
	readonly fault: FaultRecord | null;
	readonly retryAfterMs?: number | undefined;
};

/** A run that did not succeed, as the error kernel is told of it. */
export function describeEnd(
	ended: Ended,
	aborted: AbortReason | undefined,
	runForMs: number,
): EndDescription {
	if (aborted === 'runFor') {
		const fault = { code: 'runForPassed', message: `ran longer than ${runForMs} ms, and was ended` };
		return { kind: 'runForPassed', attemptOutcome: 'timedOut', fault };
	}
	if (ended.how !== 'outcome') {
		const kind = ended.how === 'died' ? 'processDied' : 'threw';
		return { kind, attemptOutcome: 'failed', fault: ended.fault };
	}
	const { outcome } = ended;
	const fault = outcome.outcome === 'succeeded' ? null : outcome.fault;
	if (outcome.outcome !== 'retry') return { kind: 'failed', attemptOutcome: 'failed', fault };
	return { kind: 'retryAsked', attemptOutcome: 'failed', fault, retryAfterMs: outcome.afterMs };
}
