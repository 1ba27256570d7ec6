/**
 * Owns putting a backup into a broker. Promises that nothing is touched before the backup was checked, that streams which
 * hold something are replaced only when that was asked for, and that what the server made is compared with the manifest.
 * A crash in the middle leaves the commands unrestored, which come last: nothing starts, and restoring again with `--replace`
 * heals it.
 *
 * What was decided comes before what it was decided about: ledger and claims are there when the first command is, so a
 * centre and nodes that are at work meanwhile start nothing that had ended. The consumers of nodes are not part of a backup:
 * the centre makes them again.
 */

import { createReadStream } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { StewardError } from '../base/errors.ts';
import { counted } from '../base/text.ts';
import type { Held, Restored, SavedFile, SavedStream } from '../domain/keeping-view-schema.ts';
import { streams, subjects } from '../domain/subject.ts';
import type { Connection } from '../jetstream/connection.ts';
import { getLast } from '../jetstream/direct-get.ts';
import { assertPlace, describeStream, restoreSnapshot } from '../jetstream/snapshot.ts';
import { publishTail } from '../jetstream/tail.ts';
import { isOfSteward, listStreams } from '../jetstream/topology.ts';
import { isMomentary, type Progress } from './backup.ts';
import { readBytes, verifyBackup } from './backup-verify.ts';

export type RestoreOptions = {
	connection: Connection;
	/** Folder of the backup. */
	dir: string;
	/** Streams that hold something are removed first. */
	replace: boolean;
	/** Servers that hold each stream, where it is to be another number than before. */
	replicas?: number | undefined;
	onProgress?: (progress: Progress) => void;
};

/**
 * @throws StewardError `not-found`, `invalid`, `schema-newer` of the backup; `refused` where streams hold something, or the
 * broker has too little room or too few servers; `no-broker`
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
	const { connection, replace, replicas, onProgress } = options;
	const dir = resolve(options.dir);
	const manifest = await verifyBackup(dir);
	const ordered = inOrder(manifest.streams);
	const replaced = await makeRoom(connection, ordered, replace, replicas);
	const restored: Restored['streams'] = [];
	for (const [index, saved] of ordered.entries()) {
		const config = { ...saved.config, num_replicas: replicas ?? saved.config.num_replicas };
		const onBytes = (bytes: number) =>
			onProgress?.({ stream: saved.name, at: index + 1, of: ordered.length, bytes });
		const copied = await restoreSnapshot(connection, { ...saved, config }, chunksOf(dir, saved, onBytes));
		const aged = agedOf(saved, copied);
		if (saved.tail) await publishTail(connection, copied.lastSeq, linesOf(dir, saved.tail));
		const held = saved.tail ? (await describeStream(connection, saved.name)).held : copied;
		restored.push({ name: saved.name, ...held, aged });
	}
	return { streams: restored, replaced };
}

/** Against the order of the backup; the commands last, and of these the stream that answers for all. */
function inOrder(saved: readonly SavedStream[]): SavedStream[] {
	const isCommands = ({ config }: SavedStream) => config.name.startsWith('STEWARD_COMMANDS_');
	const backwards = [...saved].reverse();
	return [...backwards.filter((one) => !isCommands(one)), ...backwards.filter(isCommands)];
}

/** Removes what is in the way. @throws StewardError `refused`, and then nothing was removed */
async function makeRoom(
	connection: Connection,
	wanted: readonly SavedStream[],
	replace: boolean,
	replicas: number | undefined,
): Promise<string[]> {
	const there = (await listStreams(connection)).filter(
		({ config }) => isOfSteward(config) && !isMomentary(config.name),
	);
	const noted = await hasFleetNote(connection, there);
	const own = (name: string) => (noted && name === streams.state ? 1 : 0);
	const full = there
		.filter(({ state, config }) => state.messages > own(config.name))
		.map(({ config }) => config.name);
	if (full.length > 0 && !replace) {
		throw new StewardError(
			'refused',
			`this broker holds something already (${full.join(', ')}): restore into an empty one, or add --replace to throw that away`,
			{ details: { streams: full } },
		);
	}
	const most = Math.max(1, ...wanted.map(({ config }) => replicas ?? config.num_replicas));
	await assertPlace(connection, bytesOf(wanted) - bytesOf(there), most);
	const names = there.map(({ config }) => config.name).sort();
	// Commands first: from then on nothing is started.
	const isCommands = (name: string) => name.startsWith('STEWARD_COMMANDS_');
	for (const name of [...names.filter(isCommands), ...names.filter((name) => !isCommands(name))]) {
		await connection.jsm.streams.delete(name);
	}
	return names;
}

/** A centre that looks after nothing yet has told nodes of the fleet already. */
async function hasFleetNote(
	connection: Connection,
	there: readonly { config: { name: string } }[],
): Promise<boolean> {
	if (!there.some(({ config }) => config.name === streams.state)) return false;
	return (await getLast(connection, streams.state, subjects.fleetNote)) !== undefined;
}

/** What the broker has to keep free for them. */
function bytesOf(streams: readonly { config: { max_bytes: number; storage: string } }[]): number {
	return streams
		.filter(({ config }) => config.storage === 'file')
		.reduce((sum, { config }) => sum + Math.max(0, config.max_bytes), 0);
}

async function* chunksOf(
	dir: string,
	{ file }: SavedStream,
	onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
	let bytes = 0;
	for await (const chunk of createReadStream(join(dir, file), { highWaterMark: readBytes })) {
		yield chunk;
		bytes += chunk.length;
		onBytes(bytes);
	}
}

function linesOf(dir: string, { file }: SavedFile): AsyncIterable<string> {
	return createInterface({ input: createReadStream(join(dir, file)), crlfDelay: Number.POSITIVE_INFINITY });
}

/** Messages that were too old by now. @throws StewardError `invalid` where the server made something else of the backup */
function agedOf(saved: SavedStream, held: Held): number {
	const { name, before, after, quiet, config } = saved;
	const ages = Number(config.max_age ?? 0) > 0 || config.allow_msg_ttl === true;
	const isWhole =
		held.lastSeq >= before.lastSeq &&
		held.lastSeq <= after.lastSeq &&
		(ages ||
			!quiet ||
			(held.messages === before.messages && (held.messages === 0 || held.firstSeq === before.firstSeq)));
	const aged = quiet ? before.messages - held.messages : 0;
	if (isWhole && aged >= 0) return aged;
	throw new StewardError(
		'invalid',
		`stream ${name} was restored with ${counted(held.messages, 'message')} up to ${held.lastSeq}, and the backup says ${before.messages} up to ` +
			`${before.lastSeq}: see the server's log, and restore again with --replace`,
		{ details: { stream: name, restored: held, saved: before } },
	);
}
