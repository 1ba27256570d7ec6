/**
 * Owns checking a backup against its own manifest: every file, every byte.
 * Promises that all problems are told together, and that a backup of a newer program is left alone.
 * Only reads.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, StewardError } from '../base/errors.ts';
import {
	type BackupManifest,
	backupManifest,
	type SavedFile,
	type SavedStream,
} from '../domain/keeping-view-schema.ts';
import { schemaVersion } from '../jetstream/topology.ts';

export const manifestFile = 'manifest.json';

/** What is read at once. */
export const readBytes = 256 * 1024;

/** @throws StewardError `not-found`, `invalid` with all problems, `schema-newer` */
export async function verifyBackup(dir: string): Promise<BackupManifest> {
	const manifest = await readManifest(resolve(dir));
	const files = manifest.streams.flatMap((stream) => filesOf(stream));
	const known = new Set([manifestFile, ...files.map(({ file }) => file)]);
	const problems = (await readdir(dir))
		.filter((file) => !known.has(file))
		.map((file) => `${file} is not in the manifest`);
	for (const saved of files) {
		const problem = await problemOf(dir, saved);
		if (problem !== undefined) problems.push(`${saved.file} ${problem}`);
	}
	if (problems.length === 0) return manifest;
	throw new StewardError(
		'invalid',
		`the backup ${dir} is damaged:\n${problems.map((line) => `  ${line}`).join('\n')}\nuse another one`,
		{ details: { problems } },
	);
}

async function readManifest(dir: string): Promise<BackupManifest> {
	let text: string;
	try {
		text = await readFile(join(dir, manifestFile), 'utf8');
	} catch (error) {
		throw new StewardError(
			'not-found',
			`${dir} holds no backup (${messageOf(error)}): name the folder that steward backup made`,
			{ cause: error },
		);
	}
	let manifest: BackupManifest;
	try {
		manifest = backupManifest.parse(JSON.parse(text));
	} catch (error) {
		throw new StewardError(
			'invalid',
			`${join(dir, manifestFile)} is no manifest of a backup: use another one`,
			{
				cause: error,
			},
		);
	}
	if (manifest.schema <= schemaVersion) return manifest;
	throw new StewardError(
		'schema-newer',
		`the backup's streams have schema ${manifest.schema}, and this program knows ${schemaVersion}: install a newer steward`,
	);
}

function filesOf({ file, fileBytes, sha256, tail }: SavedStream): SavedFile[] {
	return [{ file, fileBytes, sha256 }, ...(tail ? [tail] : [])];
}

async function problemOf(dir: string, { file, fileBytes, sha256 }: SavedFile): Promise<string | undefined> {
	// A name in the manifest must not lead out of the folder.
	if (!/^[A-Za-z0-9_-]+\.(snapshot|tail)$/.test(file)) return 'is no name of a file of a backup';
	const hash = createHash('sha256');
	let bytes = 0;
	try {
		for await (const chunk of createReadStream(join(dir, file), { highWaterMark: readBytes })) {
			hash.update(chunk);
			bytes += chunk.length;
		}
	} catch (error) {
		return `cannot be read: ${messageOf(error)}`;
	}
	if (bytes !== fileBytes) return `has ${bytes} bytes instead of ${fileBytes}`;
	return hash.digest('hex') === sha256 ? undefined : 'has another checksum';
}
