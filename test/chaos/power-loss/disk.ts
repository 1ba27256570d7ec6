/**
 * Owns a model of one folder of a disk: what files and folders it holds, and which parts of that would survive a power loss.
 * Promises that only what the system confirmed counts as safe: a write that had its answer before an fsync was asked for is
 * safe when that fsync has its answer; a write through O_SYNC or O_DSYNC when it has its own. Pure; see image.ts for what is left.
 *
 * Not modelled, and reported instead (`unmodelled`): writes through shared memory maps, symbolic links, fallocate,
 * sync_file_range, copies inside the kernel. Lies of the hardware, bit rot and torn pages are not simulated.
 */

export type FileId = number;

/** What happened to a file's content, in order. */
export type Piece = {
	readonly kind: 'write' | 'truncate';
	/** Of a write, where it begins; of a truncation, the new size. */
	readonly at: number;
	readonly data: Buffer;
	/** Safe whatever else is. */
	isSafe: boolean;
	/** Changes of names that came before it. */
	readonly changesBefore: number;
};

/** One change of names: a file or folder appears under a name, or goes. A rename is two in one step. */
export type Change = { readonly folder: FileId; readonly name: string; readonly file: FileId | undefined };

export type Inode = {
	readonly id: FileId;
	readonly isFolder: boolean;
	readonly pieces: Piece[];
	size: number;
	/** How many steps of names were made when it was last touched in any way, and last in its size or existence. */
	touched: number;
	resized: number;
};

export type Flushing = {
	readonly inode: Inode;
	readonly pieces: number;
	readonly touched: number;
	readonly steps: number;
};

export class Disk {
	readonly root: FileId = 0;
	readonly inodes = new Map<FileId, Inode>();
	/** Steps of names in order: what a file system's journal holds. */
	readonly steps: (readonly Change[])[] = [];
	/** Steps that are safe where names are kept in order. */
	safeSteps = 0;
	/** Steps of one folder that are safe where only its own fsync keeps them. */
	readonly safeOfFolder = new Map<FileId, number>();
	readonly unmodelled: string[] = [];
	readonly #entries = new Map<FileId, Map<string, FileId>>();

	constructor() {
		this.create(undefined, '', true);
	}

	find(path: readonly string[]): Inode | undefined {
		let id: FileId | undefined = this.root;
		for (const name of path) {
			id = id === undefined ? undefined : this.#entries.get(id)?.get(name);
		}
		return id === undefined ? undefined : this.inodes.get(id);
	}

	/** A new file or folder under a name; without a folder it is the root. */
	create(folder: Inode | undefined, name: string, isFolder: boolean): Inode {
		const id = this.inodes.size;
		const inode: Inode = { id, isFolder, pieces: [], size: 0, touched: 0, resized: 0 };
		this.inodes.set(id, inode);
		if (isFolder) this.#entries.set(id, new Map());
		if (folder) this.#step([{ folder: folder.id, name, file: id }]);
		return inode;
	}

	/** A further name of a file. */
	link(file: Inode, folder: Inode, name: string): void {
		this.#step([{ folder: folder.id, name, file: file.id }]);
	}

	remove(folder: Inode, name: string): void {
		this.#step([{ folder: folder.id, name, file: undefined }]);
	}

	rename(from: Inode, name: string, to: Inode, newName: string): void {
		const file = this.#entries.get(from.id)?.get(name);
		this.#step([
			{ folder: from.id, name, file: undefined },
			{ folder: to.id, name: newName, file },
		]);
	}

	write(inode: Inode, at: number, data: Buffer, isSafe: boolean): void {
		const grows = at + data.length > inode.size;
		inode.pieces.push({ kind: 'write', at, data, isSafe, changesBefore: this.steps.length });
		inode.size = Math.max(inode.size, at + data.length);
		this.#touch(inode, grows);
		if (isSafe) this.safeSteps = Math.max(this.safeSteps, inode.resized);
	}

	truncate(inode: Inode, size: number): void {
		inode.pieces.push({
			kind: 'truncate',
			at: size,
			data: Buffer.alloc(0),
			isSafe: false,
			changesBefore: this.steps.length,
		});
		inode.size = size;
		this.#step([]);
		this.#touch(inode, true);
	}

	/** What a flush that is asked for now makes safe when it is answered. */
	flushing(inode: Inode, isDataOnly: boolean): Flushing {
		const touched = isDataOnly ? inode.resized : inode.touched;
		return { inode, pieces: inode.pieces.length, touched, steps: this.steps.length };
	}

	flushed({ inode, pieces, touched, steps }: Flushing): void {
		for (const piece of inode.pieces.slice(0, pieces)) piece.isSafe = true;
		this.safeSteps = Math.max(this.safeSteps, touched);
		if (inode.isFolder)
			this.safeOfFolder.set(inode.id, Math.max(this.safeOfFolder.get(inode.id) ?? 0, steps));
	}

	/** Everything that is there now is safe: the disk as it was found. */
	allSafe(): void {
		for (const { pieces } of this.inodes.values()) for (const piece of pieces) piece.isSafe = true;
		this.safeSteps = this.steps.length;
		for (const id of this.#entries.keys()) this.safeOfFolder.set(id, this.steps.length);
	}

	#step(changes: readonly Change[]): void {
		this.steps.push(changes);
		for (const { folder, name, file } of changes) {
			const entries = this.#entries.get(folder);
			if (file === undefined) entries?.delete(name);
			else entries?.set(name, file);
			for (const id of [folder, file]) {
				const inode = id === undefined ? undefined : this.inodes.get(id);
				if (inode) this.#touch(inode, true);
			}
		}
	}

	#touch(inode: Inode, isResized: boolean): void {
		inode.touched = this.steps.length;
		if (isResized) inode.resized = this.steps.length;
	}
}
