import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomFrom } from '../random.ts';
import { Disk, type Inode } from './disk.ts';
import { type Survival, writeImage } from './image.ts';
import { replay } from './replay.ts';
import { parseTrace } from './trace.ts';

/** The model of a disk itself: what it keeps, and what not. */

let folder = '';
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'steward-disk-'));
});
afterEach(() => rm(folder, { recursive: true }));

let images = 0;
async function left(disk: Disk, kept: Survival, seed = 1): Promise<Record<string, string>> {
	images += 1;
	const target = join(folder, String(images));
	await writeImage(disk, target, kept, randomFrom(seed));
	const files = (await readdir(target, { withFileTypes: true })).filter((entry) => entry.isFile());
	const contents = files.map(
		async ({ name }) => [name, await readFile(join(target, name), 'latin1')] as const,
	);
	return Object.fromEntries(await Promise.all(contents));
}

const lost: Survival = { names: 'ordered', content: 'lost' };
const torn: Survival = { names: 'ordered', content: 'torn' };
const strict: Survival = { names: 'strict', content: 'lost' };

function rootOf(disk: Disk): Inode {
	return disk.find([]) as Inode;
}

function fsync(disk: Disk, inode: Inode): void {
	disk.flushed(disk.flushing(inode, false));
}

test('keeps what an fsync covered, and nothing that came after it was asked for', async () => {
	const disk = new Disk();
	const file = disk.create(rootOf(disk), 'a', false);
	disk.write(file, 0, Buffer.from('one'), false);
	const flushing = disk.flushing(file, false);
	disk.write(file, 3, Buffer.from('two'), false);
	expect(await left(disk, lost)).toEqual({});
	disk.flushed(flushing);
	expect(await left(disk, lost)).toEqual({ a: 'one' });
	expect(await left(disk, strict)).toEqual({});
	fsync(disk, rootOf(disk));
	expect(await left(disk, strict)).toEqual({ a: 'one' });
});

test('a rename is kept in order, without the content that nobody forced', async () => {
	const disk = new Disk();
	const old = disk.create(rootOf(disk), 'a', false);
	disk.write(old, 0, Buffer.from('old'), true);
	const draft = disk.create(rootOf(disk), 'a.tmp', false);
	disk.write(draft, 0, Buffer.from('new'), false);
	disk.rename(rootOf(disk), 'a.tmp', rootOf(disk), 'a');
	expect(await left(disk, lost)).toEqual({ a: 'old' });
	fsync(disk, disk.create(rootOf(disk), 'another', false));
	expect(await left(disk, lost)).toEqual({ a: '', another: '' });
});

test('a data-only flush forces the names up to the last growth of its file, not those after it', async () => {
	const disk = new Disk();
	const file = disk.create(rootOf(disk), 'a', false);
	disk.write(file, 0, Buffer.from('one'), false);
	disk.create(rootOf(disk), 'b', false);
	disk.write(file, 0, Buffer.from('two'), false);
	disk.flushed(disk.flushing(file, true));
	expect(await left(disk, lost)).toEqual({ a: 'two' });
	fsync(disk, file);
	expect(await left(disk, lost)).toEqual({ a: 'two', b: '' });
});

test('torn pages are each as some write left them, and differ with the seed', async () => {
	const disk = new Disk();
	const file = disk.create(rootOf(disk), 'a', false);
	disk.write(file, 0, Buffer.alloc(4 * 4096, '-'), true);
	for (const letter of ['x', 'y']) disk.write(file, 0, Buffer.alloc(4 * 4096, letter), false);
	const seen = new Set<string>();
	for (let seed = 1; seed <= 20; seed++) {
		const { a = '' } = await left(disk, torn, seed);
		const pages = [0, 1, 2, 3].map((page) => a.slice(page * 4096, (page + 1) * 4096));
		for (const page of pages) expect(page).toMatch(/^(-+|x+|y+)$/);
		seen.add(pages.map((page) => page[0]).join(''));
	}
	expect(seen.size).toBeGreaterThan(5);
});

test('a trace is followed: shared offsets, calls that overlap, and a flush that never answered', async () => {
	const hex = (text: string) =>
		[...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
	const a = `3<${hex('/d/a')}>`;
	const lines = [
		`7 10.000001 openat(AT_FDCWD<${hex('/d')}>, "${hex('a')}", O_RDWR|O_CREAT, 0600) = ${a}`,
		`7 10.000002 write(${a}, "${hex('one')}", 3) = 3`,
		`7 10.000003 fsync(${a} <unfinished ...>`,
		`8 10.000004 write(${a}, "${hex('two')}", 3) = 3`,
		`7 10.000005 <... fsync resumed>)        = 0`,
		`8 10.000006 fsync(${a} <unfinished ...>`,
		'8 10.000007 +++ killed by SIGKILL +++',
	];
	const trace = parseTrace(lines.join('\n'));
	const at = (place: number) => left(replay(trace, place, { folder: '/d' }), lost);
	expect(await at(4)).toEqual({});
	expect(await at(5)).toEqual({ a: 'one' });
	expect(await at(7)).toEqual({ a: 'one' });
	expect(replay(trace, 7, { folder: '/d' }).find(['a'])?.size).toBe(6);
});
