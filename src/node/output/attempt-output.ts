/**
 * Owns the output of one attempt of a command: secrets taken out, summed up for the result, and spooled for the stream.
 * Promises that the summary is of the very bytes that go out, and that no trouble of disk or link reaches the run.
 * A crash leaves what was spooled; the summary is lost with the run, and its outcome says so.
 */

import { type OutputStream, outputStreams } from '../../domain/output.ts';
import type { FaultRecord, OutputSummary, Result } from '../../domain/result.ts';
import { OutputCollector } from '../methods/output.ts';
import type { Outcome } from '../processes/method.ts';
import { type Redaction, StreamRedactor } from './redactor.ts';

/** Where the bytes go. */
export type OutputSink = {
	append(stream: OutputStream, offset: number, data: Buffer): Promise<void>;
	/** Nothing more comes; `totals` counts all bytes, also those that were refused. */
	finish(totals: Readonly<Record<OutputStream, number>>): void;
};

type Half = { readonly redactor: StreamRedactor; readonly collector: OutputCollector; offset: number };

export class AttemptOutput {
	readonly #redaction: Redaction;
	readonly #sink: OutputSink;
	readonly #halves: Readonly<Record<OutputStream, Half>>;
	#isUsed = false;
	#summary: Readonly<Record<OutputStream, OutputSummary>> | undefined;

	constructor(redaction: Redaction, sink: OutputSink) {
		this.#redaction = redaction;
		this.#sink = sink;
		const half = () => ({
			redactor: new StreamRedactor(redaction),
			collector: new OutputCollector(),
			offset: 0,
		});
		this.#halves = { stdout: half(), stderr: half() };
	}

	/** Resolves when it is on the disk, or is not taken there. Never rejects. */
	write(chunk: string | Uint8Array, stream: OutputStream): Promise<void> {
		if (this.#summary) return Promise.resolve();
		this.#isUsed = true;
		const bytes =
			typeof chunk === 'string'
				? Buffer.from(chunk)
				: Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
		return this.#take(stream, this.#halves[stream].redactor.push(bytes));
	}

	/** Nothing more comes. Safe to call twice. */
	end(): void {
		if (this.#summary) return;
		for (const stream of outputStreams) void this.#take(stream, this.#halves[stream].redactor.end());
		const { stdout, stderr } = this.#halves;
		this.#summary = { stdout: stdout.collector.summary(), stderr: stderr.collector.summary() };
		this.#sink.finish({ stdout: stdout.offset, stderr: stderr.offset });
	}

	/** The outcome without secrets, and with the summaries where the method gave none of its own. */
	complete(outcome: Outcome): Outcome {
		const result = this.#completeResult(outcome.result);
		if (outcome.outcome === 'succeeded') return { ...outcome, result };
		return { ...outcome, result, fault: this.#redaction.fault(outcome.fault) };
	}

	/** What is known of a run that had no outcome; null where it said nothing. */
	resultWithoutOutcome(): Result | null {
		this.end();
		if (!this.#isUsed || !this.#summary) return null;
		return { exitCode: null, signal: null, ...this.#summary };
	}

	fault(fault: FaultRecord): FaultRecord {
		return this.#redaction.fault(fault);
	}

	#completeResult(result: Result): Result {
		this.end();
		const own = result.stdout === null && result.stderr === null && this.#isUsed ? this.#summary : undefined;
		const { value } = result;
		return {
			...result,
			...own,
			...(value === undefined ? {} : { value: this.#redaction.value(value) }),
		};
	}

	#take(stream: OutputStream, bytes: Buffer): Promise<void> {
		if (bytes.length === 0) return Promise.resolve();
		const half = this.#halves[stream];
		half.collector.write(bytes);
		const { offset } = half;
		half.offset += bytes.length;
		return this.#sink.append(stream, offset, bytes);
	}
}
