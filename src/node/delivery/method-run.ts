/**
 * Owns one run of a method: its abort by clock, by a cancel or by the node's stop, and how its end is told.
 * Promises that it resolves only when the run has truly ended, and that nothing but a failing store makes it reject.
 * A crash in the middle leaves what the journal has: started, and the leader of its process group.
 */

import type { Clock } from '../../base/clock.ts';
import { isStewardError, messageOf } from '../../base/errors.ts';
import type { ProcessIdentity } from '../../base/process.ts';
import type { Envelope } from '../../domain/envelope.ts';
import type { AttemptOutcome, FaultRecord, Result } from '../../domain/result.ts';
import type { FaultKind } from '../../supervision/error-kernel.ts';
import type { KnownMethod } from '../methods-table.ts';
import type { AttemptOutput } from '../output/attempt-output.ts';
import { type Outcome, ProcessDied, type RunInput } from '../processes/method.ts';
import { boundedFault, boundedOutcome } from '../processes/outcome-bounds.ts';
import { onAbort } from './run-limits.ts';

export type Ended =
	| { readonly how: 'outcome'; readonly outcome: Outcome }
	/** `result` is what it had said until then. */
	| { readonly how: 'threw' | 'died'; readonly fault: FaultRecord; readonly result: Result | null };

/** Why a run was asked to end. */
export type AbortReason = 'runFor' | 'calledOff' | 'shutdown';

const abortText = {
	runFor: 'runFor passed',
	calledOff: 'the command was called off',
	shutdown: 'the node stops',
} as const satisfies Record<AbortReason, string>;

export type MethodRunOptions = {
	readonly envelope: Envelope;
	readonly method: KnownMethod;
	readonly attempt: number;
	readonly runForMs: number;
	/** Calls `listener` when the command is called off, at once where it was; the answer takes it off. */
	readonly whenCalledOff: (listener: () => void) => () => void;
	/** Aborts what still runs when the node's grace has passed. */
	readonly graceOver: AbortSignal;
	readonly recordChild: (child: ProcessIdentity) => Promise<void>;
	/** Takes what the run says; ended with it. */
	readonly output: AttemptOutput;
	readonly clock: Clock;
};

/** @throws StewardError `storage` */
export async function runMethod(
	options: MethodRunOptions,
): Promise<{ ended: Ended; aborted: AbortReason | undefined }> {
	const { envelope, method, attempt, runForMs, whenCalledOff, graceOver, recordChild, output, clock } =
		options;
	const { sender, id, data } = envelope;
	const controller = new AbortController();
	let aborted: AbortReason | undefined;
	const abort = (reason: AbortReason) => {
		aborted ??= reason;
		controller.abort(new Error(abortText[reason]));
	};
	const cancelTimer = clock.after(runForMs, () => abort('runFor'));
	const offs = [onAbort(graceOver, () => abort('shutdown')), whenCalledOff(() => abort('calledOff'))];
	try {
		const input: RunInput = {
			...{ sender, id, attempt, data, recordChild },
			output: (chunk, stream) => output.write(chunk, stream),
		};
		const outcome = output.complete(await method.process.run(envelope.method, input, controller.signal));
		return { ended: { how: 'outcome', outcome: boundedOutcome(outcome) }, aborted };
	} catch (error) {
		if (isStewardError(error, 'storage')) throw error;
		const how = error instanceof ProcessDied ? 'died' : 'threw';
		const fault = { code: how === 'died' ? 'processDied' : 'threw', message: messageOf(error) };
		const result = output.resultWithoutOutcome();
		return { ended: { how, fault: boundedFault(output.fault(fault)), result }, aborted };
	} finally {
		output.end();
		cancelTimer();
		for (const off of offs) off();
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
