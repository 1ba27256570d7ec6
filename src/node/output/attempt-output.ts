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
		const { stdout, stderr, value } = result;
		const said = stdout === null && stderr === null && this.#isUsed ? this.#summary : undefined;
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

	#take(stream: OutputStream, bytes: Buffer): Promise<void> {
		if (bytes.length === 0) return Promise.resolve();
		const half = this.#halves[stream];
		half.collector.write(bytes);
		const { offset } = half;
		half.offset += bytes.length;
		return this.#sink.append(stream, offset, bytes);
	}
}
