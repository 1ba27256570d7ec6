/**
 * Owns reading the output of one command: what is stored, and what comes while it runs.
 * Promises bounded memory however much there is and however slowly it is read, gaps that are said, and an end that says
 * whether the node may still owe something.
 * Keeps nothing: whoever reads again begins at the beginning.
 */

import { isStewardError } from '../base/errors.ts';
import type { Handle } from '../domain/names.ts';
import { type OutputStream, outputStreams } from '../domain/output.ts';
import type { OutputSummary } from '../domain/result.ts';
import { hasEnded } from '../domain/state.ts';
import { streams, subjects } from '../domain/subject.ts';
import type { CommandView } from '../domain/view.ts';
import { type Followed, follow } from '../jetstream/follow.ts';
import { readOutputChunk } from '../jetstream/output.ts';
import { lookUp, lookUpKnown } from './lookup.ts';
import { type OutputPiece, OutputPieces } from './output-pieces.ts';
import type { FleetParts } from './parts.ts';
import { waitFor } from './wait.ts';

export type LogsOptions = {
	/** Goes on until the command has ended, and all of its output is here. */
	readonly follow?: boolean | undefined;
	/** These only; both if left out. */
	readonly streams?: readonly OutputStream[] | undefined;
	/** Ends the reading, without an error. */
	readonly signal?: AbortSignal | undefined;
	/** With `follow`: how long to wait for output that a command which has ended still owes, milliseconds; 5,000 if left out. */
	readonly patienceMs?: number | undefined;
};

export type LogPiece =
	| OutputPiece
	/** Nothing more is given. `complete` false: the command goes on, or its node may still owe some of what it said. */
	| {
			readonly kind: 'end';
			readonly attempt: number;
			readonly state: CommandView['state'];
			readonly complete: boolean;
	  };

const patience = 5000;
/** Chunks of 64 KiB each that are held for a slow reader. */
const batch = 32;
/** A number that is missing, with nothing after it for so long, will not come. */
const lateMs = 1000;

/** @throws StewardError `not-found`, `no-broker` */
export async function* logs(
	parts: FleetParts,
	handle: Handle,
	options: LogsOptions = {},
): AsyncGenerator<LogPiece, void, undefined> {
	const known = await lookUpKnown(parts, handle);
	const wanted = options.streams ?? outputStreams;
	const isWanted = (piece: OutputPiece) =>
		piece.kind === 'attempt' || piece.stream === null || wanted.includes(piece.stream);
	const reading = new Reading(parts, handle, options);
	const pieces = new OutputPieces();
	await reading.begin();
	try {
		for await (const happened of reading.happenings(pieces)) {
			if (happened.what === 'late') yield* pieces.settle().filter(isWanted);
			else yield* takeChunk(pieces, happened.message).filter(isWanted);
		}
	} finally {
		await reading.end();
	}
	if (options.signal?.aborted) return;
	// Asked again: it may have ended since.
	const view = reading.ended ?? (await lookUp(parts, handle)) ?? known;
	if (pieces.attempt === 0 && view.result) {
		yield* fromResult(view).filter(isWanted);
	} else {
		yield* pieces.finish(totalsOf(view, pieces.attempt)).filter(isWanted);
	}
	const { attempt, state } = view;
	yield { kind: 'end', attempt, state, complete: !mayOwe(view, pieces) };
}

function takeChunk(pieces: OutputPieces, message: Followed): OutputPiece[] {
	const read = readOutputChunk(message);
	return read ? pieces.take(read.chunk) : [];
}

/** Whether output may come that is not here: the last attempt's closing chunk has not been seen, and it said something. */
function mayOwe(view: CommandView, pieces: OutputPieces): boolean {
	if (!hasEnded(view)) return true;
	if (pieces.attempt >= view.attempt && pieces.hasEnded) return false;
	if (view.attempt === 0) return false;
	// What the last attempt said is not known: its node died, or nobody heard of it.
	if (!view.result) return view.state !== 'rejected' && view.state !== 'expired';
	const { stdout, stderr } = view.result;
	return (stdout?.bytes ?? 0) + (stderr?.bytes ?? 0) > 0;
}

/** What the result says of an attempt's outputs, where it is that one's. */
function totalsOf(view: CommandView, attempt: number): Partial<Record<OutputStream, number>> | undefined {
	const { result } = view;
	if (!result || attempt !== view.attempt) return undefined;
	const totals: Partial<Record<OutputStream, number>> = {};
	for (const stream of outputStreams) {
		const summary = result[stream];
		if (summary) totals[stream] = summary.bytes;
	}
	return totals;
}

/** Nothing is left on the stream: the result has how the outputs begin and end. */
function fromResult({ attempt, result }: CommandView): OutputPiece[] {
	const pieces: OutputPiece[] = outputStreams.flatMap((stream) => {
		const summary = result?.[stream];
		if (!summary || summary.bytes === 0) return [];
		const chunk = (text: string): OutputPiece[] =>
			text === '' ? [] : [{ kind: 'chunk', attempt, stream, data: bytesOf(text, summary.encoding) }];
		const gap: OutputPiece[] =
			summary.cut > 0 ? [{ kind: 'gap', attempt, stream, bytes: summary.cut, reason: 'missing' }] : [];
		return [...chunk(summary.head), ...gap, ...chunk(summary.tail)];
	});
	return pieces.length > 0 ? [{ kind: 'attempt', attempt }, ...pieces] : [];
}

function bytesOf(text: string, encoding: OutputSummary['encoding']): Uint8Array {
	return new Uint8Array(Buffer.from(text, encoding));
}

type Happened = { readonly what: 'message'; readonly message: Followed } | { readonly what: 'late' };

/** What happens while one reads: messages come, all that was there has come, the command ends, time passes. */
class Reading {
	readonly #parts: FleetParts;
	readonly #handle: Handle;
	readonly #options: LogsOptions;
	readonly #queue: { readonly message: Followed; readonly done: () => void }[] = [];
	readonly #over = new AbortController();
	#wake: () => void = () => undefined;
	#stop: () => Promise<void> = async () => undefined;
	#isCaughtUp = false;
	#failure: unknown;
	/** The command in its final state, once it is there. Only while following. */
	ended: CommandView | undefined;

	constructor(parts: FleetParts, handle: Handle, options: LogsOptions) {
		this.#parts = parts;
		this.#handle = handle;
		this.#options = options;
	}

	async begin(): Promise<void> {
		const { connection, clock } = this.#parts;
		const { node, id } = this.#handle;
		const following = await follow(
			connection,
			{ stream: streams.output, filter: [subjects.output(node, id)], from: 'all', batch, clock },
			(message) =>
				new Promise<void>((done) => {
					this.#queue.push({ message, done });
					this.#wake();
				}),
		);
		this.#stop = () => following.stop();
		void following.caughtUp.then(() => {
			this.#isCaughtUp = true;
			this.#wake();
		});
		this.#options.signal?.addEventListener('abort', this.#onAbort, { once: true });
		if (this.#options.signal?.aborted) this.#over.abort();
		void connection.nc.closed().then(this.#onAbort);
		if (this.#options.follow) void this.#untilEnded();
	}

	async end(): Promise<void> {
		this.#options.signal?.removeEventListener('abort', this.#onAbort);
		this.#over.abort();
		await this.#stop();
	}

	/** Until there is nothing more to wait for. */
	async *happenings(pieces: OutputPieces): AsyncGenerator<Happened, void, undefined> {
		while (!this.#over.signal.aborted) {
			const next = this.#queue.shift();
			if (next) {
				yield { what: 'message', message: next.message };
				next.done();
				continue;
			}
			if (this.#failure !== undefined) throw this.#failure;
			if (this.#isCaughtUp && !this.#options.follow) return;
			const { ended } = this;
			if (this.#isCaughtUp && ended && !mayOwe(ended, pieces)) return;
			const patienceMs = this.#options.patienceMs ?? patience;
			// What was missing in between is waited for more shortly than what may come at the end.
			if (await this.#somethingHappens(pieces.isHolding ? Math.min(lateMs, patienceMs) : ended && patienceMs))
				continue;
			if (!pieces.isHolding) return;
			yield { what: 'late' };
		}
	}

	/** False when nothing did for `ms`; for ever where that is undefined. */
	async #somethingHappens(ms: number | undefined): Promise<boolean> {
		const woken = new Promise<boolean>((resolve) => {
			this.#wake = () => resolve(true);
		});
		if (ms === undefined) return woken;
		const waited = new AbortController();
		const passed = this.#parts.clock.sleep(ms, waited.signal).then(() => false);
		try {
			return await Promise.race([woken, passed]);
		} finally {
			waited.abort();
		}
	}

	async #untilEnded(): Promise<void> {
		try {
			const [view] = await waitFor(this.#parts, [this.#handle], { signal: this.#over.signal });
			this.ended = view;
		} catch (error) {
			if (!this.#over.signal.aborted || !isStewardError(error, 'waited-too-long')) this.#failure = error;
		}
		this.#wake();
	}

	readonly #onAbort = () => {
		this.#over.abort();
		this.#wake();
	};
}
