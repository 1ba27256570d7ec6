/**
 * Owns the removal of taken files that are wholly read.
 * Promises that one goes only after silence, when no process holds it open, and its progress after it, never before.
 * A crash in between leaves at worst the progress of a file that is gone, which nobody asks for again.
 */

import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Intake } from './intake.ts';
import { progressKey } from './intake-file-consumer.ts';
import type { TakenFile, TakenFiles } from './intake-file-taken.ts';
import { type OpenFiles, openFiles } from './open-files.ts';

/** Silence before a wholly read file is removed: when nobody holds it open, and when that cannot be known. */
const removeAfterMs = 2000;
const removeUnknownAfterMs = 10_000;
/** All of /proc is looked through at most this often. */
const lookEveryMs = 1000;

export class IntakeFileRemover {
	readonly #options: { files: TakenFiles; intake: Intake; clock: Clock; log: Log };
	readonly #held = new Set<string>();
	#lookedAt = Number.NEGATIVE_INFINITY;
	#open: OpenFiles | undefined;

	constructor(options: { files: TakenFiles; intake: Intake; clock: Clock; log: Log }) {
		this.#options = options;
	}

	/** A new pass over these files: what was seen open in the last pass may be closed, or the other way round. */
	begin(files: readonly TakenFile[]): void {
		this.#open = undefined;
		const present = new Set(files.map((file) => file.generation));
		for (const generation of this.#held) if (!present.has(generation)) this.#held.delete(generation);
	}

	/** Removes the file if it has been silent for long enough and nobody holds it; answers whether it is gone. */
	async remove(taken: TakenFile, quietMs: number): Promise<boolean> {
		if (quietMs < removeAfterMs) return false;
		const open = await this.#look();
		if (open === undefined) return false;
		if (open.inodes.has(taken.inode)) {
			this.#sayHeld(taken);
			return false;
		}
		if (!open.complete && quietMs < removeUnknownAfterMs) return false;
		if (!(await this.#options.files.remove(taken))) return false;
		await this.#options.intake.accept([], { key: progressKey(taken.generation), value: null });
		return true;
	}

	async #look(): Promise<OpenFiles | undefined> {
		if (this.#open !== undefined) return this.#open;
		const now = this.#options.clock.monotonic();
		if (now - this.#lookedAt < lookEveryMs) return undefined;
		this.#lookedAt = now;
		this.#open = await openFiles();
		return this.#open;
	}

	#sayHeld(taken: TakenFile): void {
		if (this.#held.has(taken.generation)) return;
		this.#held.add(taken.generation);
		this.#options.log.info(
			{ path: taken.path },
			'a process holds a text taken from inmsg.txt open; what it appends is read, and the file goes when it is closed',
		);
	}
}
