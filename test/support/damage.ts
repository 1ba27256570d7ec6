/**
 * Owns damaging files as bad disks and hard power cuts do: cut short, blanked, scrambled, emptied, replaced, gone.
 * Promises the same damage for the same chance, and that only the named file is touched.
 * Never done to a file that a process has open for writing, unless a test means exactly that.
 */

import { mkdir, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';

/** [0, 1). */
type Chance = () => number;

const pageBytes = 4096;

const between = (chance: Chance, from: number, to: number) => from + Math.floor(chance() * (to - from + 1));
const noise = (chance: Chance, bytes: number) =>
	Buffer.from(Array.from({ length: bytes }, () => between(chance, 0, 255)));

async function overwrite(path: string, at: number, bytes: Buffer): Promise<void> {
	const file = await open(path, 'r+');
	try {
		await file.write(bytes, 0, bytes.length, at);
	} finally {
		await file.close();
	}
}

async function pageOf(path: string, chance: Chance): Promise<number> {
	const { size } = await stat(path);
	return between(chance, 0, Math.max(0, Math.floor(size / pageBytes) - 1)) * pageBytes;
}

export const damages = {
	truncated: async (path, chance) => truncate(path, between(chance, 1, (await stat(path)).size - 1)),
	blankPage: async (path, chance) => overwrite(path, await pageOf(path, chance), Buffer.alloc(pageBytes)),
	noisePage: async (path, chance) => overwrite(path, await pageOf(path, chance), noise(chance, pageBytes)),
	/** As a disk that loses its head: a sector's worth, anywhere. */
	noiseSector: async (path, chance) =>
		overwrite(path, (await pageOf(path, chance)) + 512 * between(chance, 0, 7), noise(chance, 512)),
	/** lmdb's first page says where all others are. */
	noiseMeta: async (path, chance) => overwrite(path, 0, noise(chance, pageBytes)),
	blankAll: async (path) => writeFile(path, Buffer.alloc((await stat(path)).size)),
	garbage: async (path, chance) => writeFile(path, noise(chance, 9000)),
	emptied: async (path) => truncate(path, 0),
	folder: async (path) => {
		await rm(path);
		await mkdir(path);
	},
	removed: async (path) => rm(path),
} as const satisfies Record<string, (path: string, chance: Chance) => Promise<void>>;

export type Damage = keyof typeof damages;
export const damageNames = Object.keys(damages) as Damage[];

/** Changes one byte of each place where `text` stands in the file, while whoever has it open goes on. */
export async function alterText(path: string, text: string): Promise<number> {
	const content = await readFile(path);
	let count = 0;
	for (let at = content.indexOf(text); at >= 0; at = content.indexOf(text, at + 1)) {
		await overwrite(path, at, Buffer.from('~'));
		count += 1;
	}
	return count;
}
