/**
 * Owns how much is kept of what a method gives: its value, its outputs, its texts. A report has to fit one message of the
 * broker, and what a module says one message to its node.
 * Promises that what is cut says so, with how much there was; and that a text is first cut far beyond what is kept of it
 * in the end, because a secret that was cut in two is not found any more.
 * Pure.
 */

import { cutText } from '../../base/text.ts';
import { type FaultRecord, type OutputSummary, outputEdgeBytes, type Result } from '../../domain/result.ts';
import type { Outcome } from './method.ts';

/** The most that a method's value may take in a result, bytes of JSON. */
const largestValueBytes = 256 * 1024;
const keptHead = 1024;
/** The most of an error's text that is kept, characters: every attempt of a command carries one. */
const longestFaultText = 2000;
/** The most of any text that a module may send to its node; more than `longestFaultText`. */
export const longestSentText = 8 * 1024;
const longestWord = 200;
const mostProblems = 20;
const longestProblem = 4096;
/** What base64 makes of the edge of an output, characters. */
const longestEdge = Math.ceil(outputEdgeBytes / 3) * 4;

type CutValue = { readonly cut: true; readonly bytes: number; readonly head: string };

/** The outcome as it is recorded. */
export function boundedOutcome(outcome: Outcome): Outcome {
	return bounded(outcome, longestFaultText);
}

/** The outcome as a module gives it to its node. */
export function sendableOutcome(outcome: Outcome): Outcome {
	return bounded(outcome, longestSentText);
}

export function boundedFault({ code, message }: FaultRecord): FaultRecord {
	return cutFault({ code, message }, longestFaultText);
}

/** Problems of data, as a module gives them to its node. */
export function sendableProblems(problems: readonly string[]): string[] {
	const told = problems.slice(0, mostProblems).map((problem) => cutText(problem, longestProblem));
	return problems.length > told.length ? [...told, `and ${problems.length - told.length} more`] : told;
}

/** The value of this JSON; one that is too large is replaced by what it was: its size, and how its JSON begins. */
export function boundedValue(json: string): unknown {
	return cutValue(json) ?? JSON.parse(json);
}

/** What stands for a value that was too large. */
export function isCutValue(value: unknown): value is CutValue {
	return (
		typeof value === 'object' && value !== null && 'cut' in value && value.cut === true && 'head' in value
	);
}

function bounded(outcome: Outcome, longest: number): Outcome {
	const result = boundedResult(outcome.result);
	if (outcome.outcome === 'succeeded') return { ...outcome, result };
	return { ...outcome, result, fault: outcome.fault && cutFault(outcome.fault, longest) };
}

function cutFault({ code, message }: FaultRecord, longest: number): FaultRecord {
	return { code: code.slice(0, longestWord), message: cutText(message, longest) };
}

function boundedResult(result: Result): Result {
	const { signal, stdout, stderr, value } = result;
	const cut = value === undefined ? undefined : cutValue(JSON.stringify(value));
	return {
		...result,
		signal: signal === null ? null : signal.slice(0, longestWord),
		stdout: boundedOutput(stdout),
		stderr: boundedOutput(stderr),
		...(cut ? { value: cut } : {}),
	};
}

function cutValue(json: string): CutValue | undefined {
	const bytes = Buffer.byteLength(json);
	return bytes <= largestValueBytes ? undefined : { cut: true, bytes, head: json.slice(0, keptHead) };
}

/** Only a method that makes one itself can make it larger. */
function boundedOutput(output: OutputSummary | null): OutputSummary | null {
	if (!output) return null;
	const sha256 = output.sha256.slice(0, longestWord);
	if (Math.max(output.head.length, output.tail.length) <= longestEdge) return { ...output, sha256 };
	return { ...output, sha256, head: '', tail: '', cut: output.bytes };
}
