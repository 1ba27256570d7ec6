/**
 * Owns what a power loss leaves of a disk: a folder of real files, made from the model.
 * Promises, of content, all that is safe, and of the rest nothing (`lost`), or of each page of 4096 bytes the writes up to
 * one that chance picks (`torn`): a page is written back whole, so a later write of it brings the earlier ones along.
 * Of names: `ordered` keeps them as a journal does, in order, up to what an fsync forced (of any file, up to that file's own last
 * change: ext4, XFS), and where content is torn some further steps; `strict` keeps a name only by an fsync of its folder (POSIX).
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '../random.ts';
import type { Disk, FileId, Inode, Piece } from './disk.ts';

export type Survival = {
	readonly names: 'ordered' | 'strict';
	readonly content: 'lost' | 'torn';
};

const pageBytes = 4096;

/** Writes what is left into the folder `target`, which is made. */
export async function writeImage(disk: Disk, target: string, kept: Survival, random: Random): Promise<void> {
	const further = kept.content === 'torn' ? random.between(0, disk.steps.length - disk.safeSteps) : 0;
	const steps = disk.safeSteps + further;
	const entries = namesLeft(disk, kept, steps);
	const place = async (id: FileId, path: string): Promise<void> => {
		const inode = disk.inodes.get(id);
		if (!inode) throw new Error(`no file ${id}`);
		if (!inode.isFolder) return writeFile(path, contentLeft(inode, kept, steps, random));
		await mkdir(path, { recursive: true });
		for (const [name, file] of entries.get(id) ?? []) await place(file, join(path, name));
	};
	await place(disk.root, target);
}

function namesLeft(disk: Disk, { names }: Survival, steps: number): Map<FileId, Map<string, FileId>> {
	const entries = new Map<FileId, Map<string, FileId>>();
	for (const [index, changes] of disk.steps.entries()) {
		for (const { folder, name, file } of changes) {
			const isLeft = names === 'ordered' ? index < steps : index < (disk.safeOfFolder.get(folder) ?? 0);
			if (!isLeft) continue;
			const of = entries.get(folder) ?? new Map<string, FileId>();
			entries.set(folder, of);
			if (file === undefined) of.delete(name);
			else of.set(name, file);
		}
	}
	return entries;
}

function contentLeft({ pieces }: Inode, kept: Survival, steps: number, random: Random): Buffer {
	const keeps = kept.content === 'torn' ? tornPages(pieces, random) : () => false;
	let content = Buffer.alloc(0);
	const grow = (size: number) => {
		if (size > content.length) content = Buffer.concat([content, Buffer.alloc(size - content.length)]);
	};
	for (const piece of pieces) {
		const { kind, at, data, isSafe, changesBefore } = piece;
		if (kind === 'truncate') {
			// A truncation is a change of the journal, as names are.
			if (!isSafe && !(kept.names === 'ordered' && changesBefore < steps)) continue;
			grow(at);
			content = content.subarray(0, at);
			continue;
		}
		for (const { from, to } of pagesOf(piece)) {
			if (!isSafe && !keeps(piece, Math.floor(from / pageBytes))) continue;
			grow(to);
			data.copy(content, from, from - at, to - at);
		}
	}
	return content;
}

/** For each page, how many of the writes that nothing made safe were written back. */
function tornPages(pieces: readonly Piece[], random: Random): (piece: Piece, page: number) => boolean {
	const unsafe = new Map<number, Piece[]>();
	for (const piece of pieces) {
		if (piece.isSafe || piece.kind !== 'write') continue;
		for (const { from } of pagesOf(piece)) {
			const page = Math.floor(from / pageBytes);
			unsafe.set(page, [...(unsafe.get(page) ?? []), piece]);
		}
	}
	const kept = new Map<number, ReadonlySet<Piece>>();
	for (const [page, of] of unsafe) kept.set(page, new Set(of.slice(0, random.between(0, of.length))));
	return (piece, page) => kept.get(page)?.has(piece) ?? false;
}

/** The parts of a write, page by page. */
function* pagesOf({ at, data }: Piece): Generator<{ from: number; to: number }> {
	const end = at + data.length;
	for (let from = at; from < end; ) {
		const to = Math.min(end, (Math.floor(from / pageBytes) + 1) * pageBytes);
		yield { from, to };
		from = to;
	}
}
