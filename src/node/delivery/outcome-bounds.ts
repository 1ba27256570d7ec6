/**
 * Owns how large an outcome may be: a report has to fit one message of the broker.
 * Promises that what is cut says so, with how much there was; a child process's outputs have bounds of their own.
 * Pure.
 */

import type { FaultRecord, Result } from '../../domain/result.ts';
import type { Outcome } from '../processes/method.ts';

/** The most that a method's value may take in a result, bytes of JSON. */
const largestValueBytes = 256 * 1024;
/** The most of an error's text that is kept, characters: every attempt of a command carries one. */
const longestFaultText = 2000;
const keptHead = 1024;

export function boundedOutcome(outcome: Outcome): Outcome {
	const result = boundedResult(outcome.result);
	if (outcome.outcome === 'succeeded') return { ...outcome, result };
	return { ...outcome, result, fault: outcome.fault && boundedFault(outcome.fault) };
}

export function boundedFault({ code, message }: FaultRecord): FaultRecord {
	if (message.length <= longestFaultText) return { code, message };
	return { code, message: `${message.slice(0, longestFaultText)}… (cut: ${message.length} characters)` };
}

/** A value that is too large is replaced by what it was: its size, and how its JSON begins. */
function boundedResult(result: Result): Result {
	if (result.value === undefined) return result;
	const text = JSON.stringify(result.value);
	const bytes = Buffer.byteLength(text);
	if (bytes <= largestValueBytes) return result;
	return { ...result, value: { cut: true, bytes, head: text.slice(0, keptHead) } };
}
