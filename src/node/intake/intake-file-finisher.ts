/**
 * Owns the way of one taken file to its end: read as it grows, warned of, given up where its tail stays unfinished,
 * handed to its removal when all of it is accepted or rejected.
 * Promises that an unfinished tail gets its full time, counted from the last growth.
 * What it remembers is only time; after a crash the waiting begins anew, from the stored progress of each file.
 */

import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Intake } from './intake.ts';
import { type Consumed, Consumer, parseProgress, progressKey } from './intake-file-consumer.ts';
import type { RejectedFolder } from './intake-file-rejected.ts';
import { IntakeFileRemover } from './intake-file-remover.ts';
import { bytesAt, type TakenFile, type TakenFiles } from './intake-file-taken.ts';

/** An unfinished tail: when to warn of it, when to give it up. Broken text whose line has no end is given up sooner. */
const tailWarnMs = 5000;
const tailRejectMs = 60_000;
const brokenTailRejectMs = 1000;
const headBytes = 64;

type Finished = { readonly accepted: number; readonly rejected: number; readonly removed: boolean };

type FinisherOptions = {
	readonly files: TakenFiles;
	readonly rejected: RejectedFolder;
	readonly intake: Intake;
	readonly node: string;
	readonly clock: Clock;
	readonly log: Log;
};

/** What is remembered of a taken file. */
type Watched = {
	readonly size: number;
	readonly grewAt: number;
	/** Undefined until it has been read at this size. */
	consumed?: Consumed;
	/** The first bytes of an unfinished tail: other bytes there later mean that the file was overwritten. */
	head?: Uint8Array;
	/** How far it is blanked. */
	erased: number;
	said: 'nothing' | 'unfinished' | 'unreadable';
};

export class IntakeFileFinisher {
	readonly #options: FinisherOptions;
	readonly #remover: IntakeFileRemover;
	readonly #watched = new Map<string, Watched>();

	constructor(options: FinisherOptions) {
		this.#options = options;
		this.#remover = new IntakeFileRemover(options);
	}

	/** A new pass over these files; all others are forgotten. */
	begin(files: readonly TakenFile[]): void {
		const present = new Set(files.map((file) => file.generation));
		for (const generation of this.#watched.keys()) {
			if (!present.has(generation)) this.#watched.delete(generation);
		}
		this.#remover.begin(files);
	}

	async work(taken: TakenFile): Promise<Finished> {
		const watched = this.#watch(taken);
		const before = watched.consumed;
		const quietMs = this.#options.clock.monotonic() - watched.grewAt;
		const isFinal =
			(before?.rest.kind === 'unfinished' && quietMs >= tailRejectMs) ||
			(before?.rest.kind === 'brokenTail' && quietMs >= brokenTailRejectMs);
		if (before === undefined || isFinal) await this.#read(taken, watched, isFinal);
		const consumed = watched.consumed;
		const done = {
			accepted: consumed === before ? 0 : (consumed?.accepted ?? 0),
			rejected: consumed === before ? 0 : (consumed?.rejected ?? 0),
			removed: false,
		};
		if (consumed?.rest.kind === 'unfinished' && quietMs >= tailWarnMs) this.#warnOfTail(taken, watched);
		if (consumed?.rest.kind === 'blank') {
			if (taken.attached) await this.#options.files.detach(taken);
			else done.removed = await this.#remover.remove(taken, quietMs);
		}
		return done;
	}

	#watch(taken: TakenFile): Watched {
		const known = this.#watched.get(taken.generation);
		if (known?.size === taken.size) return known;
		const watched: Watched = {
			size: taken.size,
			grewAt: this.#options.clock.monotonic(),
			erased: known?.erased ?? 0,
			said: 'nothing',
			...(known?.head && { head: known.head }),
		};
		this.#watched.set(taken.generation, watched);
		return watched;
	}

	async #read(taken: TakenFile, watched: Watched, isFinal: boolean): Promise<void> {
		const { intake } = this.#options;
		const file = await this.#open(taken, watched);
		if (file === undefined) return;
		try {
			const { offset } = parseProgress(intake.progress(progressKey(taken.generation)));
			if (taken.size < offset || (await wasOverwritten(file, offset, watched.head))) {
				await this.#startAnew(taken);
				return;
			}
			const source = { generation: taken.generation, file, size: taken.size, isFinal };
			const consumed = await new Consumer(this.#options, source).run();
			watched.consumed = consumed;
			delete watched.head;
			if (consumed.rest.kind === 'unfinished') watched.head = await bytesAt(file, consumed.offset, headBytes);
			if (taken.attached) await this.#erase(taken, watched, consumed.offset);
		} finally {
			await file.close();
		}
	}

	async #open(taken: TakenFile, watched: Watched): Promise<FileHandle | undefined> {
		try {
			return await open(taken.path, 'r');
		} catch (error) {
			if (watched.said !== 'unreadable') {
				this.#options.log.error(
					{ path: taken.path, err: messageOf(error) },
					'a text taken from inmsg.txt cannot be read; give this process read access, it tries again',
				);
			}
			watched.said = 'unreadable';
			return undefined;
		}
	}

	/** The text before the stored progress is gone: what is there now was never read. */
	async #startAnew(taken: TakenFile): Promise<void> {
		this.#options.log.warn(
			{ path: taken.path },
			'inmsg.txt was overwritten while it was read; its new text is read from the start',
		);
		await this.#options.files.renew(taken);
		await this.#options.intake.accept([], { key: progressKey(taken.generation), value: null });
	}

	/** Blanks what is done with, while the file is still called inmsg.txt: who edits it there must not send it again. */
	async #erase(taken: TakenFile, watched: Watched, until: number): Promise<void> {
		try {
			await this.#options.files.erase(taken, watched.erased, until);
			watched.erased = until;
		} catch (error) {
			this.#options.log.debug({ path: taken.path, err: messageOf(error) }, 'sent text cannot be blanked');
		}
	}

	#warnOfTail(taken: TakenFile, watched: Watched): void {
		if (watched.said === 'unfinished') return;
		watched.said = 'unfinished';
		this.#options.log.warn(
			{ path: taken.path, atByte: watched.consumed?.offset },
			`inmsg.txt ends in an unfinished message; it waits for the rest, and is rejected after ${tailRejectMs / 1000} s without growth`,
		);
	}
}

async function wasOverwritten(
	file: FileHandle,
	offset: number,
	head: Uint8Array | undefined,
): Promise<boolean> {
	return head !== undefined && Buffer.compare(await bytesAt(file, offset, head.length), head) !== 0;
}
