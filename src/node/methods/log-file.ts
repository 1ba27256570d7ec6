/**
 * Owns one file that lines are appended to, and its numbered predecessors (`.1` is the newest).
 * Promises that a resolved append is on disk, that appends come whole and in order, and that those which wait
 * share one write and one fsync.
 * After a crash the last line may be torn: the next append begins on a line of its own, and its sender repeats.
 */

import { constants, fstatSync, lstatSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, StewardError, systemCodeOf } from '../../base/errors.ts';
import { syncFolder } from '../../base/files.ts';

/** The most that one write takes of what waits, bytes. */
const longestWrite = 1024 * 1024;

export type Rotation = {
	/** A file that would grow larger is set aside first, bytes. One append that is larger stays whole. */
	readonly maxBytes: number;
	/** How many old files are kept. */
	readonly keep: number;
};

type Waiting = { bytes: Buffer; resolve: () => void; reject: (error: Error) => void };

export class LogFile {
	readonly #path: string;
	readonly #rotation: Rotation;
	#waiting: Waiting[] = [];
	#writing: Promise<void> | undefined;
	#handle: FileHandle | undefined;

	constructor(path: string, rotation: Rotation) {
		this.#path = path;
		this.#rotation = rotation;
	}

	get isIdle(): boolean {
		return this.#writing === undefined;
	}

	get isOpen(): boolean {
		return this.#handle !== undefined;
	}

	/** @throws StewardError `storage` when the file cannot be written. */
	append(text: string): Promise<void> {
		return new Promise((resolve, reject) => {
			this.#waiting.push({ bytes: Buffer.from(text), resolve, reject });
			this.#writing ??= this.#writeAll();
		});
	}

	/** Closes the file after what waits is written. It opens again by itself. */
	async close(): Promise<void> {
		await this.#writing;
		await this.#closeHandle();
	}

	async #writeAll(): Promise<void> {
		// Callers of the same turn of the event loop belong together.
		await Promise.resolve();
		for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
			try {
				await this.#write(Buffer.concat(batch.map(({ bytes }) => bytes)));
				for (const { resolve } of batch) resolve();
			} catch (error) {
				const failure = new StewardError(
					'storage',
					`cannot append to ${this.#path}: ${messageOf(error)}; see that its disk has space and its folder may be written`,
					{ cause: error },
				);
				for (const { reject } of batch) reject(failure);
				// Opened again, a line that was half written is ended first.
				await this.#closeHandle().catch(ignoreSecondFailure);
			}
		}
		this.#writing = undefined;
	}

	async #closeHandle(): Promise<void> {
		const handle = this.#handle;
		this.#handle = undefined;
		await handle?.close();
	}

	#take(): Waiting[] {
		const most = Math.min(longestWrite, this.#rotation.maxBytes);
		let bytes = 0;
		let count = 0;
		for (const waiting of this.#waiting) {
			bytes += waiting.bytes.length;
			if (count > 0 && bytes > most) break;
			count += 1;
		}
		return this.#waiting.splice(0, count);
	}

	async #write(bytes: Buffer): Promise<void> {
		let { handle, size } = await this.#current();
		if (size > 0 && size + bytes.length > this.#rotation.maxBytes) {
			await this.#rotate();
			({ handle, size } = await this.#current());
		}
		await handle.appendFile(bytes);
		await handle.datasync();
		// The name of a new file is on disk only with its folder.
		if (size === 0) await syncFolder(dirname(this.#path));
	}

	/**
	 * The file that the path names now: somebody may have moved or removed the one that is open. Asked without a thread, which takes
	 * longer than the answer.
	 */
	async #current(): Promise<{ handle: FileHandle; size: number }> {
		if (this.#handle !== undefined) {
			const [mine, named] = [fstatSync(this.#handle.fd), lstatSync(this.#path, { throwIfNoEntry: false })];
			if (named !== undefined && named.ino === mine.ino && named.dev === mine.dev) {
				return { handle: this.#handle, size: mine.size };
			}
			await this.#closeHandle();
		}
		const handle = await openLog(this.#path);
		this.#handle = handle;
		const { size } = await handle.stat();
		if (size === 0) return { handle, size };
		const last = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
		if (last.buffer[0] === 0x0a) return { handle, size };
		await handle.appendFile('\n');
		return { handle, size: size + 1 };
	}

	/** Oldest first, so that a crash in between overwrites nothing: it leaves a gap in the numbers. */
	async #rotate(): Promise<void> {
		await this.#closeHandle();
		const { keep } = this.#rotation;
		for (let number = keep - 1; number >= 1; number -= 1) {
			await renameIfThere(`${this.#path}.${number}`, `${this.#path}.${number + 1}`);
		}
		if (keep > 0) await renameIfThere(this.#path, `${this.#path}.1`);
		else await rm(this.#path, { force: true });
	}
}

/** Its senders have been told of the first one, which says why. */
function ignoreSecondFailure(): void {
	return undefined;
}

const logFlags =
	constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A link would lead the lines of a sender into any file of ours, and a pipe to any program. */
async function openLog(path: string): Promise<FileHandle> {
	const handle = await open(path, logFlags, 0o640).catch((error: unknown) => {
		if (systemCodeOf(error) !== 'ELOOP') throw error;
		throw new Error('it is a symbolic link, which is not followed: remove it, or link its folder instead', {
			cause: error,
		});
	});
	if ((await handle.stat()).isFile()) return handle;
	await handle.close();
	throw new Error('it is no regular file: move it away');
}

async function renameIfThere(from: string, to: string): Promise<void> {
	try {
		await rename(from, to);
	} catch (error) {
		if (systemCodeOf(error) !== 'ENOENT') throw error;
	}
}
