/**
 * Owns making a backup: all streams and buckets, one after another, each as one file of the server's own format, with a
 * manifest. Promises a folder that is whole and was read back, or none; memory for one window, whatever the streams hold.
 * A crash leaves a folder whose name ends in `.part-…`, which nobody takes for a backup.
 *
 * Why a backup of a fleet that works can be trusted: streams are copied in the order in which commands move. What a later
 * stream was told, it was told after the copies before it, so a command is found at least once: as a schedule's tick, as a
 * message of the intake, on its commands stream, as a claim, as a report, or in the ledger. What is found twice is one
 * command, because ids, claims and journals say so, as after any crash. Results come after the ledger, which refers to them.
 * So nothing is lost that had been accepted before the backup began, and nothing runs again for having been restored: a
 * command that was claimed after the copy of the claims is known to its node's journal, which reports its outcome again.
 * The server's copy of one stream is no moment in time: what is written again meanwhile may be in it in neither form. So a stream
 * that changed is copied again, and what came during the last copy is read beside it (jetstream/tail.ts).
 */

import { createHash } from 'node:crypto';
import { mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Clock, rfc3339 } from '../base/clock.ts';
import { isStewardError, StewardError, systemCodeOf } from '../base/errors.ts';
import { makeFolder, syncFolder } from '../base/files.ts';
import type { BackupManifest, SavedFile, SavedStream } from '../domain/keeping-view-schema.ts';
import { buckets, streams } from '../domain/subject.ts';
import { bucketStream } from '../jetstream/bucket.ts';
import type { Connection } from '../jetstream/connection.ts';
import { describeStream, saveSnapshot } from '../jetstream/snapshot.ts';
import { readTail } from '../jetstream/tail.ts';
import { isOfSteward, listStreams, requireTopology } from '../jetstream/topology.ts';
import { manifestFile, verifyBackup } from './backup-verify.ts';

/** Of the moment only: who leads, and who is present. */
const momentary: readonly string[] = [bucketStream(buckets.leases), bucketStream(buckets.presence)];

/** What comes first gives to what comes after it; commands stand for all their shards. */
const order: readonly string[] = [
	bucketStream(buckets.schedules),
	streams.intake,
	streams.commands(0),
	streams.events,
	streams.claims,
	streams.reports,
	streams.state,
	bucketStream(buckets.ledger),
	bucketStream(buckets.results),
	streams.dead,
	streams.output,
	bucketStream(buckets.nodes),
	bucketStream(buckets.trust),
];

/** A stream that changed while it was copied is copied again, so often; then what came meanwhile is read beside it. */
const mostCopies = 3;

export type Progress = {
	readonly stream: string;
	readonly at: number;
	readonly of: number;
	readonly bytes: number;
};

export type BackupOptions = {
	connection: Connection;
	/** The folder to be made. */
	dir: string;
	/** Version of this program. */
	version: string;
	clock: Clock;
	/** Waited for: what takes it in is never behind. */
	onProgress?: (progress: Progress) => void | Promise<void>;
};

/** Whether a stream is left out of backups, and of what a restore replaces. */
export function isMomentary(stream: string): boolean {
	return momentary.includes(stream);
}

/** @throws StewardError `refused` where the folder is there already, `no-broker`, `no-topology`, `schema-newer`, `storage` */
export async function makeBackup({ connection, dir, ...options }: BackupOptions): Promise<BackupManifest> {
	const target = resolve(dir);
	const { schema, shards } = await requireTopology(connection);
	const names = (await listStreams(connection))
		.filter(({ config }) => isOfSteward(config))
		.map(({ config }) => config.name);
	await makeFolder(dirname(target));
	await assertFree(target);
	const draft = await mkdtemp(`${target}.part-`);
	try {
		const startedAt = rfc3339(options.clock.now());
		const saved: SavedStream[] = [];
		const wanted = inOrder(names.filter((name) => !isMomentary(name)));
		for (const [index, name] of wanted.entries()) {
			const onBytes = async (bytes: number) =>
				options.onProgress?.({ stream: name, at: index + 1, of: wanted.length, bytes });
			saved.push(await saveQuietly(connection, draft, name, options.clock, onBytes));
		}
		const manifest: BackupManifest = {
			...{ format: 1, steward: options.version, server: connection.nc.info?.version ?? 'unknown' },
			...{ schema, shards, startedAt, endedAt: rfc3339(options.clock.now()) },
			...{ streams: saved, left: names.filter(isMomentary).sort() },
		};
		const text = `${JSON.stringify(manifest, null, '\t')}\n`;
		await writeFile(draft, manifestFile, (write) => write(Buffer.from(text)));
		await syncFolder(draft);
		await verifyBackup(draft);
		await moveTo(draft, target);
		return manifest;
	} catch (error) {
		await rm(draft, { recursive: true, force: true });
		throw isStewardError(error) || systemCodeOf(error) === undefined ? error : refusedByDisk(target, error);
	}
}

/** What this program does not know comes last. */
function inOrder(names: readonly string[]): string[] {
	const place = (name: string) => {
		const at = order.indexOf(name.replace(/^STEWARD_COMMANDS_\d+$/, streams.commands(0)));
		return at < 0 ? order.length : at;
	};
	return [...names].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}

type OnBytes = (bytes: number) => Promise<void>;

async function saveQuietly(
	connection: Connection,
	dir: string,
	name: string,
	clock: Clock,
	onBytes: OnBytes,
): Promise<SavedStream> {
	for (let copy = 1; ; copy++) {
		const saved = await saveOnce(connection, dir, name, clock, onBytes);
		if (saved.quiet) return saved;
		if (copy === mostCopies) return { ...saved, tail: await saveTail(connection, dir, saved) };
		await rm(join(dir, saved.file));
	}
}

async function saveOnce(
	connection: Connection,
	dir: string,
	name: string,
	clock: Clock,
	onBytes: OnBytes,
): Promise<SavedStream> {
	const { config, createdAt, held: before } = await describeStream(connection, name);
	const saved = await writeFile(
		dir,
		`${name}.snapshot`,
		(write) => saveSnapshot(connection, name, write, clock),
		onBytes,
	);
	const { held: after } = await describeStream(connection, name);
	const quiet = JSON.stringify(before) === JSON.stringify(after);
	return { name, ...saved, tail: null, config, createdAt, before, after, quiet };
}

/** Where a message may have taken the place of another. In the other streams what goes has gone on to the next one. */
async function saveTail(connection: Connection, dir: string, saved: SavedStream): Promise<SavedFile | null> {
	const { name, before } = saved;
	const isReplaced = name.startsWith('KV_') || name.startsWith('STEWARD_COMMANDS_');
	if (!isReplaced && name !== streams.dead && name !== streams.state) return null;
	return writeFile(dir, `${name}.tail`, async (write) => {
		await readTail(connection, name, before.lastSeq, (line) => write(Buffer.from(line)));
	});
}

/** A new file that only its owner reads, on disk when this resolves. */
async function writeFile(
	dir: string,
	file: string,
	fill: (write: (chunk: Uint8Array) => Promise<void>) => Promise<void>,
	onBytes: OnBytes = async () => undefined,
): Promise<SavedFile> {
	const hash = createHash('sha256');
	let fileBytes = 0;
	const handle = await open(join(dir, file), 'wx', 0o600);
	try {
		await fill(async (chunk) => {
			hash.update(chunk);
			await handle.writev([chunk]);
			fileBytes += chunk.length;
			await onBytes(fileBytes);
		});
		await handle.sync();
	} finally {
		await handle.close();
	}
	return { file, fileBytes, sha256: hash.digest('hex') };
}

/** Copying may take long: it is better said beforehand. */
async function assertFree(target: string): Promise<void> {
	try {
		if ((await readdir(target)).length > 0) throw isThere(target);
	} catch (error) {
		const code = systemCodeOf(error);
		if (code === 'ENOTDIR') throw isThere(target, error);
		if (code !== 'ENOENT') throw error;
	}
}

function isThere(target: string, cause?: unknown): StewardError {
	return new StewardError('refused', `${target} is there already: name another folder`, { cause });
}

async function moveTo(draft: string, target: string): Promise<void> {
	try {
		// Takes the place of nothing but an empty folder.
		await rename(draft, target);
	} catch (error) {
		if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(systemCodeOf(error) ?? '')) throw error;
		throw isThere(target, error);
	}
	await syncFolder(dirname(target));
}

function refusedByDisk(target: string, error: unknown): StewardError {
	const code = systemCodeOf(error) ?? 'unknown';
	return new StewardError(
		'storage',
		`the backup ${basename(target)} could not be written (${code}): is there room, and may you write there?`,
		{
			cause: error,
		},
	);
}
