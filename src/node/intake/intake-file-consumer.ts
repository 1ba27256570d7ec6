/**
 * Owns the way of taken text into the outbox: message by message in their order, in batches, with its progress.
 * Promises that each message is accepted once and each bad text kept once: the progress moves in the transaction that
 * accepts, and a rejected text is on disk before the progress passes it.
 * After a crash the walk goes on at the stored progress; ids and names of rejected texts come out the same.
 */

import type { FileHandle } from 'node:fs/promises';
import { isStewardError, messageOf } from '../../base/errors.ts';
import { derivedId } from '../../base/ids.ts';
import { parseMessage } from '../../domain/message.ts';
import type { Intake, IntakeItem } from './intake.ts';
import type { Rest } from './intake-file-parser.ts';
import { SpanReader } from './intake-file-reader.ts';
import type { RejectedFolder } from './intake-file-rejected.ts';
import { decodeValue, type Part } from './intake-file-value.ts';

const batchItems = 500;
const batchBytes = 1024 * 1024;

export type Consumed = {
	/** All before it is in the outbox or rejected. */
	readonly offset: number;
	readonly rest: Rest;
	readonly accepted: number;
	readonly rejected: number;
};

/** A message, or nothing where a text was rejected; `progress` says how far the source is read with it. */
type Entry = {
	readonly item?: IntakeItem;
	readonly name: string;
	readonly start: number;
	readonly end: number;
	readonly progress: string;
};

/** `120`: all before byte 120 is done. `120+3`: and of the array at byte 120 the first three. */
export function parseProgress(text: string | undefined): { offset: number; done: number } {
	const [, offset, done] = /^(\d+)(?:\+(\d+))?$/.exec(text ?? '') ?? [];
	return { offset: Number(offset ?? 0), done: Number(done ?? 0) };
}

export function progressKey(generation: string): string {
	return `inmsg:${generation}`;
}

/** One walk over one taken file, from its stored progress to `size`. */
export class Consumer {
	readonly #options: { intake: Intake; node: string; rejected: RejectedFolder };
	readonly #generation: string;
	readonly #reader: SpanReader;
	readonly #resumed: { offset: number; done: number };
	#batch: Entry[] = [];
	#batchBytes = 0;
	#accepted = 0;
	#rejected = 0;

	constructor(
		options: { intake: Intake; node: string; rejected: RejectedFolder },
		source: { generation: string; file: FileHandle; size: number; isFinal: boolean },
	) {
		this.#options = options;
		this.#generation = source.generation;
		this.#resumed = parseProgress(options.intake.progress(progressKey(source.generation)));
		this.#reader = new SpanReader(source.file, {
			from: this.#resumed.offset,
			size: source.size,
			isFinal: source.isFinal,
		});
	}

	async run(): Promise<Consumed> {
		let offset = this.#resumed.offset;
		for (;;) {
			const span = await this.#reader.next();
			if (span.kind === 'value') {
				offset = await this.#value(span.start, span.end);
			} else if (span.kind === 'broken') {
				await this.#reject(`${span.start}`, span.problem, span.start, span.end, `${span.end}`);
				offset = span.end;
			} else {
				await this.#flush();
				if (span.kind === 'blank') offset = span.start;
				return { offset, rest: span, accepted: this.#accepted, rejected: this.#rejected };
			}
			if (this.#batch.length >= batchItems || this.#batchBytes >= batchBytes) await this.#flush();
		}
	}

	/** Takes the messages of a value; answers where reading goes on. */
	async #value(start: number, end: number): Promise<number> {
		const decoded = decodeValue(await this.#reader.read(start, end));
		if ('problem' in decoded) {
			const brokenEnd = start + decoded.end;
			await this.#reject(`${start}`, decoded.problem, start, brokenEnd, `${brokenEnd}`);
			this.#reader.seek(brokenEnd);
			return brokenEnd;
		}
		const done = start === this.#resumed.offset ? this.#resumed.done : 0;
		for (const part of decoded.parts.slice(done)) {
			const isLast = part.index === decoded.parts.length - 1;
			await this.#part(start, part, isLast ? `${end}` : `${start}+${part.index + 1}`);
			if (this.#batch.length >= batchItems) await this.#flush();
		}
		return end;
	}

	async #part(valueStart: number, part: Part, progress: string): Promise<void> {
		const [start, end] = [valueStart + part.start, valueStart + part.end];
		const name = `${valueStart}-${part.index}`;
		try {
			const message = parseMessage(part.value);
			const id =
				message.id ?? derivedId('inmsg', this.#options.node, this.#generation, valueStart, part.index);
			this.#batch.push({ item: { message, id }, name, start, end, progress });
			this.#batchBytes += end - start;
		} catch (error) {
			if (!isStewardError(error, 'invalid')) throw error;
			await this.#reject(name, error.message, start, end, progress);
		}
	}

	async #reject(name: string, reason: string, start: number, end: number, progress: string): Promise<void> {
		await this.#options.rejected.keep({
			name: `${this.#generation}-${name}`,
			reason,
			start,
			end,
			read: (from, to) => this.#reader.read(from, to),
		});
		this.#rejected += 1;
		this.#batch.push({ name, start, end, progress });
	}

	async #flush(): Promise<void> {
		const batch = this.#batch;
		this.#batch = [];
		this.#batchBytes = 0;
		await this.#accept(batch);
	}

	/** All at once; where one of them is refused, one at a time. */
	async #accept(batch: readonly Entry[]): Promise<void> {
		const last = batch.at(-1);
		if (last === undefined) return;
		const items = batch.flatMap((entry) => entry.item ?? []);
		try {
			await this.#options.intake.accept(items, {
				key: progressKey(this.#generation),
				value: last.progress,
			});
			this.#accepted += items.length;
		} catch (error) {
			if (!isRefusedForGood(error) || items.length === 0) throw error;
			if (batch.length > 1) {
				for (const entry of batch) await this.#accept([entry]);
				return;
			}
			await this.#reject(last.name, `refused: ${messageOf(error)}`, last.start, last.end, last.progress);
			await this.#flush();
		}
	}
}

/** A full outbox gets room again; a message that is too large stays too large. */
function isRefusedForGood(error: unknown): boolean {
	if (isStewardError(error, 'refused')) return error.details.temporary !== true;
	return isStewardError(error, 'invalid') || isStewardError(error, 'id-conflict');
}
