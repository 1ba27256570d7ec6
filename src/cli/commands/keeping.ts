/**
 * Owns the commands that keep what a broker holds: backup, backup verify, restore.
 * Promises that progress goes to stderr, and that what was made or restored is told on stdout once it is certain.
 * An interrupted backup leaves no backup; an interrupted restore is done again with --replace.
 */

import { resolve } from 'node:path';
import { makeBackup, type Progress } from '../../client/backup.ts';
import { restoreBackup } from '../../client/backup-restore.ts';
import { verifyBackup } from '../../client/backup-verify.ts';
import type { BrokerFlags, Cli, JsonFlag } from '../cli.ts';
import { parseReplicas, withConnection } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { backupText, progressText, restoredText } from '../render/keeping.ts';

export type BackupFlags = BrokerFlags & JsonFlag;
export type RestoreFlags = BackupFlags & { readonly replace?: boolean; readonly replicas?: string };

export async function backup(cli: Cli, folder: string, flags: BackupFlags): Promise<number> {
	const dir = resolve(cli.cwd, folder);
	const { version, clock } = cli;
	const manifest = await withConnection(cli, flags, (connection) =>
		makeBackup({ connection, dir, version, clock, onProgress: progressOn(cli, flags) }),
	);
	cli.stdout.line(flags.json ? JSON.stringify(manifest) : backupText(manifest, cli.stdout));
	cli.stderr.line(cli.stderr.paint('dim', `next: steward backup verify ${folder}, where it is to be kept`));
	return exitCodes.done;
}

export async function verify(cli: Cli, folder: string, flags: JsonFlag): Promise<number> {
	const manifest = await verifyBackup(resolve(cli.cwd, folder));
	cli.stdout.line(flags.json ? JSON.stringify(manifest) : backupText(manifest, cli.stdout));
	if (!flags.json) cli.stdout.line('every file is as it was written');
	return exitCodes.done;
}

export async function restore(cli: Cli, folder: string, flags: RestoreFlags): Promise<number> {
	const dir = resolve(cli.cwd, folder);
	const { replace = false } = flags;
	const replicas = flags.replicas === undefined ? undefined : parseReplicas(flags.replicas);
	const restored = await withConnection(cli, flags, (connection) =>
		restoreBackup({ connection, dir, replace, replicas, onProgress: progressOn(cli, flags) }),
	);
	cli.stdout.line(flags.json ? JSON.stringify(restored) : restoredText(restored, cli.stdout));
	cli.stderr.line(
		cli.stderr.paint(
			'dim',
			'next: start a centre (steward up, steward central) if none runs: it makes the consumers of the nodes again, as they say what they are',
		),
	);
	return exitCodes.done;
}

/** A line a stream; on a terminal it grows while the stream does. */
function progressOn({ stderr }: Cli, { json }: JsonFlag): (progress: Progress) => void {
	if (json) return () => undefined;
	let last = '';
	return (progress) => {
		if (stderr.isTTY)
			stderr.raw(
				`${progress.stream === last ? '\r' : '\n'.slice(last === '' ? 1 : 0)}${progressText(progress)}`,
			);
		else if (progress.stream !== last) stderr.line(progressText({ ...progress, bytes: 0 }));
		last = progress.stream;
	};
}
