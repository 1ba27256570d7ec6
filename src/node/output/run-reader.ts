/**
 * Owns making chunks of what one attempt has spooled: what has gathered, up to a limit, one chunk a stream.
 * Promises that no chunk crosses the border of a segment, so that a segment is done with as a whole; that a jump in the
 * offsets becomes a mark; and that after a crash the same chunks are made again as were made before it.
 * Remembers nothing but its place.
 */

import { type OutputContent, type OutputStream, outputStreams } from '../../domain/output.ts';
import { type Frame, frameHeaderBytes, type Mark, readFrame } from './frames.ts';
import type { RunEnd, RunWriter } from './run-writer.ts';
import type { Segment } from './segment.ts';

export type Gathered = {
	readonly contents: readonly OutputContent[];
	readonly segment: number;
	/** No more would have gone into it. */
	readonly isFull: boolean;
	/** Made before a crash, too. */
	readonly isRemade: boolean;
};

type DataFrame = Extract<Frame, { kind: 'data' }>;
type Gathering = { parts: Buffer[]; bytes: number };

const blockBytes = 128 * 1024;

export class RunReader {
	readonly #writer: Pick<RunWriter, 'segments' | 'end'>;
	/** Nothing more will be written, though nobody said the end: its node died. */
	readonly #isLeftover: boolean;
	/** What was made before a crash, from the first that may have to be sent again. */
	#plan: Mark[];
	#segment: Segment | undefined;
	#position = 0;
	#block: Buffer = Buffer.alloc(0);
	#blockStart = 0;
	/** A frame that was begun, with what is left of it. */
	#frame: DataFrame | undefined;
	#foundEnd: RunEnd | undefined;
	readonly #offset: Record<OutputStream, number>;
	readonly #gathering: Record<OutputStream, Gathering> = { stdout: none(), stderr: none() };
	#first: OutputStream = 'stdout';

	constructor(
		writer: Pick<RunWriter, 'segments' | 'end'>,
		leftover?: { readonly plan: readonly Mark[]; readonly offsets: Readonly<Record<OutputStream, number>> },
	) {
		this.#writer = writer;
		this.#isLeftover = leftover !== undefined;
		this.#plan = [...(leftover?.plan ?? [])];
		this.#offset = { stdout: 0, stderr: 0, ...leftover?.offsets };
	}

	/** The segment that it reads; all before it are read to their ends. */
	get segment(): number {
		return this.#segment?.index ?? 0;
	}

	/** The chunks that come next, undefined when there is nothing to be sent now. `limit` is the most bytes of a chunk. */
	async next(limit: number, mayBePartial: boolean): Promise<Gathered | undefined> {
		const planned = await this.#nextPlanned();
		if (planned) return { ...this.#gathered([planned], true), isRemade: true };
		for (;;) {
			if (outputStreams.some((stream) => this.#gathering[stream].bytes >= limit)) return this.#ship(true);
			// Asked before the look: what is written during it is seen by the next.
			const [isSealed, written] = [this.#isSealed(), this.#writer.end];
			const frame = await this.#peek();
			if (frame === undefined) {
				if (isSealed) {
					// Stays here until all of it is shipped.
					if (this.#hasGathered()) return this.#ship(true);
					this.#moveOn();
					continue;
				}
				const end = this.#end(written);
				if (end) return this.#shipEnd(end, !mayBePartial);
				return mayBePartial && this.#hasGathered() ? this.#ship(false) : undefined;
			}
			const { stream, offset } = frame;
			const expected = this.#offset[stream] + this.#gathering[stream].bytes;
			if (offset > expected) {
				if (this.#hasGathered()) return this.#ship(true);
				return this.#gathered([this.#cut(stream, offset)], true);
			}
			await this.#gather(frame, limit - this.#gathering[stream].bytes);
		}
	}

	/** A chunk as it was made before the crash; undefined when there is no such, or the disk has forgotten what it was made of. */
	async #nextPlanned(): Promise<OutputContent | undefined> {
		const mark = this.#plan.shift();
		if (mark === undefined) return undefined;
		const content = await this.#remake(mark);
		if (content === undefined) this.#plan = [];
		return content;
	}

	async #remake(mark: Mark): Promise<OutputContent | undefined> {
		const { stream, offset, bytes } = mark;
		if (this.#offset[stream] !== offset) return undefined;
		if (mark.kind === 'cut') return this.#cut(stream, offset + bytes);
		const own = this.#gathering[stream];
		while (own.bytes < bytes) {
			const frame = await this.#peek();
			if (frame === undefined) {
				if (!this.#isSealed() || this.#hasGathered()) return undefined;
				this.#moveOn();
				continue;
			}
			const room = frame.stream === stream ? bytes - own.bytes : frame.bytes;
			if (frame.offset !== this.#offset[frame.stream] + this.#gathering[frame.stream].bytes) return undefined;
			await this.#gather(frame, room);
		}
		return this.#take(stream);
	}

	#end(written: RunEnd | undefined): RunEnd | undefined {
		const end = written ?? this.#foundEnd;
		if (end || !this.#isLeftover) return end;
		const total = (stream: OutputStream) => this.#offset[stream] + this.#gathering[stream].bytes;
		return { how: 'cutOff', totals: { stdout: total('stdout'), stderr: total('stderr') } };
	}

	#shipEnd(end: RunEnd, isFull: boolean): Gathered {
		const contents = this.#takeAll();
		for (const stream of outputStreams) {
			if (end.totals[stream] > this.#offset[stream]) contents.push(this.#cut(stream, end.totals[stream]));
		}
		return this.#gathered([...contents, { kind: 'end', ...end }], isFull);
	}

	#ship(isFull: boolean): Gathered {
		return this.#gathered(this.#takeAll(), isFull);
	}

	#gathered(contents: readonly OutputContent[], isFull: boolean): Gathered {
		return { contents, segment: this.segment, isFull, isRemade: false };
	}

	#hasGathered(): boolean {
		return outputStreams.some((stream) => this.#gathering[stream].bytes > 0);
	}

	#takeAll(): OutputContent[] {
		const order: OutputStream[] = this.#first === 'stdout' ? ['stdout', 'stderr'] : ['stderr', 'stdout'];
		return order.filter((stream) => this.#gathering[stream].bytes > 0).map((stream) => this.#take(stream));
	}

	#take(stream: OutputStream): OutputContent {
		const { parts, bytes } = this.#gathering[stream];
		const offset = this.#offset[stream];
		this.#offset[stream] += bytes;
		this.#gathering[stream] = none();
		return { kind: 'data', stream, offset, data: Buffer.concat(parts) };
	}

	#cut(stream: OutputStream, until: number): OutputContent {
		const offset = this.#offset[stream];
		this.#offset[stream] = until;
		return { kind: 'cut', stream, offset, bytes: until - offset };
	}

	/** Takes up to `room` bytes of a frame. */
	async #gather(frame: DataFrame, room: number): Promise<void> {
		const { stream, offset, bytes } = frame;
		const piece = await this.#bytes(Math.min(room, bytes), 1);
		if (piece.length === 0) throw new Error('a file of spooled output is shorter than it was');
		if (!this.#hasGathered()) this.#first = stream;
		const own = this.#gathering[stream];
		own.parts.push(piece);
		own.bytes += piece.length;
		this.#position += piece.length;
		const left = bytes - piece.length;
		this.#frame = left > 0 ? { kind: 'data', stream, offset: offset + piece.length, bytes: left } : undefined;
	}

	/** The frame at this place, undefined when the segment holds no more by now. */
	async #peek(): Promise<DataFrame | undefined> {
		if (this.#frame) return this.#frame;
		this.#segment ??= this.#writer.segments[0];
		if (!this.#segment) return undefined;
		const frame = readFrame(await this.#bytes(frameHeaderBytes, frameHeaderBytes));
		if (frame === undefined) return undefined;
		if (frame.kind === 'end') {
			this.#foundEnd = frame;
			return undefined;
		}
		// A crash left a piece of it: what follows is not there.
		if (this.#position + frameHeaderBytes + frame.bytes > this.#segment.size) return undefined;
		this.#position += frameHeaderBytes;
		this.#frame = frame;
		return frame;
	}

	#isSealed(): boolean {
		return this.#segment !== undefined && this.#segment !== this.#writer.segments.at(-1);
	}

	#moveOn(): void {
		const { segments } = this.#writer;
		const before = this.#segment;
		this.#segment = segments[before ? segments.indexOf(before) + 1 : 0];
		this.#position = 0;
		this.#block = Buffer.alloc(0);
		this.#blockStart = 0;
		before?.release();
	}

	/** Up to `length` bytes at this place, and `atLeast` so many where there are. */
	async #bytes(length: number, atLeast: number): Promise<Buffer> {
		const segment = this.#segment;
		if (!segment) return Buffer.alloc(0);
		let from = this.#position - this.#blockStart;
		if (from < 0 || from + atLeast > this.#block.length) {
			this.#block = await segment.read(this.#position, blockBytes);
			this.#blockStart = this.#position;
			from = 0;
		}
		return this.#block.subarray(from, from + length);
	}
}

function none(): Gathering {
	return { parts: [], bytes: 0 };
}
