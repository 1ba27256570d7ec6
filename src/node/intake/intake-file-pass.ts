/**
 * Owns one pass over inmsg.txt: what is new is taken, and each taken file is worked on, oldest first.
 * Promises to stop at the first failure of outbox or disk and to leave everything where it is.
 * Holds nothing that a crash could lose.
 */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { messageOf, systemCodeOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Intake } from './intake.ts';
import { IntakeFileFinisher } from './intake-file-finisher.ts';
import { maxValueBytes } from './intake-file-parser.ts';
import { endsWhole } from './intake-file-reader.ts';
import { RejectedFolder } from './intake-file-rejected.ts';
import { lstatIfThere, type TakenFile, TakenFiles } from './intake-file-taken.ts';

/** What one pass did. `waiting`: taken files that are not finished or not yet removed. */
export type IntakePass = {
	readonly taken: number;
	readonly accepted: number;
	readonly rejected: number;
	readonly removed: number;
	readonly waiting: number;
};

export class IntakeFilePass {
	readonly #path: string;
	readonly #log: Log;
	readonly #files: TakenFiles;
	readonly #finisher: IntakeFileFinisher;
	#complaint = '';

	constructor(options: { path: string; intake: Intake; node: string; clock: Clock; log: Log }) {
		const { path, clock, log } = options;
		this.#path = path;
		this.#log = log;
		this.#files = new TakenFiles(path, () => clock.now());
		const rejected = new RejectedFolder({ path: this.#files.rejectedFolder, clock, log });
		this.#finisher = new IntakeFileFinisher({ ...options, files: this.#files, rejected });
	}

	async run(): Promise<IntakePass> {
		const taken = (await this.#takeNew()) ? 1 : 0;
		const files = await this.#takenFiles();
		this.#finisher.begin(files);
		const counts = { taken, accepted: 0, rejected: 0, removed: 0, waiting: 0 };
		for (const file of files) {
			const done = await this.#finisher.work(file);
			counts.accepted += done.accepted;
			counts.rejected += done.rejected;
			if (done.removed) counts.removed += 1;
			else counts.waiting += 1;
		}
		return counts;
	}

	async #takeNew(): Promise<boolean> {
		try {
			const stats = await lstatIfThere(this.#path);
			if (stats !== undefined && !stats.isFile()) {
				this.#complain('is not a regular file; move it away, so that messages can be appended there');
				return false;
			}
			const isNew = stats !== undefined && stats.size > 0 && !(await this.#isAttached());
			const isTaken = isNew && (await this.#take());
			this.#complaint = '';
			return isTaken;
		} catch (error) {
			const code = systemCodeOf(error) ?? '';
			if (code === 'ENOENT') return false;
			if (!['EACCES', 'EPERM', 'ELOOP', 'ENOTDIR'].includes(code)) throw error;
			this.#complain(
				`cannot be read or taken (${messageOf(error)}); give this process read and write access`,
			);
			return false;
		}
	}

	/** By rename what ends whole; by a second name what does not, or is too large to look through first. Grown meanwhile: not now. */
	async #take(): Promise<boolean> {
		const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
		const file = await open(this.#path, flags);
		try {
			const { size } = await file.stat();
			const isWhole = size <= 2 * maxValueBytes && (await endsWhole(file, size));
			if (isWhole) return await this.#files.takeByRename(size);
			await this.#files.takeByLink();
			return true;
		} finally {
			await file.close();
		}
	}

	async #isAttached(): Promise<boolean> {
		return (await this.#files.list()).some((file) => file.attached);
	}

	async #takenFiles(): Promise<TakenFile[]> {
		try {
			return await this.#files.list();
		} catch (error) {
			if (systemCodeOf(error) === 'ENOENT') return [];
			throw error;
		}
	}

	/** Once, until it is well again. */
	#complain(text: string): void {
		if (this.#complaint === text) return;
		this.#complaint = text;
		this.#log.error({ path: this.#path }, `${this.#path} ${text}`);
	}
}
