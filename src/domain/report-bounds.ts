/**
 * Owns that what is told of a command fits one message of the broker: a report or an entry that does not would never settle it.
 * Promises that the outcome itself, its exit code and its fault are always told, and that what is cut says so. Gives JSON: what is measured is
 * what is sent. Pure.
 */

import type { Envelope } from './envelope.ts';
import type { LedgerEntry } from './ledger.ts';
import type { Attempt, FaultRecord, OutputSummary, Result } from './result.ts';
import type { Report } from './wire.ts';

const keptHead = 1024;
/** A value that takes no more is kept, also one that was cut before. */
const smallValueBytes = 8 * keptHead;
const keptText = 200;

/** The report, or as much of it as fits into `largest` bytes. */
export function boundedReport(report: Report, largest: number): string {
	return firstThatFits(report, largest, [
		(said) => ({ ...said, attempts: said.attempts.slice(-1), ...withResult(said, withoutValue) }),
		(said) => ({ ...said, ...withResult(said, withoutOutput), ...withShortFaults(said) }),
	]);
}

/** As {@link boundedReport}, of what the ledger keeps. */
export function boundedEntry(entry: LedgerEntry, largest: number): string {
	return firstThatFits(entry, largest, [
		(told) => ({ ...told, attempts: told.attempts.slice(-1) }),
		(told) => ({
			...told,
			attempts: told.attempts.map(withShortFault),
			fault: told.fault && shortFault(told.fault),
			closed: told.closed && { reason: shortText(told.closed.reason), actor: shortText(told.closed.actor) },
		}),
	]);
}

/** How a command ended, beside what it was: its message goes last, because without it nobody can send it again. */
export function boundedEnd<
	End extends { readonly result: Result | null; readonly envelope: Envelope | null },
>(end: End, largest: number): string {
	return firstThatFits(end, largest, [
		(kept) => ({ ...kept, result: kept.result && withoutValue(kept.result) }),
		(kept) => ({ ...kept, result: kept.result && withoutOutput(kept.result) }),
		(kept) => ({ ...kept, envelope: null }),
	]);
}

/** `cuts`: from the least loss to the greatest, each on top of those before. */
function firstThatFits<Told>(told: Told, largest: number, cuts: readonly ((told: Told) => Told)[]): string {
	let bounded = told;
	let text = JSON.stringify(bounded);
	for (const cut of cuts) {
		if (Buffer.byteLength(text) <= largest) break;
		bounded = cut(bounded);
		text = JSON.stringify(bounded);
	}
	return text;
}

function withResult({ result }: Report, change: (result: Result) => Result): Pick<Report, 'result'> {
	return result ? { result: change(result) } : {};
}

function withoutValue(result: Result): Result {
	if (result.value === undefined) return result;
	const text = JSON.stringify(result.value);
	const bytes = Buffer.byteLength(text);
	return bytes <= smallValueBytes
		? result
		: { ...result, value: { cut: true, bytes, head: text.slice(0, keptHead) } };
}

function withoutOutput(result: Result): Result {
	return { ...result, stdout: withoutText(result.stdout), stderr: withoutText(result.stderr) };
}

function withoutText(output: OutputSummary | null): OutputSummary | null {
	return output && { ...output, head: '', tail: '', cut: output.bytes };
}

function withShortFaults({ fault, attempts }: Report): Pick<Report, 'fault' | 'attempts'> {
	return { attempts: attempts.map(withShortFault), ...(fault ? { fault: shortFault(fault) } : {}) };
}

function withShortFault(attempt: Attempt): Attempt {
	return { ...attempt, fault: attempt.fault && shortFault(attempt.fault) };
}

function shortFault({ code, message }: FaultRecord): FaultRecord {
	return { code: shortText(code), message: shortText(message) };
}

function shortText(text: string): string {
	return text.length <= keptText ? text : `${text.slice(0, keptText)}…`;
}
