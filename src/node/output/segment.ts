/**
 * Owns one segment file of spooled output: appended to, read, and removed as a whole.
 * Promises that `size` counts only what was written whole: what a full disk cut short is overwritten by the next write.
 * Not fsynced: a power loss may take its end, a crash of the node takes nothing.
 */

import { type FileHandle, open, rm } from 'node:fs/promises';

export class Segment {
	readonly index: number;
	readonly #path: string;
	#size: number;
	#handle: Promise<FileHandle> | undefined;
	#users = 0;
	#isReleased = false;

	/** `size` of a file that is there; 0 for one that the first write makes. */
	constructor(index: number, path: string, size = 0) {
		this.index = index;
		this.#path = path;
		this.#size = size;
	}

	get size(): number {
		return this.#size;
	}

	/** @throws the system's error; then nothing was appended */
	append(bytes: Buffer): Promise<void> {
		return this.#use(async (handle) => {
			try {
				for (let done = 0; done < bytes.length; ) {
					const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, this.#size + done);
					done += bytesWritten;
				}
			} catch (error) {
				// So that no piece of it can be taken for a frame later.
				await handle.truncate(this.#size).catch(() => undefined);
				throw error;
			}
			this.#size += bytes.length;
		});
	}

	/** Up to `length` bytes from `position` on; fewer at its end. */
	async read(position: number, length: number): Promise<Buffer> {
		const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, this.#size - position)));
		// It may not even be there: its first write failed.
		if (bytes.length === 0) return bytes;
		return this.#use(async (handle) => {
			let done = 0;
			while (done < bytes.length) {
				const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
				if (bytesRead === 0) break;
				done += bytesRead;
			}
			return bytes.subarray(0, done);
		});
	}

	/** Not needed for now: closed as soon as nobody is in the middle of using it. May be used again. */
	release(): void {
		this.#isReleased = true;
		if (this.#users === 0) void this.close();
	}

	/** Nobody may be in the middle of using it. May be used again. */
	async close(): Promise<void> {
		this.#isReleased = false;
		const opening = this.#handle;
		this.#handle = undefined;
		const handle = await opening?.catch(() => undefined);
		await handle?.close();
	}

	async remove(): Promise<void> {
		await this.close();
		await rm(this.#path, { force: true });
	}

	async #use<T>(work: (handle: FileHandle) => Promise<T>): Promise<T> {
		this.#users += 1;
		try {
			this.#handle ??= this.#open();
			return await work(await this.#handle);
		} finally {
			this.#users -= 1;
			if (this.#users === 0 && this.#isReleased) void this.close();
		}
	}

	async #open(): Promise<FileHandle> {
		try {
			return await open(this.#path, this.#size === 0 ? 'w+' : 'r+', 0o600);
		} catch (error) {
			this.#handle = undefined;
			throw error;
		}
	}
}
