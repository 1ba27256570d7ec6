/**
 * Owns one attempt's output between the method and the broker: its files, its chunks, and what of them is confirmed.
 * Promises that chunks are numbered and go in order, and that bytes leave the disk only after their PubAck.
 * A crash leaves the files: `SpooledRun.found` goes on with them, under the same numbers, and says that it was cut off.
 */

import { appendFile, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCodeOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type OutputChunk, type OutputStream, outputStreams } from '../../domain/output.ts';
import type { SpoolBudget } from './budget.ts';
import { type Mark, markOf, readMarks } from './frames.ts';
import { type Gathered, RunReader } from './run-reader.ts';
import { type RunEnd, RunWriter } from './run-writer.ts';
import { Segment } from './segment.ts';

/** Which attempt it is; `token` tells it from another with the same number, of another disk's journal. */
export type RunName = { readonly id: string; readonly attempt: number; readonly token: string };

/** Chunks that go together. */
export type Shipment = {
	readonly chunks: readonly OutputChunk[];
	readonly bytes: number;
	/** Others of the run may be under way beside it. */
	readonly isFull: boolean;
	readonly isLast: boolean;
	readonly segment: number;
	state: 'waiting' | 'sent' | 'confirmed';
};

export type SpooledRunOptions = {
	readonly dir: string;
	readonly budget: SpoolBudget;
	/** There may be more to send. */
	readonly onWritten: () => void;
	readonly log: Log;
};

/** What stands for headers in the window. */
const overheadBytes = 200;

export class SpooledRun {
	readonly name: RunName;
	readonly #options: SpooledRunOptions;
	readonly #writer: RunWriter;
	readonly #reader: RunReader;
	#shipments: Shipment[] = [];
	#number: number;
	/** Chunks that are in the file of marks already. */
	readonly #marked: number;
	#isOver = false;
	#removing: Promise<void> = Promise.resolve();

	/** A new one: nothing is made on the disk before the first byte. */
	constructor(name: RunName, options: SpooledRunOptions, found?: Found) {
		this.name = name;
		this.#options = options;
		const { budget, onWritten } = options;
		const pathOf = (segment: number) => join(options.dir, segmentFile(name, segment));
		this.#writer = new RunWriter({ pathOf, budget, onWritten }, found?.segments);
		this.#reader = new RunReader(this.#writer, found);
		this.#marked = found?.marked ?? 0;
		this.#number = this.#marked - (found?.plan.length ?? 0);
	}

	/** What an earlier process of the node left. */
	static async found(
		name: RunName,
		segments: readonly number[],
		options: SpooledRunOptions,
	): Promise<SpooledRun> {
		return new SpooledRun(name, options, await look(name, segments, options));
	}

	/** Resolves when it is on the disk, or was refused: then it is cut. */
	append(stream: OutputStream, offset: number, data: Buffer): Promise<void> {
		return this.#writer.append(stream, offset, data);
	}

	/** The attempt is over. */
	finish(end: RunEnd): void {
		this.#writer.finish(end);
	}

	/** Whether all of it is with the broker, and nothing is left on the disk. */
	get isOver(): boolean {
		return this.#isOver;
	}

	/** What is to be sent next, marked as sent; undefined while there is nothing, or what is under way has to be answered first. */
	async next(
		limit: number,
		mayTake: (bytes: number) => boolean,
		maxPayload: number,
	): Promise<Shipment | undefined> {
		const underWay = this.#shipments.filter(({ state }) => state === 'sent');
		if (this.#isOver || underWay.some(({ isFull }) => !isFull)) return undefined;
		const waiting = this.#shipments.find(({ state }) => state === 'waiting');
		if (!waiting && (this.#shipments.some(({ isLast }) => isLast) || !mayTake(limit))) return undefined;
		const shipment = waiting ?? (await this.#make(Math.min(limit, maxPayload), underWay.length === 0));
		if (!shipment || !mayTake(shipment.bytes) || (!shipment.isFull && underWay.length > 0)) return undefined;
		shipment.state = 'sent';
		return shipment;
	}

	/** The broker has it. */
	confirm(shipment: Shipment): void {
		shipment.state = 'confirmed';
		while (this.#shipments[0]?.state === 'confirmed') {
			const { isLast } = this.#shipments[0];
			this.#shipments.shift();
			if (isLast) return this.#removeAll();
		}
		const needed = this.#shipments[0]?.segment ?? this.#reader.segment;
		for (const segment of this.#writer.segments.filter(({ index }) => index < needed)) this.#remove(segment);
	}

	/** Whatever is under way counts as not sent. */
	rewind(): void {
		for (const shipment of this.#shipments) if (shipment.state === 'sent') shipment.state = 'waiting';
	}

	/** Nothing more is taken; what is not confirmed stays on the disk. */
	async close(): Promise<void> {
		await this.#writer.close();
		await this.#removing;
		await Promise.all(this.#writer.segments.map((segment) => segment.close()));
	}

	/** What cannot be read cannot be sent: it is given up. */
	abandon(): void {
		this.#shipments = [];
		this.#removeAll();
	}

	async #make(limit: number, mayBePartial: boolean): Promise<Shipment | undefined> {
		const gathered = await this.#reader.next(limit, mayBePartial);
		if (!gathered) return undefined;
		if (!gathered.isRemade) {
			this.#number = Math.max(this.#number, this.#marked);
			await this.#mark(gathered);
		}
		const { attempt } = this.name;
		const chunks = gathered.contents.map((content) => ({ attempt, number: ++this.#number, ...content }));
		const shipment: Shipment = {
			chunks,
			bytes: chunks.reduce((sum, chunk) => sum + sizeOf(chunk), 0),
			isFull: gathered.isFull,
			isLast: chunks.at(-1)?.kind === 'end',
			segment: gathered.segment,
			state: 'waiting',
		};
		this.#shipments.push(shipment);
		return shipment;
	}

	/** Before the first is sent: whoever goes on after a crash makes the same chunks. */
	async #mark({ contents, segment }: Gathered): Promise<void> {
		const marks = contents.flatMap((content) => (content.kind === 'end' ? [] : markOf(segment, content)));
		if (marks.length === 0) return;
		try {
			await appendFile(join(this.#options.dir, marksFile(this.name)), Buffer.concat(marks), { mode: 0o600 });
		} catch (error) {
			this.#options.budget.diskFailed(error);
		}
	}

	#remove(segment: Segment): void {
		this.#writer.forgetSegment(segment);
		this.#options.budget.give(segment.size);
		this.#later(segment.remove());
	}

	#removeAll(): void {
		this.#isOver = true;
		for (const segment of [...this.#writer.segments]) this.#remove(segment);
		this.#later(rm(join(this.#options.dir, marksFile(this.name)), { force: true }));
	}

	#later(removal: Promise<void>): void {
		const { log } = this.#options;
		const logged = removal.catch((error: unknown) =>
			log.warn({ err: messageOf(error) }, 'spooled output that was sent cannot be removed'),
		);
		this.#removing = this.#removing.then(() => logged);
	}
}

type Found = {
	readonly segments: readonly Segment[];
	readonly plan: readonly Mark[];
	readonly marked: number;
	readonly offsets: Record<OutputStream, number>;
};

async function look(
	name: RunName,
	indexes: readonly number[],
	{ dir, budget }: SpooledRunOptions,
): Promise<Found> {
	const segments: Segment[] = [];
	for (const index of [...indexes].sort((a, b) => a - b)) {
		const path = join(dir, segmentFile(name, index));
		const { size } = await stat(path);
		budget.force(size);
		segments.push(new Segment(index, path, size));
	}
	const marks = await marksOf(join(dir, marksFile(name)));
	// What came from segments that are gone is confirmed.
	const first = segments[0]?.index ?? Number.POSITIVE_INFINITY;
	const gone = marks.filter(({ segment }) => segment < first);
	const offsets = { stdout: 0, stderr: 0 };
	for (const { stream, offset, bytes } of gone) offsets[stream] = offset + bytes;
	return { segments, plan: marks.slice(gone.length), marked: marks.length, offsets };
}

async function marksOf(path: string): Promise<Mark[]> {
	try {
		return readMarks(await readFile(path));
	} catch (error) {
		if (systemCodeOf(error) === 'ENOENT') return [];
		throw error;
	}
}

function sizeOf(chunk: OutputChunk): number {
	return overheadBytes + (chunk.kind === 'data' ? chunk.data.length : 0);
}

function stem({ id, attempt, token }: RunName): string {
	return `${id}.${attempt}.${token}`;
}

function segmentFile(name: RunName, segment: number): string {
	return `${stem(name)}.${segment}.segment`;
}

function marksFile(name: RunName): string {
	return `${stem(name)}.marks`;
}

/** The attempts whose files are among these, with their segments. */
export function runsOf(
	files: readonly string[],
): { readonly name: RunName; readonly segments: readonly number[] }[] {
	const runs = new Map<string, { name: RunName; segments: number[] }>();
	for (const file of files) {
		const match = /^([\w-]{1,64})\.(\d+)\.([\w-]+)\.(?:(\d+)\.segment|marks)$/.exec(file);
		if (!match) continue;
		const [, id = '', attempt, token = '', segment] = match;
		const name = { id, attempt: Number(attempt), token };
		const run = runs.get(stem(name)) ?? { name, segments: [] };
		if (segment !== undefined) run.segments.push(Number(segment));
		runs.set(stem(name), run);
	}
	return [...runs.values()].sort((a, b) => a.name.attempt - b.name.attempt);
}

/** The bytes of both streams together. */
export function sumOf(totals: Readonly<Record<OutputStream, number>>): number {
	return outputStreams.reduce((sum, stream) => sum + totals[stream], 0);
}
