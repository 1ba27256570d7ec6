/**
 * Owns the files beside inmsg.txt: `inmsg.taken-<generation>`, each a text that was taken and is not yet gone.
 * Promises that text which is appended, or moved over inmsg.txt, at any moment is in inmsg.txt or in one taken file,
 * and that generations rise in the order of taking.
 * Each step is one rename, link or unlink, made durable; after a crash the names alone say what was going on.
 *
 * A text that ends whole is taken by rename. A text with an unfinished tail is taken by a second name (a hard link):
 * what is whole is sent, while a writer that opens inmsg.txt again still finds its own unfinished text there.
 */

import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { type FileHandle, link, lstat, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { systemCodeOf } from '../../base/errors.ts';
import { syncFolder } from '../../base/files.ts';
import { randomToken } from '../../base/ids.ts';

const eraseBytes = 64 * 1024;

export type TakenFile = {
	/** `<milliseconds>-<random>`: part of the ids of its messages. */
	readonly generation: string;
	readonly path: string;
	readonly size: number;
	/** The file itself, whatever it is called. */
	readonly inode: string;
	/** Whether inmsg.txt is still a name of it. */
	readonly attached: boolean;
};

export class TakenFiles {
	readonly folder: string;
	readonly source: string;
	readonly rejectedFolder: string;
	readonly #prefix: string;
	readonly #now: () => number;

	constructor(source: string, now: () => number) {
		this.source = source;
		this.folder = dirname(source);
		const stem = basename(source, extname(source));
		this.#prefix = `${stem}.taken-`;
		this.rejectedFolder = join(this.folder, `${stem}.rejected`);
		this.#now = now;
	}

	/** All taken files, oldest first. A file with two names was being detached when we crashed: the older name stays. */
	async list(): Promise<TakenFile[]> {
		const source = await this.#inodeOf(this.source);
		const found: TakenFile[] = [];
		for (const generation of await this.#generations()) {
			const path = this.pathOf(generation);
			const stats = await lstatIfThere(path);
			if (stats === undefined || !stats.isFile()) continue;
			const inode = `${stats.dev}:${stats.ino}`;
			if (found.some((other) => other.inode === inode)) {
				await unlink(path);
				await syncFolder(this.folder);
				continue;
			}
			found.push({ generation, path, size: stats.size, inode, attached: inode === source });
		}
		return found;
	}

	/**
	 * Takes inmsg.txt away if it has still `size` bytes; answers whether it did. The steps are synchronous to keep the
	 * moment short in which a writer's next piece could go to a new inmsg.txt; what grew meanwhile gets its name back.
	 */
	async takeByRename(size: number): Promise<boolean> {
		const path = this.pathOf(await this.#nextGeneration());
		if (lstatSync(this.source).size !== size) return false;
		renameSync(this.source, path);
		if (lstatSync(path).size !== size) this.#nameBack(path);
		await syncFolder(this.folder);
		return true;
	}

	/** Gives inmsg.txt a second name, and leaves the first. By rename where the file system has no hard links. */
	async takeByLink(): Promise<void> {
		const path = this.pathOf(await this.#nextGeneration());
		try {
			await link(this.source, path);
		} catch (error) {
			if (!isWithoutLinks(error)) throw error;
			await rename(this.source, path);
		}
		await syncFolder(this.folder);
	}

	/**
	 * Takes the name inmsg.txt away from a taken file, if it has still `taken.size` bytes. What was moved over it
	 * meanwhile becomes a taken file of its own.
	 */
	async detach(taken: TakenFile): Promise<void> {
		const path = this.pathOf(await this.#nextGeneration());
		if (
			lstatSync(taken.path).size !== taken.size ||
			lstatSync(this.source, { throwIfNoEntry: false }) === undefined
		)
			return;
		renameSync(this.source, path);
		const moved = lstatSync(path);
		if (`${moved.dev}:${moved.ino}` === taken.inode) {
			if (moved.size !== taken.size) this.#nameBack(path);
			unlinkSync(path);
		}
		await syncFolder(this.folder);
	}

	/** Another generation for a file whose text was replaced, so that its new text gets new ids. */
	async renew(taken: TakenFile): Promise<void> {
		await rename(taken.path, this.pathOf(await this.#nextGeneration()));
		await syncFolder(this.folder);
	}

	/**
	 * Removes a taken file of `taken.size` bytes, if it has not grown. What a writer appends between our last look and
	 * the removal becomes a taken file of its own.
	 */
	async remove(taken: TakenFile): Promise<boolean> {
		const file = await open(taken.path, 'r');
		try {
			if ((await file.stat()).size !== taken.size) return false;
			await unlink(taken.path);
			const late = (await file.stat()).size - taken.size;
			if (late > 0) await this.#rescue(await bytesAt(file, taken.size, late));
			await syncFolder(this.folder);
			return true;
		} finally {
			await file.close();
		}
	}

	/** Writes blanks over bytes `from` to `until`; positions behind them stay. */
	async erase(taken: TakenFile, from: number, until: number): Promise<void> {
		if (until <= from) return;
		const file = await open(taken.path, 'r+');
		try {
			const blanks = new Uint8Array(eraseBytes).fill(0x20);
			for (let at = from; at < until; at += eraseBytes) {
				await file.write(blanks, 0, Math.min(eraseBytes, until - at), at);
			}
		} finally {
			await file.close();
		}
	}

	pathOf(generation: string): string {
		return join(this.folder, `${this.#prefix}${generation}`);
	}

	/** A text taken in the middle of a write: its writer may open inmsg.txt again, and shall find it, unless there is a new one. */
	#nameBack(path: string): void {
		try {
			linkSync(path, this.source);
		} catch (error) {
			if (systemCodeOf(error) !== 'EEXIST' && !isWithoutLinks(error)) throw error;
		}
	}

	async #rescue(bytes: Uint8Array): Promise<void> {
		const file = await open(this.pathOf(await this.#nextGeneration()), 'wx', 0o600);
		try {
			await file.writeFile(bytes);
			await file.sync();
		} finally {
			await file.close();
		}
	}

	async #generations(): Promise<string[]> {
		const names = await readdir(this.folder);
		return names
			.filter((name) => name.startsWith(this.#prefix))
			.map((name) => name.slice(this.#prefix.length))
			.filter((generation) => /^\d{13}-[A-Za-z0-9_-]{16}$/.test(generation))
			.sort((a, b) => (a < b ? -1 : 1));
	}

	/** Later than every generation that is there, also when the wall clock went back. */
	async #nextGeneration(): Promise<string> {
		const newest = (await this.#generations()).at(-1);
		const ms = Math.max(Math.floor(this.#now()), newest === undefined ? 0 : Number(newest.slice(0, 13)) + 1);
		return `${String(ms).padStart(13, '0')}-${randomToken()}`;
	}

	async #inodeOf(path: string): Promise<string | undefined> {
		const stats = await lstatIfThere(path);
		return stats && `${stats.dev}:${stats.ino}`;
	}
}

/** The file system has no hard links, or does not let us make one of another user's file. */
function isWithoutLinks(error: unknown): boolean {
	return ['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK', 'EOPNOTSUPP'].includes(systemCodeOf(error) ?? '');
}

/** What is at `path`, or undefined when nothing is. */
export async function lstatIfThere(path: string) {
	try {
		return await lstat(path);
	} catch (error) {
		if (systemCodeOf(error) === 'ENOENT') return undefined;
		throw error;
	}
}

/** Up to `length` bytes at `offset`. */
export async function bytesAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
	const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
	return buffer.subarray(0, bytesRead);
}
