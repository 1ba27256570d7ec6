/**
 * Owns the way of one attempt's output to the disk: what comes while a write is under way is the next write.
 * Promises to refuse instead of to wait where there is no room, and never to fail: what could not be written is a jump in
 * the offsets, which whoever reads makes a mark of.
 * A crash leaves the frames that were written.
 */

import type { BytesOfStreams, OutputEnd, OutputStream } from '../../domain/output.ts';
import type { SpoolBudget } from './budget.ts';
import { dataHeader, endFrame, frameHeaderBytes } from './frames.ts';
import { Segment } from './segment.ts';

type Waiting = { readonly bytes: readonly Buffer[]; readonly size: number; readonly done: () => void };

export type RunEnd = { readonly how: OutputEnd; readonly totals: BytesOfStreams };

export type RunWriterOptions = {
	readonly pathOf: (segment: number) => string;
	readonly budget: SpoolBudget;
	/** There is more to read. */
	readonly onWritten: () => void;
};

/** What nobody waited for is taken up to this many bytes; more is refused, so that memory stays bounded. */
const mostBacklog = 1024 * 1024;
/** One piece of the budget. */
const pieceBytes = 64 * 1024;
const mostAtOnce = 1024 * 1024;

export class RunWriter {
	readonly #options: RunWriterOptions;
	readonly #segments: Segment[];
	#waiting: Waiting[] = [];
	#backlog = 0;
	#writing: Promise<void> | undefined;
	#end: RunEnd | undefined;
	#isClosed = false;

	constructor(options: RunWriterOptions, segments: readonly Segment[] = []) {
		this.#options = options;
		this.#segments = [...segments];
	}

	/** In order; all but the last are written to no more. */
	get segments(): readonly Segment[] {
		return this.#segments;
	}

	/** Set once nothing more will be written. */
	get end(): RunEnd | undefined {
		return this.#writing === undefined ? this.#end : undefined;
	}

	/** Resolves when it is on the disk, or was refused. */
	append(stream: OutputStream, offset: number, data: Buffer): Promise<void> {
		if (this.#isClosed || this.#backlog > mostBacklog) return Promise.resolve();
		const bytes: Buffer[] = [];
		for (let at = 0; at < data.length; at += pieceBytes) {
			const piece = data.subarray(at, at + pieceBytes);
			if (!this.#options.budget.take(piece.length + frameHeaderBytes)) break;
			bytes.push(dataHeader(stream, offset + at, piece.length), piece);
		}
		if (bytes.length === 0) return Promise.resolve();
		return new Promise((done) => this.#enqueue(bytes, done));
	}

	/** The attempt is over. */
	finish(end: RunEnd): void {
		this.#end = end;
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#options.budget.force(frameHeaderBytes);
		this.#enqueue([endFrame(end.how, end.totals)], () => undefined);
	}

	/** Takes nothing more; resolves when nothing is being written. */
	async close(): Promise<void> {
		this.#isClosed = true;
		await this.#writing;
	}

	forgetSegment(segment: Segment): void {
		this.#segments.splice(this.#segments.indexOf(segment), 1);
	}

	#enqueue(bytes: readonly Buffer[], done: () => void): void {
		const size = bytes.reduce((sum, piece) => sum + piece.length, 0);
		this.#backlog += size;
		this.#waiting.push({ bytes, size, done });
		this.#writing ??= this.#writeAll();
	}

	async #writeAll(): Promise<void> {
		while (this.#waiting.length > 0) {
			const batch = this.#take();
			const size = batch.reduce((sum, one) => sum + one.size, 0);
			try {
				const segment = await this.#segmentForMore();
				await segment.append(Buffer.concat(batch.flatMap(({ bytes }) => bytes)));
				this.#options.budget.diskWorks();
			} catch (error) {
				this.#options.budget.give(size);
				this.#options.budget.diskFailed(error);
			}
			this.#backlog -= size;
			for (const { done } of batch) done();
			this.#options.onWritten();
		}
		this.#writing = undefined;
		if (!this.#end) return;
		// Many that have ended may wait for a link: none keeps a file open.
		this.#segments.at(-1)?.release();
		// Only now is the end known to whoever reads.
		this.#options.onWritten();
	}

	#take(): Waiting[] {
		let size = 0;
		let count = 0;
		for (const one of this.#waiting) {
			size += one.size;
			if (count > 0 && size > mostAtOnce) break;
			count += 1;
		}
		return this.#waiting.splice(0, count);
	}

	async #segmentForMore(): Promise<Segment> {
		const { budget, pathOf } = this.#options;
		const last = this.#segments.at(-1);
		if (last && last.size < budget.segmentBytes) return last;
		last?.release();
		const index = (last?.index ?? 0) + 1;
		const segment = new Segment(index, pathOf(index));
		this.#segments.push(segment);
		return segment;
	}
}
