/**
 * Owns that a report fits one message of the broker: one that does not would never settle its command.
 * Promises that the outcome itself, its exit code and its fault are always told, and that what is cut says so.
 * Pure.
 */

import type { OutputSummary, Result } from '../../domain/result.ts';
import type { Report } from '../../domain/wire.ts';

const keptHead = 1024;
/** A value that takes no more is kept, also one that was cut before. */
const smallValueBytes = 8 * keptHead;
const keptFault = 200;

/** From the least loss to the greatest. */
const cuts: readonly ((report: Report) => Report)[] = [
	(report) => ({ ...report, attempts: report.attempts.slice(-1), ...withResult(report, withoutValue) }),
	(report) => ({ ...report, ...withResult(report, withoutOutput), ...withShortFaults(report) }),
];

/** The report, or as much of it as fits into `largest` bytes. */
export function boundedReport(report: Report, largest: number): Report {
	let bounded = report;
	for (const cut of cuts) {
		if (Buffer.byteLength(JSON.stringify(bounded)) <= largest) break;
		bounded = cut(bounded);
	}
	return bounded;
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
	const short = ({ code, message }: { code: string; message: string }) => ({
		code,
		message: message.length <= keptFault ? message : `${message.slice(0, keptFault)}…`,
	});
	return {
		attempts: attempts.map((attempt) => ({ ...attempt, fault: attempt.fault && short(attempt.fault) })),
		...(fault ? { fault: short(fault) } : {}),
	};
}
