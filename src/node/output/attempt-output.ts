/**
 * Owns the output of one attempt of a command: secrets taken out, summed up for the result, and spooled for the stream.
 * Promises that the summary is of the very bytes that go out, and that no trouble of disk or link reaches the run.
 * A crash leaves what was spooled; the summary is lost with the run, and its outcome says so.
 */

import { type OutputStream, outputStreams } from '../../domain/output.ts';
import { redactedMark } from '../../domain/redaction.ts';
import type { FaultRecord, OutputSummary, Result } from '../../domain/result.ts';
import { OutputCollector } from '../methods/output.ts';
import type { Outcome } from '../processes/method.ts';
import { isCutValue } from '../processes/outcome-bounds.ts';
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
	/** Of the streams on which something was said: most short runs say nothing, and digests and buffers are dear. */
	readonly #halves: Partial<Record<OutputStream, Half>> = {};
	#hasEnded = false;
	/** Where something was said, once it has ended. */
	#summary: Readonly<Record<OutputStream, OutputSummary>> | undefined;

	constructor(redaction: Redaction, sink: OutputSink) {
		this.#redaction = redaction;
		this.#sink = sink;
	}

	/** Resolves when it is on the disk, or is not taken there. Never rejects. */
	write(chunk: string | Uint8Array, stream: OutputStream): Promise<void> {
		if (this.#hasEnded) return Promise.resolve();
		const bytes =
			typeof chunk === 'string'
				? Buffer.from(chunk)
				: Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
		const half = this.#half(stream);
		return this.#take(stream, half, half.redactor.push(bytes));
	}

	/** Nothing more comes. Safe to call twice. */
	end(): void {
		if (this.#hasEnded) return;
		this.#hasEnded = true;
		for (const stream of outputStreams) {
			const half = this.#halves[stream];
			if (half) void this.#take(stream, half, half.redactor.end());
		}
		const { stdout, stderr } = this.#halves;
		if (stdout || stderr) this.#summary = { stdout: summaryOf(stdout), stderr: summaryOf(stderr) };
		this.#sink.finish({ stdout: stdout?.offset ?? 0, stderr: stderr?.offset ?? 0 });
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
		return this.#summary ? { exitCode: null, signal: null, ...this.#summary } : null;
	}

	fault(fault: FaultRecord): FaultRecord {
		return this.#redaction.fault(fault);
	}

	#completeResult(result: Result): Result {
		this.end();
		const { stdout, stderr, value } = result;
		const said = stdout === null && stderr === null ? this.#summary : undefined;
		return {
			...result,
			...(said ?? { stdout: this.#withoutSecrets(stdout), stderr: this.#withoutSecrets(stderr) }),
			...(value === undefined ? {} : { value: this.#value(value) }),
		};
	}

	/** An output that the method summed up itself. No digest of the bytes as they were: it would allow a guess at the secret. */
	#withoutSecrets(output: OutputSummary | null): OutputSummary | null {
		if (!output || this.#redaction.isOff) return output;
		const { encoding, cut } = output;
		const [head, tail] = [Buffer.from(output.head, encoding), Buffer.from(output.tail, encoding)];
		if (cut === 0) {
			const whole = Buffer.concat([head, tail]);
			const clean = this.#redaction.bytes(whole);
			if (clean === whole) return output;
			const collector = new OutputCollector();
			collector.write(clean);
			return collector.summary();
		}
		const [cleanHead, cleanTail] = [this.#redaction.bytes(head), this.#redaction.bytes(tail)];
		if (cleanHead === head && cleanTail === tail) return output;
		const edges = { head: cleanHead.toString(encoding), tail: cleanTail.toString(encoding) };
		return { ...output, ...edges, sha256: redactedMark };
	}

	/** The head of a value that was too large is JSON that was cut off: no pattern is sure to find a secret in it. */
	#value(value: unknown): unknown {
		if (isCutValue(value) && !this.#redaction.isOff) return { ...value, head: '' };
		return this.#redaction.value(value);
	}

	#half(stream: OutputStream): Half {
		const half = this.#halves[stream] ?? {
			redactor: new StreamRedactor(this.#redaction),
			collector: new OutputCollector(),
			offset: 0,
		};
		this.#halves[stream] = half;
		return half;
	}

	#take(stream: OutputStream, half: Half, bytes: Buffer): Promise<void> {
		if (bytes.length === 0) return Promise.resolve();
		half.collector.write(bytes);
		const { offset } = half;
		half.offset += bytes.length;
		return this.#sink.append(stream, offset, bytes);
	}
}

function summaryOf(half: Half | undefined): OutputSummary {
	return (half?.collector ?? new OutputCollector()).summary();
}
