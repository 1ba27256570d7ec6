/**
 * Owns finding out whether the store's file may be worked with, before the node opens it: lmdb maps the file, and a
 * process that reads a damaged one is killed, or is given wrong data.
 * Promises that a store is called damaged only when its disk works and two walks by lmdb itself say so; all else that
 * goes wrong is an error. It changes nothing; a crash begins again.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { messageOf, StewardError, systemCodeOf } from '../../base/errors.ts';
import { dataFile } from './store-layout.ts';
import type { WalkWord } from './store-walk.ts';

export type Condition =
	/** `isExpected`: nothing says that there ever was one. */
	| { readonly is: 'absent'; readonly isExpected: boolean }
	| { readonly is: 'sound' }
	| { readonly is: 'damaged'; readonly why: string };

export type ConditionOptions = {
	/** The store's folder. */
	readonly path: string;
	/** The compiled `store-walk.js`. */
	readonly walkPath: string;
	readonly clock: Clock;
};

/** What lmdb writes first: its mark and the version of its format, behind the page's header. */
const magic = 0xbeefc0de;
const magicAt = 24;
const formatVersion = 2;
/** Versions above this are no versions. */
const highestVersion = 1000;
const walkWithinMs = 10 * 60_000;
const probeBytes = 64 * 1024;
const blockBytes = 1024 * 1024;
/** What a process dies of that reads what is not there; others (SIGKILL) come from outside. */
const crashSignals: readonly unknown[] = ['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP'];

/** @throws StewardError `storage` where it cannot be told, `schema-newer` */
export async function conditionOf(options: ConditionOptions): Promise<Condition> {
	const { path } = options;
	const file = join(path, dataFile);
	try {
		const folder = await statOf(path);
		if (!folder) return { is: 'absent', isExpected: true };
		if (!folder.isDirectory()) return { is: 'damaged', why: 'it is no folder' };
		const data = await statOf(file);
		if (!data) return { is: 'absent', isExpected: (await statOf(join(path, 'lock.mdb'))) === undefined };
		if (!data.isFile()) return { is: 'damaged', why: `${dataFile} is no file` };
		if (data.size === 0) return { is: 'absent', isExpected: false };
		await refuseOtherFormat(file);
	} catch (error) {
		throw cannotTell(path, error);
	}
	const first = await walk(options);
	if (first.is === 'sound') return first;
	await proveDisk(path, first.why);
	const second = await walk(options);
	return second.is === 'sound' ? second : { is: 'damaged', why: second.why };
}

async function statOf(path: string) {
	try {
		return await stat(path);
	} catch (error) {
		if (systemCodeOf(error) === 'ENOENT') return undefined;
		throw error;
	}
}

/** lmdb itself does not survive a file of another version. */
async function refuseOtherFormat(file: string): Promise<void> {
	await using handle = await opened(file);
	const head = Buffer.alloc(magicAt + 8);
	await handle.file.read(head, 0, head.length, 0);
	if (head.readUInt32LE(magicAt) !== magic) return;
	const version = head.readUInt32LE(magicAt + 4) & 0xffff;
	if (version === formatVersion || version === 0 || version > highestVersion) return;
	throw new StewardError(
		'schema-newer',
		`the store's file ${file} has format ${version}, and this steward reads ${formatVersion}: use the steward that wrote it`,
	);
}

async function opened(path: string): Promise<AsyncDisposable & { readonly file: FileHandle }> {
	const file = await open(path, 'r');
	return { file, [Symbol.asyncDispose]: () => file.close() };
}

/** @throws StewardError `storage` where the walk could not be made, or says that it does not know */
async function walk({
	path,
	walkPath,
	clock,
}: ConditionOptions): Promise<Exclude<WalkWord, { is: 'unknown' }>> {
	const child = spawn(process.execPath, [walkPath, path], { stdio: ['ignore', 'pipe', 'pipe'] });
	let [said, complained] = ['', ''];
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		said += text;
	});
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		complained = (complained + text).slice(-2000);
	});
	const cancel = clock.after(walkWithinMs, () => child.kill('SIGKILL'));
	try {
		const [code, signal] = await once(child, 'close');
		const word = wordIn(said);
		if (word && word.is !== 'unknown') return word;
		// Out of memory is a crash as well, and says nothing of the file.
		if (!word && crashSignals.includes(signal) && !complained.includes('FATAL ERROR')) {
			const cry = complained.trim().split('\n').at(-1);
			return { is: 'damaged', why: `lmdb dies of it (${signal})${cry ? `: ${cry}` : ''}` };
		}
		throw new Error(word?.why ?? (complained.trim() || `the walk over it ended with ${signal ?? code}`));
	} catch (error) {
		throw cannotTell(path, error);
	} finally {
		cancel();
	}
}

function wordIn(said: string): WalkWord | undefined {
	return said.endsWith('\n') ? (JSON.parse(said) as WalkWord) : undefined;
}

/** On a full disk, or one that gives errors, lmdb dies of a good file too: all of it is read, and something written. */
async function proveDisk(path: string, why: string): Promise<void> {
	const probe = join(dirname(path), `${basename(path)}.probe`);
	try {
		await using handle = await opened(join(path, dataFile));
		const block = Buffer.alloc(blockBytes);
		while ((await handle.file.read(block, 0, blockBytes)).bytesRead > 0);
		const written = await open(probe, 'w', 0o600);
		try {
			await written.writeFile(Buffer.alloc(probeBytes, 1));
			await written.sync();
		} finally {
			await written.close();
		}
	} catch (error) {
		throw cannotTell(path, error, `; it looks damaged (${why}), but its disk does not work`);
	} finally {
		await rm(probe, { force: true }).catch(() => undefined);
	}
}

function cannotTell(path: string, error: unknown, more = ''): StewardError {
	if (error instanceof StewardError) return error;
	return new StewardError(
		'storage',
		`the node's store at ${path} cannot be looked at (${messageOf(error)})${more}: nothing was changed; see that the disk can be read and written`,
		{ cause: error },
	);
}
